// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

// inNamespace marks the process that runs in a network namespace of its own.
const inNamespace = "OUTBOUND_TEST_IN_NAMESPACE"

// noCapability is the exit status of a process that may not set addresses in its namespace.
const noCapability = 77

var _ = It("A11: A request is led between real internal, external and link-local addresses by the rules", Label("network"), func() {
	cmd := exec.Command(os.Args[0], "-test.run=^TestAddressesInNamespace$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1", "HTTP_PROXY=", "HTTPS_PROXY=", "http_proxy=", "https_proxy=")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		Skip("this machine starts no process in a network namespace of its own")
	}
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() == noCapability {
		Skip("this machine sets no address in a network namespace")
	}
	Expect(err).NotTo(HaveOccurred(), out.String())
})

const (
	inside1, inside2 = "10.77.0.1", "10.77.0.2"
	outside1         = "140.82.121.33"
	metadata         = "169.254.169.254"
	apiServer        = "10.77.0.9"
)

// TestAddressesInNamespace does nothing outside of a namespace of its own.
func TestAddressesInNamespace(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		t.Skip("a spec of this suite runs this test in a network namespace")
	}
	for i, address := range []string{"127.0.0.1", inside1, inside2, outside1, metadata, apiServer} {
		setAddress(t, i, address)
	}
	for _, row := range []struct {
		name string
		path []string // the hosts, one redirecting to the next
		// allowed lists hosts and networks.
		allowed []string
		proxied bool
		refused bool
	}{
		{name: "an internal origin", path: []string{inside1}},
		{name: "an external origin", path: []string{outside1}},
		{name: "from an internal origin to another internal host", path: []string{inside1, inside2}},
		{name: "from an internal origin to an external host", path: []string{inside1, outside1}},
		{name: "from an external origin to an internal host", path: []string{outside1, inside2}, refused: true},
		{name: "from an external origin to a listed internal host", path: []string{outside1, inside2}, allowed: []string{inside2}},
		{name: "from an external origin to a listed network", path: []string{outside1, inside2}, allowed: []string{"10.77.0.0/16"}},
		{name: "from an internal origin by an external host to an internal one", path: []string{inside1, outside1, inside2}, refused: true},
		{name: "from an internal origin through two internal hosts", path: []string{inside1, inside2, inside1}},
		{name: "from an internal origin to the metadata service", path: []string{inside1, metadata}, refused: true},
		{name: "the metadata service as the origin", path: []string{metadata}, refused: true},
		{name: "the metadata service, listed", path: []string{metadata}, allowed: []string{"169.254.169.254/32"}},
		{name: "loopback as the origin", path: []string{"127.0.0.1"}, refused: true},
		{name: "loopback, listed", path: []string{"127.0.0.1"}, allowed: []string{"127.0.0.0/8"}},
		{name: "from a listed loopback origin to an internal host", path: []string{"127.0.0.1", inside1}, allowed: []string{"127.0.0.1"}, refused: true},
		{name: "the API server as the origin", path: []string{apiServer}, refused: true},
		{name: "from an internal origin to the API server", path: []string{inside1, apiServer}, refused: true},
		{name: "from an internal origin through a proxy to an internal host", path: []string{inside1, inside2}, proxied: true, refused: true},
		{name: "an internal origin through a proxy", path: []string{inside1}, proxied: true},
	} {
		t.Run(row.name, func(t *testing.T) { follow(t, row.path, row.allowed, row.proxied, row.refused) })
	}
}

// follow reads from the first host of a path, in which each host redirects to the next.
func follow(t *testing.T, path, allowed []string, proxied, refused bool) {
	const port = "8080"
	var reached [3]atomic.Bool
	for i, host := range path {
		next := ""
		if i+1 < len(path) {
			next = fmt.Sprintf("http://%s/%d", net.JoinHostPort(path[i+1], port), i+1)
		}
		if i > 1 && host == path[i-2] {
			continue // the server of that host answers this request too
		}
		serveOn(t, net.JoinHostPort(host, port), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/2" {
				next = ""
			}
			reached[strings.IndexAny("012", r.URL.Path[1:])].Store(true)
			if next != "" {
				http.Redirect(w, r, next, http.StatusTemporaryRedirect)
				return
			}
			_, _ = io.WriteString(w, "content")
		})
	}
	var route Route
	if proxied {
		route.Proxy = proxyOn(t, net.JoinHostPort(inside2, "3128"))
	}
	origin := net.JoinHostPort(path[0], port)
	clients := NewClients(Options{AllowedHosts: allowed, APIServer: []string{net.JoinHostPort(apiServer, port)}, Throttle: NewThrottle(time.Now)})
	// The second request uses a kept connection.
	for range 2 {
		ctx := For(context.Background(), Origin{HostPort: origin, PlainHTTP: true})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+origin+"/0", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := clients.For(route).Do(req)
		if refused != errors.Is(err, ErrRefused) || !refused && err != nil {
			t.Fatalf("refused: %v, got %v", refused, err)
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	if got := reached[len(path)-1].Load(); got == refused {
		t.Errorf("the last host got a request: %v", got)
	}
}

// serveOn serves on an address until the test ends.
func serveOn(t *testing.T, address string, handler http.HandlerFunc) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // Close of the server does not know a listener that Serve has not taken yet
	})
}

// proxyOn runs a forward proxy for plain HTTP.
func proxyOn(t *testing.T, address string) Proxy {
	t.Helper()
	serveOn(t, address, func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.RequestURI = ""
		resp, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for key, values := range resp.Header {
			w.Header()[key] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
	return Proxy{url: &url.URL{Scheme: "http", Host: address}, fingerprint: address}
}

// setAddress gives the loopback device one more address.
func setAddress(t *testing.T, i int, address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	ifreq, err := unix.NewIfreq(fmt.Sprintf("lo:%d", i))
	if err != nil {
		t.Fatal(err)
	}
	if err := ifreq.SetInet4Addr(net.ParseIP(address).To4()); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFADDR, ifreq); errors.Is(err, os.ErrPermission) {
		os.Exit(noCapability) // a namespace without capabilities, as some distributions make it
	} else if err != nil {
		t.Fatal("set address", address, err)
	}
	up, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, up); err != nil {
		t.Fatal(err)
	}
}
