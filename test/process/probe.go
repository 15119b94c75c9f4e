// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

// FreeAddr returns an address of the loopback interface on which no program listens. The address is not
// reserved: use RetryAddrInUse if another program may take it first.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("cannot find a free port on the loopback interface: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// RetryAddrInUse calls start again, with other free addresses, as long as it fails because another process has
// taken an address first.
func RetryAddrInUse[T any](start func() (T, error)) (T, error) {
	const tries = 3
	for try := 1; ; try++ {
		v, err := start()
		if err == nil || try == tries || !errors.Is(err, syscall.EADDRINUSE) {
			return v, err
		}
	}
}

// Answers returns a probe: it succeeds if a GET of the URL is answered with status 200.
func Answers(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, resp.Status)
		}
		return nil
	}
}

// Listens returns a probe: it succeeds if a program accepts connections at the address.
func Listens(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
