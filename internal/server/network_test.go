// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"net"
	"sync"
	"time"
)

// network connects clients to a server without any buffer: the server cannot write bytes that a client does not
// read.
type network struct {
	waiting chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func newNetwork() *network {
	return &network{waiting: make(chan net.Conn), closed: make(chan struct{})}
}

// dial returns once the server has accepted the connection.
func (n *network) dial(ctx context.Context) (*connection, error) {
	ours, theirs := net.Pipe()
	c := &connection{Conn: ours, server: &serverSide{Conn: theirs}}
	select {
	case n.waiting <- c.server:
		return c, nil
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

// connection is the client's side.
type connection struct {
	net.Conn
	server *serverSide
}

// serverSide notices when the server gives up writing.
type serverSide struct {
	net.Conn
	mu       sync.Mutex
	deadline time.Time
}

func (s *serverSide) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return s.Conn.SetWriteDeadline(t)
}

// expire lets the server's deadline pass now, if it has set one.
func (s *serverSide) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.deadline.IsZero() {
		_ = s.Conn.SetWriteDeadline(time.Unix(1, 0))
	}
}

type pipe struct{}

func (pipe) Network() string { return "pipe" }
func (pipe) String() string  { return "pipe" }
