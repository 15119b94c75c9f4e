// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/server"
)

func TestServer(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Server")
}

// chart is the path of the only file.
const chart = "/verifiedchart/apps/podinfo/chart.tgz"

// content does not fit into any buffer between a handler and a pipe.
var content = bytes.Repeat([]byte("0123456789abcdef"), 64<<10)

// podinfo is the object that chart belongs to.
var podinfo = server.Owner{Namespace: "apps", Name: "podinfo", UID: "1"}

// trim returns the path of a URL as Paths know it.
func trim(urlPath string) string { return strings.TrimPrefix(urlPath, "/") }

// allowing returns complete Paths that allow chart with the digest of content.
func allowing() *server.Paths {
	p := server.NewPaths(time.Now)
	p.Allow(podinfo, trim(chart), digest.FromBytes(content))
	p.Known()
	return p
}

// fill makes a storage folder with the only file.
func fill(folder string) {
	GinkgoHelper()
	file := filepath.Join(folder, chart)
	Expect(os.MkdirAll(filepath.Dir(file), 0o700)).To(Succeed())
	Expect(os.WriteFile(file, content, 0o600)).To(Succeed())
}

// running is a server with its clients and settings.
type running struct {
	*server.Server
	network *network
	client  *http.Client
	stop    context.CancelFunc
	stopped chan error
}

// start starts a server on a network without buffers.
func start(o server.Options) *running {
	GinkgoHelper()
	n := newNetwork()
	o.Listener = n
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: server.New(o), network: n, stop: cancel, stopped: make(chan error, 1)}
	transport := &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return n.dial(ctx)
	}}
	r.client = &http.Client{Transport: transport}
	go func() { r.stopped <- r.Start(ctx) }()
	DeferCleanup(func() {
		transport.CloseIdleConnections()
		cancel()
	})
	return r
}

// send sends a request and returns the response; the cleanup closes its body.
func (r *running) send(method, path string, header http.Header) *http.Response {
	GinkgoHelper()
	request, err := http.NewRequest(method, "http://artifacts.example"+path, nil)
	Expect(err).NotTo(HaveOccurred())
	request.Header = header
	response, err := r.client.Do(request)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(response.Body.Close)
	return response
}

// get returns the status and all of the body.
func (r *running) get(path string) (int, []byte) {
	GinkgoHelper()
	response := r.send(http.MethodGet, path, nil)
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return response.StatusCode, body
}
