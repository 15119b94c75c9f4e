// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// delivery is the result of one Read of a body, and the time that it takes by the clock.
type delivery struct {
	bytes int
	takes time.Duration
	err   error
}

// script is a body that delivers as scripted, and repeats the last delivery endlessly.
type script struct {
	deliveries []delivery
	clock      *time.Time
}

func (s *script) Read(p []byte) (int, error) {
	next := s.deliveries[0]
	if len(s.deliveries) > 1 {
		s.deliveries = s.deliveries[1:]
	}
	*s.clock = s.clock.Add(next.takes)
	return min(next.bytes, len(p)), next.err
}

func (*script) Close() error { return nil }

var _ = Describe("A body", func() {
	const kib = 1 << 10
	read := func(total int, between time.Duration, deliveries ...delivery) (int, error) {
		clock := time.Unix(1_700_000_000, 0)
		ctx, cancel := context.WithCancel(context.Background())
		body := &paced{
			ReadCloser: &script{deliveries, &clock}, ctx: ctx, cancel: cancel, window: defaultSlowAfter,
			now: func() time.Time { return clock },
		}
		buffer := make([]byte, 64*kib)
		for got := 0; ; {
			n, err := body.Read(buffer)
			if got += n; err != nil || got >= total {
				Expect(ctx.Err() != nil).To(Equal(err != nil), "the request is cancelled at its end, and no sooner")
				return got, err
			}
			clock = clock.Add(between)
		}
	}

	DescribeTable("J6: ends if it comes slower than 1 KiB/s over 30 s",
		func(most int, deliveries ...delivery) {
			got, err := read(100*kib, 0, deliveries...)
			Expect(err).To(MatchError(ErrSlow))
			Expect(got).To(BeNumerically("<=", most))
			body := &paced{err: err}
			_, again := body.Read(nil)
			Expect(again).To(Equal(err), "for ever")
		},
		Entry("a byte a second", 30, delivery{1, time.Second, nil}),
		Entry("a byte a millisecond, which is not quite as much", 30*kib, delivery{1, time.Millisecond, nil}),
		Entry("1023 bytes a second", 30*kib, delivery{kib - 1, time.Second, nil}),
		Entry("25 KiB every 29 s", 51*kib, delivery{25 * kib, 29 * time.Second, nil}),
		Entry("nothing for 31 s", 0, delivery{0, 31 * time.Second, nil}),
		Entry("nothing for ever, without a byte in between", 0, delivery{0, time.Second, nil}),
		Entry("nothing after a good start", 60*kib, delivery{60 * kib, time.Second, nil}, delivery{0, 30 * time.Second, nil}),
		Entry("a byte a second after a good start", 60*kib+30, delivery{60 * kib, time.Second, nil}, delivery{1, time.Second, nil}),
		Entry("a fault in the end", 10, delivery{10, 31 * time.Second, io.ErrUnexpectedEOF}),
		Entry("an end that comes when it is cancelled", 10, delivery{10, 31 * time.Second, io.EOF}),
		Entry("a burst that comes when it is cancelled", 64*kib, delivery{64 * kib, 31 * time.Second, nil}),
	)

	DescribeTable("is read if it comes faster",
		func(between time.Duration, deliveries ...delivery) {
			got, err := read(200*kib, between, deliveries...)
			Expect(err).NotTo(HaveOccurred())
			Expect(got).To(BeNumerically(">=", 200*kib))
		},
		Entry("at once", time.Duration(0), delivery{64 * kib, 0, nil}),
		Entry("1 KiB a second", time.Duration(0), delivery{kib, time.Second, nil}),
		Entry("32 KiB every 29 s", time.Duration(0), delivery{32 * kib, 29 * time.Second, nil}),
		Entry("whatever time its reader takes", time.Hour, delivery{10, 0, nil}),
	)

	It("is whole if it is small and ends late", func() {
		got, err := read(100*kib, 0, delivery{10, 15 * time.Second, nil}, delivery{10, 14 * time.Second, io.EOF})
		Expect(err).To(Equal(io.EOF))
		Expect(got).To(Equal(20))
	})

	It("is not whole if its request was cancelled, though the server then ends it well", func() {
		clock := time.Now()
		ctx, cancel := context.WithCancel(context.Background())
		body := &paced{
			ReadCloser: &script{[]delivery{{10, 0, nil}, {0, 0, io.EOF}}, &clock}, ctx: ctx, cancel: cancel,
			window: defaultSlowAfter, now: time.Now,
		}
		_, err := body.Read(make([]byte, 10))
		Expect(err).NotTo(HaveOccurred())
		cancel()
		_, err = io.ReadAll(body)
		Expect(err).To(MatchError(context.Canceled))
	})

	It("keeps its own fault", func() {
		_, err := read(100*kib, 0, delivery{10, time.Second, io.ErrUnexpectedEOF})
		Expect(err).To(Equal(io.ErrUnexpectedEOF))
	})

	Context("over HTTP", func() {
		ask := func(slowAfter time.Duration, answer http.HandlerFunc) ([]byte, error) {
			s := httptest.NewServer(answer)
			DeferCleanup(s.Close)
			DeferCleanup(s.CloseClientConnections)
			req, err := http.NewRequest(http.MethodGet, s.URL, nil)
			Expect(err).NotTo(HaveOccurred())
			client := NewClients(Options{Throttle: NewThrottle(time.Now), SlowAfter: slowAfter, AllowedHosts: []string{"127.0.0.1"}}).For(Route{})
			resp, err := client.Do(req.WithContext(For(context.Background(), Origin{HostPort: HostPort(req.URL), PlainHTTP: true})))
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close()
			return io.ReadAll(resp.Body)
		}
		silent := func(r *http.Request) { <-r.Context().Done() }

		It("A4: does not begin if the headers do not come", func() {
			_, err := ask(50*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { silent(r) })
			Expect(err).To(MatchError(ContainSubstring("timeout awaiting response headers")))
		})

		DescribeTable("A5: ends if nothing more comes, though the server then ends it well",
			func(begin string, length string) {
				raw, err := ask(50*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
					if length != "" {
						w.Header().Set("Content-Length", length)
					}
					_, _ = io.WriteString(w, begin)
					_ = http.NewResponseController(w).Flush()
					silent(r)
				})
				Expect(errors.Is(err, ErrSlow)).To(BeTrue(), "%v", err)
				Expect(string(raw)).To(Equal(begin))
			},
			Entry("after its headers", "", ""),
			Entry("after its first byte", "x", ""),
			Entry("before the length that was announced", "x", "100"),
		)

		It("A5: of an error ends too", func() {
			raw, err := ask(50*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(http.StatusNotFound)
				_ = http.NewResponseController(w).Flush()
				silent(r)
			})
			Expect(err).NotTo(HaveOccurred())
			Expect(raw).To(BeEmpty())
		})

		It("leaves its connection to the next request", func() {
			connections := map[string]bool{}
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				connections[r.RemoteAddr] = true
				_, _ = w.Write(bytes.Repeat([]byte("x"), 100*kib))
			}))
			DeferCleanup(s.Close)
			req, err := http.NewRequest(http.MethodGet, s.URL, nil)
			Expect(err).NotTo(HaveOccurred())
			client := NewClients(Options{Throttle: NewThrottle(time.Now), AllowedHosts: []string{"127.0.0.1"}}).For(Route{})
			for range 5 {
				resp, err := client.Do(req.WithContext(For(context.Background(), Origin{HostPort: HostPort(req.URL), PlainHTTP: true})))
				Expect(err).NotTo(HaveOccurred())
				Expect(io.ReadAll(resp.Body)).To(HaveLen(100 * kib))
				Expect(resp.Body.Close()).To(Succeed())
			}
			Expect(connections).To(HaveLen(1))
		})
	})
})
