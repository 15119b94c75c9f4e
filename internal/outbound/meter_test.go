// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// withheld is a body that holds back its last byte.
type withheld struct {
	io.Reader
	ctx    context.Context
	waits  func()
	last   chan struct{}
	opened sync.Once
}

func (w *withheld) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	w.opened.Do(w.waits)
	select {
	case <-w.last:
		return 0, io.EOF
	case <-w.ctx.Done():
		return 0, w.ctx.Err()
	}
}

var _ = Describe("A meter", func() {
	var (
		ctx    context.Context
		pool   *Pool
		last   chan struct{}
		mu     sync.Mutex
		whole  map[string]int // reads that have received all but the last byte, by namespace
		result chan error
	)
	BeforeEach(func() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(context.Background())
		DeferCleanup(cancel)
		pool, last, whole, result = NewPool(4), make(chan struct{}), map[string]int{}, make(chan error, 100)
	})
	// read starts an errand that reads a body.
	read := func(ctx context.Context, namespace string, size int) *Meter {
		whole, result := whole, result // those of this spec
		m := pool.Meter(namespace)
		body := &withheld{Reader: bytes.NewReader(make([]byte, size)), ctx: ctx, last: last, waits: func() {
			mu.Lock()
			defer mu.Unlock()
			whole[namespace]++
		}}
		go func() {
			raw, err := ReadAll(WithMeter(ctx, m), body, 4<<20, io.ErrShortBuffer)
			if err == nil && len(raw) != size {
				err = fmt.Errorf("%d bytes", len(raw))
			}
			result <- err
		}()
		return m
	}
	hold := func(namespace string) func() int {
		return func() int { mu.Lock(); defer mu.Unlock(); return whole[namespace] }
	}

	It("J12: lets few errands read much at a time, and of one namespace half of them", func() {
		for range 10 {
			read(ctx, "greedy", 4<<20)
		}
		Eventually(hold("greedy")).Should(Equal(2))
		for range 10 {
			read(ctx, "other", 4<<20)
		}
		Eventually(hold("other")).Should(Equal(2))
		read(ctx, "third", 4<<20)
		Eventually(func() int { pool.mu.Lock(); defer pool.mu.Unlock(); return len(pool.waiting) }).Should(Equal(17))
		Expect(hold("third")()).To(BeZero())
		read(ctx, "small", FreeRead)
		Eventually(hold("small")).Should(Equal(1), "free bytes need no ticket")
		Expect(hold("greedy")()).To(Equal(2))
	})

	It("gives the ticket of an errand that has ended to the next", func() {
		first, second := read(ctx, "a", 1<<20), read(ctx, "a", 1<<20)
		Eventually(hold("a")).Should(Equal(2))
		third := read(ctx, "a", 1<<20)
		close(last)
		Eventually(result).Should(Receive(BeNil()))
		Eventually(result).Should(Receive(BeNil()))
		first.Release()
		Eventually(result).Should(Receive(BeNil()))
		second.Release()
		third.Release()
		Expect(pool.taken).To(BeEmpty())
	})

	It("gives up with its errand", func() {
		read(ctx, "a", 1<<20)
		read(ctx, "a", 1<<20)
		Eventually(hold("a")).Should(Equal(2))
		waiting, cancel := context.WithCancel(ctx)
		read(waiting, "a", 1<<20)
		Eventually(func() int { pool.mu.Lock(); defer pool.mu.Unlock(); return len(pool.waiting) }).Should(Equal(1))
		cancel()
		var err error
		Eventually(result).Should(Receive(&err))
		Expect(err).To(And(MatchError(context.Canceled), MatchError(errCrowded)))
		brief, _ := Explain("ghcr.io", err)
		Expect(brief).NotTo(ContainSubstring("ghcr.io"), "the host is not at fault")
		Expect(pool.waiting).To(BeEmpty())
	})

	DescribeTable("reads without one",
		func(size, limit int, fits bool) {
			raw, err := ReadAll(ctx, bytes.NewReader(make([]byte, size)), int64(limit), io.ErrShortBuffer)
			if !fits {
				Expect(err).To(MatchError(io.ErrShortBuffer))
				return
			}
			Expect(err).NotTo(HaveOccurred())
			Expect(raw).To(HaveLen(size))
			Expect(cap(raw)).To(BeNumerically("<=", size+size/4+8<<10))
		},
		Entry("nothing", 0, 10, true),
		Entry("as much as the limit", 1<<20, 1<<20, true),
		Entry("no byte more", 1<<20+1, 1<<20, false),
	)
})

var _ = It("J12: An answer over HTTP/2 is left with its host until it is read", func() {
	var written atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chunk := make([]byte, 64<<10)
		for range 64 {
			n, err := w.Write(chunk)
			if err != nil {
				return
			}
			written.Add(int64(n))
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	DeferCleanup(s.Close)
	trust, err := ParseTrust(map[string][]byte{"ca.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})})
	Expect(err).NotTo(HaveOccurred())
	req, err := http.NewRequest(http.MethodGet, s.URL, nil)
	Expect(err).NotTo(HaveOccurred())
	client := NewClients(Options{Throttle: NewThrottle(time.Now), AllowedHosts: []string{"127.0.0.1"}}).For(Route{Trust: trust})
	resp, err := client.Do(req.WithContext(For(context.Background(), Origin{HostPort: HostPort(req.URL)})))
	Expect(err).NotTo(HaveOccurred())
	defer resp.Body.Close()
	Expect(resp.ProtoMajor).To(Equal(2))
	Consistently(written.Load).WithTimeout(200 * time.Millisecond).Should(BeNumerically("<", 1<<20))
	Expect(io.Copy(io.Discard, resp.Body)).To(BeEquivalentTo(4 << 20))
})
