// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// Proxy is a proxy that asks for Username and Password.
type Proxy struct {
	*process.Process
	// Addr is its host and port.
	Addr string
}

// ProxyClient is the address that servers see requests of a Proxy come from. No other program here connects
// from it.
const ProxyClient = "127.0.0.3"

// StartTinyproxy starts an HTTP proxy as a member of the group, with its files in dir.
func StartTinyproxy(ctx context.Context, dir string, group *process.Group) (Proxy, error) {
	p, addr, err := listen(ctx, dir, parts.Tinyproxy, group, func(addr string) ([]string, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "tinyproxy.conf")
		return []string{"-d", "-c", file}, os.WriteFile(file, fmt.Appendf(nil, "Listen %s\nPort %s\nBind %s\nTimeout 60\nMaxClients 100\nBasicAuth %s %s\n",
			host, port, ProxyClient, Username, Password), 0o600)
	})
	return Proxy{p, addr}, err
}

// StartMicrosocks starts a SOCKS5 proxy as a member of the group, with its log in dir.
func StartMicrosocks(ctx context.Context, dir string, group *process.Group) (Proxy, error) {
	p, addr, err := listen(ctx, dir, parts.Microsocks, group, func(addr string) ([]string, error) {
		host, port, err := net.SplitHostPort(addr)
		return []string{"-i", host, "-p", port, "-b", ProxyClient, "-u", Username, "-P", Password}, err
	})
	return Proxy{p, addr}, err
}
