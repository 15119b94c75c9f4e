// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/server"
)

// soon is a timeout that a test waits for.
const soon = 20 * time.Millisecond

// raw opens a connection that the test handles itself.
func (r *running) raw() *connection {
	GinkgoHelper()
	c, err := r.network.dial(context.Background())
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(c.Close)
	return c
}

func ask(c net.Conn) {
	GinkgoHelper()
	_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: artifacts.example\r\n\r\n", chart)
	Expect(err).NotTo(HaveOccurred())
}

var _ = Describe("A client", Label("serving", "network"), func() {
	var o server.Options

	BeforeEach(func() {
		folder := GinkgoT().TempDir()
		fill(folder)
		o = server.Options{Root: folder, Paths: allowing()}
	})

	// dropped waits until the server has closed a connection.
	dropped := func(c net.Conn) {
		GinkgoHelper()
		_, err := io.Copy(io.Discard, c)
		Expect(err).NotTo(HaveOccurred())
	}

	It("G8: that stops reading is dropped, and others are served meanwhile", func() {
		o.GracePeriod = time.Hour
		s := start(o)
		stuck := s.raw()
		ask(stuck)
		begun, err := http.ReadResponse(bufio.NewReaderSize(stuck, 512), nil)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(begun.Body.Close)
		Expect(begun.StatusCode).To(Equal(http.StatusOK))
		status, body := s.get(chart)
		Expect(status).To(Equal(http.StatusOK))
		Expect(body).To(Equal(content))
		stuck.server.expire()
		// The client reads only after the server has stopped, and the server stops only after it has dropped
		// the client.
		s.stop()
		Eventually(s.stopped).WithTimeout(10 * time.Second).Should(Receive(Succeed()))
		_, err = io.ReadAll(begun.Body)
		Expect(err).To(MatchError(io.ErrUnexpectedEOF))
	})

	It("G8: that is slow gets more time with each piece", func() {
		now := time.Date(2026, 11, 21, 3, 10, 0, 0, time.UTC)
		begin := now
		o.StallTimeout = 30 * time.Second
		w := &slow{ResponseRecorder: httptest.NewRecorder(), piece: func() { now = now.Add(29 * time.Second) }}
		server.HandlerAt(o, func() time.Time { return now }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, chart, nil))
		Expect(w.Body.Bytes()).To(Equal(content))
		Expect(len(w.deadlines)).To(BeNumerically(">=", len(content)/(32<<10)))
		for i, d := range w.deadlines {
			Expect(d).To(Equal(begin.Add(time.Duration(i)*29*time.Second + o.StallTimeout)))
		}
	})

	It("G8: that sends a request slowly is dropped", func() {
		o.ReadTimeout = soon
		c := start(o).raw()
		_, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: "))
		Expect(err).NotTo(HaveOccurred())
		dropped(c)
	})

	It("G8: that sends nothing at all is dropped", func() {
		o.ReadTimeout = soon
		dropped(start(o).raw())
	})

	It("G8: that is idle is dropped, so that a waiting client gets the connection", func() {
		o.IdleTimeout, o.ReadTimeout, o.MaxConnections = soon, time.Hour, 1
		s := start(o)
		idle := s.raw()
		ask(idle)
		first, err := http.ReadResponse(bufio.NewReader(idle), nil)
		Expect(err).NotTo(HaveOccurred())
		_, err = io.Copy(io.Discard, first.Body)
		Expect(err).NotTo(HaveOccurred())
		Expect(first.Body.Close()).To(Succeed())
		status, _ := s.get(chart)
		Expect(status).To(Equal(http.StatusOK))
	})

	It("G8: that sends endless headers is refused", func() {
		c := start(o).raw()
		go func() {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: ")
			for _, err := c.Write([]byte(strings.Repeat("x", 4096))); err == nil; {
				_, err = c.Write([]byte(strings.Repeat("x", 4096)))
			}
		}()
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(response.Body.Close()).To(Succeed())
		Expect(response.StatusCode).To(Equal(http.StatusRequestHeaderFieldsTooLarge))
	})
})

