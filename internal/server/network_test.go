package server_test

import (
	"context"
	"net"
	"sync"
)

// network connects clients to a server without any buffer: what a client does
// not read, the server cannot write.
type network struct {
	waiting chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func newNetwork() *network {
	return &network{waiting: make(chan net.Conn), closed: make(chan struct{})}
}

// dial returns once the server has accepted the connection.
func (n *network) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case n.waiting <- theirs:
		return ours, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.waiting:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *network) Addr() net.Addr { return pipe{} }

type pipe struct{}

func (pipe) Network() string { return "pipe" }
func (pipe) String() string  { return "pipe" }
