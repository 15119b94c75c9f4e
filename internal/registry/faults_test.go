// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// times limits a fault to the given number of requests.
func times(n int32, fault registrytest.Fault) registrytest.Fault {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool { return seen.Add(1) <= n && fault(w, r) }
}

// reset ends the connection without an answer.
func reset(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	return true
}

// stuck sends the beginning of a body and then stalls until the client is gone.
func stuck(length int, begin []byte) registrytest.Fault {
	send := body(length, begin)
	return func(w http.ResponseWriter, r *http.Request) bool {
		send(w, r)
		<-r.Context().Done()
		return true
	}
}

// cut sends the beginning of a body and resets the connection.
func cut(length int, begin []byte) registrytest.Fault {
	send := body(length, begin)
	return func(w http.ResponseWriter, r *http.Request) bool { return send(w, r) && reset(w, r) }
}

// endless sends text for as long as the client reads.
func endless(status int, begin string) registrytest.Fault {
	chunk := bytes.Repeat([]byte("a"), 32<<10)
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(status)
		_, err := io.WriteString(w, begin)
		for err == nil && r.Context().Err() == nil {
			_, err = w.Write(chunk)
		}
		return true
	}
}

// allocated returns the total number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

var _ = Describe("A registry with a fault", Label("registry", "network"), func() {
	ctx := context.Background()
	var p pushed
	BeforeEach(func() { p = push() })

	It("A1: a refused connection fails, and a later one succeeds", func() {
		target, address := p.target(), p.Host()
		p.Close()
		r := open(newClient(), target)
		Expect(resolve(ctx, p, r)).To(HaveOccurred())
		again := push(registrytest.Addr(address))
		Expect(resolve(ctx, again, r)).To(Succeed())
	})

	It("A1: a name that does not resolve fails", func() {
		r := open(newClient(), registry.Target{Repository: "registry.invalid/app"})
		Expect(resolve(short(), p, r)).To(HaveOccurred())
	})

	DescribeTable("A2: a request is retried twice after a transient fault", func(fault registrytest.Fault) {
		p.Break(times(2, fault))
		Expect(resolve(ctx, p, p.reader())).To(Succeed())
		Expect(p.Requests()).To(HaveLen(3))
		p.Break(fault)
		p.Reset()
		Expect(resolve(ctx, p, p.reader())).To(HaveOccurred())
		Expect(p.Requests()).To(HaveLen(3))
	},
		Entry("500", answer(http.StatusInternalServerError)),
		Entry("502", answer(http.StatusBadGateway)),
		Entry("503", answer(http.StatusServiceUnavailable)),
		Entry("504", answer(http.StatusGatewayTimeout)),
		Entry("a connection that is reset", registrytest.Fault(reset)),
	)

	DescribeTable("A2: a request with a permanent fault is not retried", func(status int) {
		p.Break(answer(status))
		Expect(resolve(ctx, p, p.reader())).To(HaveOccurred())
		Expect(p.Requests()).To(HaveLen(1))
	},
		Entry("400", http.StatusBadRequest), Entry("404", http.StatusNotFound), Entry("405", http.StatusMethodNotAllowed),
		Entry("418", http.StatusTeapot), Entry("501", http.StatusNotImplemented), Entry("204", http.StatusNoContent),
		Entry("206", http.StatusPartialContent), Entry("304", http.StatusNotModified), Entry("302 without a location", http.StatusFound),
	)

	It("A2: a request is not retried after the deadline", func() {
		done, cancel := context.WithCancel(ctx)
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			cancel()
			return answer(http.StatusServiceUnavailable)(w, r)
		})
		Expect(resolve(done, p, p.reader())).To(HaveOccurred())
		Expect(p.Requests()).To(HaveLen(1))
	})

	DescribeTable("A4: a silent request ends with the deadline, and is not retried", func(ask question) {
		p.Break(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		Expect(ask(short(), p, p.reader())).To(MatchError(context.DeadlineExceeded))
		Expect(p.Requests()).To(HaveLen(1))
	},
		Entry("in the list of tags", question(tags)), Entry("in a manifest", question(resolve)), Entry("in a blob", question(blob)),
	)

	DescribeTable("A5: a stalled body ends with the deadline", func(ask question, announced int) {
		p.Break(stuck(announced, []byte("t")))
		Expect(ask(short(), p, p.reader())).To(MatchError(context.DeadlineExceeded))
	},
		Entry("in the list of tags", question(tags), unannounced), Entry("in a manifest", question(resolve), 100),
		Entry("in a blob", question(blob), len(archive)),
	)

	DescribeTable("J6: a stalled answer ends long before the deadline, and does not mean absence", func(fault registrytest.Fault, ask question, class string) {
		p.Break(fault)
		client := registry.NewClient(registry.ClientOptions{AllowedHosts: loopback, RetryPause: time.Millisecond, SlowAfter: 50 * time.Millisecond})
		err := ask(ctx, p, open(client, p.target()))
		Expect(err).To(MatchError(ContainSubstring(class)))
		Expect(errors.Is(err, outbound.ErrSlow)).To(Equal(class == "too slowly"))
		Expect(classes(err)).To(BeEmpty())
	},
		Entry("in the list of tags", stuck(unannounced, []byte("t")), question(tags), "too slowly"),
		Entry("in a manifest", stuck(100, []byte("{")), question(resolve), "too slowly"),
		Entry("in a blob", stuck(len(archive), archive[:3]), question(blob), "too slowly"),
		Entry("in the list of referrers", stuck(unannounced, nil), question(func(ctx context.Context, p pushed, r registry.Reader) error {
			_, err := r.Referrers(ctx, p.manifest.Digest)
			return err
		}), "too slowly"),
		Entry("in the bytes of an archive", stuck(len(archive), archive[:3]), question(func(ctx context.Context, p pushed, r registry.Reader) error {
			body, err := r.Open(ctx, p.archive)
			if err == nil {
				defer body.Close()
				_, err = io.Copy(io.Discard, body)
			}
			return err
		}), "too slowly"),
		Entry("in a token", registrytest.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				return stuck(unannounced, []byte(`{"token":"`))(w, r)
			}
			return answer(http.StatusUnauthorized, "Www-Authenticate", `Bearer realm="http://`+r.Host+`/token"`)(w, r)
		}), question(resolve), "too slowly"),
		Entry("before its first byte", registrytest.Fault(func(_ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return true
		}), question(resolve), "awaiting response headers"),
	)

	It("A5: an error with a stalled text ends with the deadline, or at once", func() {
		for length, late := range map[string]bool{"100": true, "1000000": false} {
			p.Break(func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Length", length)
				w.WriteHeader(http.StatusNotFound)
				return stuck(unannounced, nil)(w, r)
			})
			ctx := short()
			Expect(blob(ctx, p, p.reader())).To(MatchError(registry.ErrNotFound))
			Expect(ctx.Err() != nil).To(Equal(late))
		}
	})

	DescribeTable("A6: a truncated body is an error", func(ask question, fault registrytest.Fault) {
		p.Break(fault)
		Expect(ask(ctx, p, p.reader())).To(HaveOccurred())
	},
		Entry("a list of tags", question(tags), cut(100, []byte(`{"tags":["1.0.0"]}`))),
		Entry("a manifest", question(resolve), cut(100, []byte(`{}`))),
		Entry("a blob of which some bytes are missing", question(blob), cut(len(archive), archive[:5])),
		Entry("a blob of which only the end of the answer is missing", question(blob), cut(unannounced, archive)),
	)

	It("A6: a blob that ends early fails the integrity check", func() {
		p.Break(body(unannounced, archive[:5]))
		Expect(blob(ctx, p, p.reader())).To(MatchError(registry.ErrIntegrity))
	})

	It("A6: the bytes of a blob do not end with io.EOF if they end early, however often they are read", func() {
		p.Break(body(unannounced, archive[:5]))
		opened, err := p.reader().Open(ctx, p.archive)
		Expect(err).NotTo(HaveOccurred())
		defer opened.Close()
		raw, err := io.ReadAll(opened)
		Expect(raw).To(Equal(archive[:5]))
		Expect(err).To(MatchError(registry.ErrIntegrity))
		_, err = opened.Read(make([]byte, 1))
		Expect(err).To(MatchError(registry.ErrIntegrity))
	})

	DescribeTable("A7: a blob of another length is refused", func(fault registrytest.Fault) {
		p.Break(fault)
		Expect(blob(ctx, p, p.reader())).To(MatchError(registry.ErrIntegrity))
	},
		Entry("announced as longer", body(len(archive)+1, append([]byte("x"), archive...))),
		Entry("announced as shorter", body(len(archive)-1, archive[1:])),
		Entry("with a byte after its end, and no announced length", body(unannounced, append(bytes.Clone(archive), 'x'))),
		Entry("without end", endless(http.StatusOK, string(archive))),
	)

	It("A7: a blob announced with a wrong length is not read at all", func() {
		p.Break(stuck(len(archive)+1, nil))
		_, err := p.reader().Open(short(), p.archive)
		Expect(err).To(MatchError(registry.ErrIntegrity))
	})

	It("A8: a blob of the right length and other bytes is refused", func() {
		other := bytes.Clone(archive)
		other[len(other)-1] ^= 1
		p.Break(body(len(other), other))
		Expect(blob(ctx, p, p.reader())).To(MatchError(registry.ErrIntegrity))
	})

	It("A9: another manifest is refused, whatever the header says", func() {
		p.Break(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Docker-Content-Digest", p.manifest.Digest.String())
			_, _ = w.Write([]byte(`{"schemaVersion":2}`))
			return true
		})
		Expect(manifest(ctx, p, p.reader())).To(MatchError(registry.ErrIntegrity))
	})

	It("A9: a tag is resolved to the received bytes, whatever the header says", func() {
		raw := []byte(`{"schemaVersion":2}`)
		p.Break(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Docker-Content-Digest", p.manifest.Digest.String())
			_, _ = w.Write(raw)
			return true
		})
		m, err := p.reader().Resolve(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor.Digest).To(Equal(digest.FromBytes(raw)))
	})

	DescribeTable("A10: an endless answer is cut, with a flat heap", func(ask question, fault registrytest.Fault, class error) {
		p.Break(fault)
		r := p.reader()
		Expect(allocated(func() { Expect(ask(ctx, p, r)).To(MatchError(class)) })).To(BeNumerically("<", 32<<20))
	},
		Entry("a manifest", question(resolve), endless(http.StatusOK, "{"), registry.ErrTooLarge),
		Entry("a list of tags", question(tags), endless(http.StatusOK, "{"), registry.ErrTooLarge),
		Entry("a blob", question(blob), endless(http.StatusOK, "{"), registry.ErrIntegrity),
		Entry("missing content", question(blob), endless(http.StatusNotFound, ""), registry.ErrNotFound),
		Entry("a challenge", question(resolve), endless(http.StatusUnauthorized, ""), registry.ErrUnauthorized),
	)

	It("A10: a manifest of exactly the limit is read, and one byte more is not", func() {
		raw := bytes.Repeat([]byte(" "), registry.MaxManifestSize)
		p.Break(body(unannounced, raw))
		m, err := p.reader().Resolve(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor.Size).To(BeEquivalentTo(registry.MaxManifestSize))
		p.Break(body(unannounced, append(raw, ' ')))
		Expect(resolve(ctx, p, p.reader())).To(MatchError(registry.ErrTooLarge))
	})

	It("A10: announced bytes are not allocated before they arrive", func() {
		p.Break(cut(1<<30, []byte("x")))
		r := p.reader()
		Expect(allocated(func() {
			_, err := r.Blob(ctx, ocispec.Descriptor{Digest: p.archive.Digest, Size: 1 << 30}, 1<<30)
			Expect(err).To(HaveOccurred())
		})).To(BeNumerically("<", 4<<20))
	})
})
