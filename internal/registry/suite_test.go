// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

func TestRegistry(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Registry")
}

// app is the repository that the tests read.
const app = "charts/app"

// pushed is a chart in a registry over plain HTTP, which ends with the test.
type pushed struct {
	*registrytest.Registry
	manifest ocispec.Descriptor
	archive  ocispec.Descriptor
}

var archive = []byte("the bytes of an archive")

func push(opts ...registrytest.Option) pushed {
	r := registrytest.New(opts...)
	DeferCleanup(r.Close)
	return pushTo(r)
}

func pushTo(r *registrytest.Registry) pushed {
	repository := r.Repository(app)
	return pushed{
		Registry: r,
		manifest: repository.PushChart("1.0.0", []byte(`{"name":"app"}`), archive),
		archive:  repository.PushBlob("application/octet-stream", archive),
	}
}

// target returns the repository over plain HTTP, for anonymous access.
func (p pushed) target() registry.Target {
	return registry.Target{Repository: p.Host() + "/" + app, PlainHTTP: true}
}

func (p pushed) reader() registry.Reader { return open(newClient(), p.target()) }

// newClient returns a client that may reach the given hosts; by default, every registry of this machine.
func newClient(allowed ...string) *registry.Client {
	if len(allowed) == 0 {
		allowed = loopback
	}
	return registry.NewClient(registry.ClientOptions{AllowedHosts: allowed, RetryPause: time.Millisecond})
}

// trusting returns a route that trusts the authorities in a PEM bundle beside those of the system; without a bundle, the default route.
func trusting(roots []byte) (r outbound.Route) {
	if roots == nil {
		return r
	}
	var err error
	if r.Trust, err = outbound.ParseTrust(map[string][]byte{"ca.crt": roots}); err != nil {
		panic(err)
	}
	return r
}

var loopback = []string{"127.0.0.0/8", "::1/128", "localhost"}

func open(c *registry.Client, t registry.Target) registry.Reader {
	GinkgoHelper()
	reader, err := c.Repository(t)
	Expect(err).NotTo(HaveOccurred())
	return reader
}

// answer returns a fault that gives each request the same answer.
func answer(status int, headers ...string) registrytest.Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		return true
	}
}

// unannounced is the length of a body that has no Content-Length.
const unannounced = -1

// setType gives the answer the type of an image index if the request is for referrers.
func setType(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "/referrers/") {
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
	}
}

// body returns a fault that answers with a body, and announces its length unless that is unannounced.
func body(length int, raw []byte) registrytest.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		setType(w, r)
		if length != unannounced {
			w.Header().Set("Content-Length", strconv.Itoa(length))
		}
		_, _ = w.Write(raw)
		_ = http.NewResponseController(w).Flush()
		return true
	}
}

// short returns a context that ends soon.
func short() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
	DeferCleanup(cancel)
	return ctx
}

// question is one method of a Reader, called for pushed content.
type question func(ctx context.Context, p pushed, r registry.Reader) error

func tags(ctx context.Context, _ pushed, r registry.Reader) error {
	_, err := r.Tags(ctx)
	return err
}

func resolve(ctx context.Context, _ pushed, r registry.Reader) error {
	_, err := r.Resolve(ctx, "1.0.0")
	return err
}

func manifest(ctx context.Context, p pushed, r registry.Reader) error {
	_, err := r.Manifest(ctx, p.manifest.Digest)
	return err
}

func blob(ctx context.Context, p pushed, r registry.Reader) error {
	_, err := r.Blob(ctx, p.archive, 1<<20)
	return err
}