// slow is a client that takes a while for each piece.
type slow struct {
	*httptest.ResponseRecorder
	piece     func()
	deadlines []time.Time
}

func (s *slow) SetWriteDeadline(t time.Time) error {
	s.deadlines = append(s.deadlines, t)
	return nil
}

func (s *slow) Write(b []byte) (int, error) {
	s.piece()
	return s.ResponseRecorder.Write(b)
}

var _ = Describe("The server", Label("serving"), func() {
	var o server.Options

	BeforeEach(func() {
		folder := GinkgoT().TempDir()
		fill(folder)
		o = server.Options{Root: folder, Paths: allowing()}
	})

	It("lets downloads finish when it stops, and accepts no new downloads", func() {
		o.GracePeriod = time.Hour
		s := start(o)
		response := s.send(http.MethodGet, chart, nil)
		Expect(response.StatusCode).To(Equal(http.StatusOK))
		s.stop()
		Eventually(s.network.closed).WithTimeout(10 * time.Second).Should(BeClosed())
		_, err := s.network.dial(context.Background())
		Expect(err).To(MatchError(net.ErrClosed))
		Expect(s.stopped).NotTo(Receive())
		Expect(io.ReadAll(response.Body)).To(Equal(content))
		Eventually(s.stopped).WithTimeout(10 * time.Second).Should(Receive(Succeed()))
	})

	It("ends downloads that take longer than the grace period", func() {
		o.GracePeriod = soon
		s := start(o)
		response := s.send(http.MethodGet, chart, nil)
		s.stop()
		Eventually(s.stopped).WithTimeout(10 * time.Second).Should(Receive(Succeed()))
		_, err := io.ReadAll(response.Body)
		Expect(err).To(MatchError(io.ErrUnexpectedEOF))
	})

	It("binds a free port, and returns it", func() {
		o.Addr = "127.0.0.1:0"
		s := server.New(o)
		Expect(s.Addr()).To(BeNil())
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan error, 1)
		go func() { stopped <- s.Start(ctx) }()
		Eventually(s.Addr).WithTimeout(10 * time.Second).ShouldNot(BeNil())
		client := &http.Client{Transport: &http.Transport{}}
		response, err := client.Get("http://" + s.Addr().String() + chart)
		Expect(err).NotTo(HaveOccurred())
		Expect(io.ReadAll(response.Body)).To(Equal(content))
		Expect(response.Body.Close()).To(Succeed())
		cancel()
		Eventually(stopped).WithTimeout(10 * time.Second).Should(Receive(Succeed()))
	})

	It("returns an error if the address is in use", func() {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(taken.Close)
		o.Addr = taken.Addr().String()
		Expect(server.New(o).Start(context.Background())).To(MatchError(ContainSubstring(o.Addr)))
	})

	It("returns an error if its listener breaks", func() {
		s := start(o)
		Expect(s.network.Close()).To(Succeed())
		Eventually(s.stopped).WithTimeout(10 * time.Second).Should(Receive(MatchError(net.ErrClosed)))
	})

	It("G14: runs on the leader only", func() {
		Expect(server.New(o).NeedLeaderElection()).To(BeTrue())
	})
})

func BenchmarkGet(b *testing.B) {
	RegisterTestingT(b)
	folder := b.TempDir()
	fill(folder)
	for name, size := range map[string]int{"1MiB": len(content), "range of 50KiB": 50 << 10} {
		b.Run(name, func(b *testing.B) {
			// Later than now, so that the digest of the new file is kept.
			later := func() time.Time { return time.Now().Add(time.Hour) }
			s := httptest.NewServer(server.HandlerAt(server.Options{Root: folder, Paths: allowing()}, later))
			defer s.Close()
			request, err := http.NewRequest(http.MethodGet, s.URL+filepath.ToSlash(chart), nil)
			if err != nil {
				b.Fatal(err)
			}
			request.Header.Set("Range", fmt.Sprintf("bytes=0-%d", size-1))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				response, err := s.Client().Do(request)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, response.Body)
				if err != nil || n != int64(size) {
					b.Fatal(n, err)
				}
				response.Body.Close()
			}
		})
	}
}
