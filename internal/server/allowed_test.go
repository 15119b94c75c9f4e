// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/server"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// other has the same length as content.
var other = bytes.Repeat([]byte("fedcba9876543210"), 64<<10)

var _ = Describe("A path", Label("serving"), func() {
	var (
		folder  string
		now     time.Time
		paths   *server.Paths
		damaged []server.Owner
		handler http.Handler
	)
	BeforeEach(func() {
		folder = GinkgoT().TempDir()
		fill(folder)
		// This is long after the file was written, so that its digest is kept.
		now = time.Now().Add(time.Hour)
		damaged = nil
		paths = server.NewPaths(func() time.Time { return now })
		handler = server.HandlerAt(server.Options{
			Root: folder, Paths: paths, Damaged: func(o server.Owner) { damaged = append(damaged, o) },
		}, func() time.Time { return now })
	})

	get := func(path string, header http.Header) *httptest.ResponseRecorder {
		GinkgoHelper()
		request := httptest.NewRequest(http.MethodGet, path, nil)
		request.Header = header
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		return w
	}
	status := func(path string) int {
		GinkgoHelper()
		return get(path, nil).Code
	}
	allow := func() { paths.Allow(podinfo, trim(chart), digest.FromBytes(content)) }

	// answers are the status codes for a path until all paths are known, and once they are.
	type answers struct{ untilKnown, onceKnown int }
	var (
		served                  = answers{untilKnown: http.StatusOK, onceKnown: http.StatusOK}
		unavailable             = answers{untilKnown: http.StatusServiceUnavailable, onceKnown: http.StatusServiceUnavailable}
		unavailableThenNotFound = answers{untilKnown: http.StatusServiceUnavailable, onceKnown: http.StatusNotFound}
		notFound                = answers{untilKnown: http.StatusNotFound, onceKnown: http.StatusNotFound}
	)
	DescribeTable("gets the answer for its state",
		func(prepare func(), path string, expected answers) {
			prepare()
			Expect(status(path)).To(Equal(expected.untilKnown))
			paths.Known()
			Expect(status(path)).To(Equal(expected.onceKnown))
		},
		Entry("G14: if nothing is known about it: it may be expected until all are known", func() {}, chart, unavailableThenNotFound),
		Entry("G14: if it is expected", func() { paths.Expect(podinfo, trim(chart)) }, chart, unavailable),
		Entry("J19: if it is being recovered", func() { allow(); paths.Expect(podinfo, trim(chart)) }, chart, unavailable),
		Entry("J22: if it is allowed, even before all are known", func() { allow() }, chart, served),
		Entry("if another path of the object is allowed", func() { paths.Allow(podinfo, second, one) }, chart, unavailableThenNotFound),
		Entry("if only its neighbour in the folder is allowed", func() { allow() }, "/"+second, unavailableThenNotFound),
		Entry("J3: if its object was deleted", func() { allow(); paths.Drop("apps", "podinfo") }, chart, unavailableThenNotFound),
		Entry("J3: if its object was deleted while it was expected", func() { paths.Expect(podinfo, trim(chart)); paths.Drop("apps", "podinfo") }, chart, unavailableThenNotFound),
		Entry("J3: if its object was created anew with another path", func() { allow(); paths.Expect(reborn, second) }, chart, unavailableThenNotFound),
		Entry("J3: if its object was created anew with the same path", func() { allow(); paths.Expect(reborn, trim(chart)) }, chart, unavailable),
		Entry("J15: if it was replaced by a path that is still written to the cluster", func() { allow(); paths.Allow(podinfo, second, one) }, chart, served),
		Entry("J15: if it was replaced and dropped, since it is revoked", func() { allow(); paths.Allow(podinfo, second, one); paths.DropOld(podinfo) }, chart, unavailableThenNotFound),
		Entry("if it is malformed: it ends in a slash", func() { allow() }, chart+"/", notFound),
		Entry("if it is malformed: it leads to signature material", func() {}, "/.material/apps/podinfo/chart.tgz", notFound),
		Entry("if it is malformed: it is spelled with an escape", func() { allow() }, "/verifiedchart/apps/podinfo%2fchart.tgz", notFound),
		Entry("if it is malformed: it has two segments fewer", func() {}, "/verifiedchart/apps", notFound),
	)

	It("that was replaced is served until it is too old at the time of the request", func() {
		allow()
		paths.Allow(podinfo, second, one)
		paths.Known()
		now = now.Add(server.OldPathAge - 1)
		Expect(status(chart)).To(Equal(http.StatusOK))
		now = now.Add(1)
		Expect(status(chart)).To(Equal(http.StatusNotFound))
	})

	It("J3: that is dropped is gone from the next request on, whatever the client's cache and range", func() {
		allow()
		paths.Known()
		Expect(status(chart)).To(Equal(http.StatusOK))
		paths.Drop("apps", "podinfo")
		for _, header := range []http.Header{nil, {"If-None-Match": {etag}}, {"Range": {"bytes=0-9"}}, {"Range": {"bytes=0-9"}, "If-Range": {etag}}} {
			response := get(chart, header)
			Expect(response.Code).To(Equal(http.StatusNotFound))
			Expect(response.Header()).NotTo(HaveKey("Etag"))
		}
		Expect(filepath.Join(folder, chart)).To(BeARegularFile())
	})

	It("G14: that is expected is answered with the time to retry, and with no byte of the file", func() {
		paths.Expect(podinfo, trim(chart))
		for _, header := range []http.Header{nil, {"If-None-Match": {etag}}, {"Range": {"bytes=0-9"}}} {
			response := get(chart, header)
			Expect(response.Code).To(Equal(http.StatusServiceUnavailable))
			Expect(response.Header().Get("Retry-After")).NotTo(BeEmpty())
			Expect(response.Header()).NotTo(HaveKey("Etag"))
			Expect(response.Body.Len()).To(BeNumerically("<", 200))
		}
		Expect(damaged).To(BeEmpty())
	})

	It("G14: is not served if there are no paths at all", func() {
		handler = server.Handler(server.Options{Root: folder})
		Expect(status(chart)).To(Equal(http.StatusServiceUnavailable))
	})

	DescribeTable("J20: is not served after its file was altered, until the content is restored",
		func(hurt func(file string) error) {
			allow()
			paths.Known()
			Expect(status(chart)).To(Equal(http.StatusOK))
			file := filepath.Join(folder, chart)
			Expect(hurt(file)).To(Succeed())
			for range 2 {
				for _, header := range []http.Header{nil, {"If-None-Match": {etag}}, {"Range": {"bytes=0-9"}}} {
					response := get(chart, header)
					Expect(response.Code).To(Equal(http.StatusServiceUnavailable))
					Expect(response.Header().Get("Retry-After")).NotTo(BeEmpty())
					Expect(response.Header()).NotTo(HaveKey("Etag"))
				}
			}
			Expect(damaged).To(HaveLen(6))
			Expect(damaged).To(HaveEach(podinfo))
			Expect(os.RemoveAll(file)).To(Succeed())
			fill(folder)
			Expect(status(chart)).To(Equal(http.StatusOK))
			Expect(damaged).To(HaveLen(6))
		},
		Entry("in place, with its size and modification time restored", func(file string) error { return alter(file) }),
		Entry("by another file of that size and time in its place", func(file string) error {
			info, err := os.Stat(file)
			return errors.Join(err, os.WriteFile(file+".x", other, 0o600), os.Chtimes(file+".x", info.ModTime(), info.ModTime()), os.Rename(file+".x", file))
		}),
		Entry("by one bit", func(file string) error {
			f, err := os.OpenFile(file, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{content[7] ^ 1}, 7)
			return errors.Join(err, f.Close())
		}),
		Entry("by a byte at its end", func(file string) error {
			f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.Write([]byte{0})
			return errors.Join(err, f.Close())
		}),
		Entry("to nothing", func(file string) error { return os.Truncate(file, 0) }),
		Entry("G4: by deleting it", os.Remove),
		Entry("G12: by emptying the disk", func(file string) error { return os.RemoveAll(filepath.Dir(filepath.Dir(filepath.Dir(file)))) }),
		Entry("to a link to the right bytes", func(file string) error {
			return errors.Join(os.Rename(file, file+".x"), os.Symlink(filepath.Base(file)+".x", file))
		}),
		Entry("to a folder", func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) }),
		Entry("to a pipe, which never ends", func(file string) error { return errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)) }),
	)

	It("J20: is not served if its file was altered before it was allowed", func() {
		Expect(alter(filepath.Join(folder, chart))).To(Succeed())
		allow()
		Expect(status(chart)).To(Equal(http.StatusServiceUnavailable))
		Expect(damaged).To(ConsistOf(podinfo))
	})

	It("follows the digest that it is allowed for", func() {
		allow()
		Expect(status(chart)).To(Equal(http.StatusOK))
		paths.Allow(podinfo, trim(chart), digest.FromBytes(other))
		Expect(status(chart)).To(Equal(http.StatusServiceUnavailable))
		Expect(os.WriteFile(filepath.Join(folder, chart), other, 0o600)).To(Succeed())
		response := get(chart, nil)
		Expect(response.Body.Bytes()).To(Equal(other))
		Expect(response.Header().Get("ETag")).To(Equal(fmt.Sprintf("%q", digest.FromBytes(other))))
	})

	It("may be allowed for a SHA-512 digest, and a file with another SHA-512 digest is not served", func() {
		paths.Allow(podinfo, trim(chart), digest.SHA512.FromBytes(content))
		Expect(status(chart)).To(Equal(http.StatusOK))
		paths.Allow(podinfo, trim(chart), digest.SHA512.FromBytes(other))
		Expect(status(chart)).To(Equal(http.StatusServiceUnavailable))
		allow()
		Expect(status(chart)).To(Equal(http.StatusOK))
	})

	It("J20: has its digest computed each time if the file has just changed", func() {
		allow()
		info, err := os.Stat(filepath.Join(folder, chart))
		Expect(err).NotTo(HaveOccurred())
		changed := time.Unix(info.Sys().(*syscall.Stat_t).Ctim.Unix())
		for _, age := range []time.Duration{-time.Hour, 0, time.Second, 2 * time.Second} {
			now = changed.Add(age)
			Expect(status(chart)).To(Equal(http.StatusOK))
			Expect(server.KeptDigests(handler)).To(BeZero(), "after %s a second change may have the same time", age)
		}
		now = changed.Add(3 * time.Second)
		Expect(status(chart)).To(Equal(http.StatusOK))
		Expect(server.KeptDigests(handler)).To(Equal(1))
	})

	It("is one of many, and the number of kept digests is bounded", func() {
		d := digest.FromString("x")
		for i := range storage.MaxDigests + 10 {
			o := server.Owner{Namespace: "many", Name: fmt.Sprint(i), UID: "1"}
			path := fmt.Sprintf("verifiedchart/many/%d/x.tgz", i)
			Expect(os.MkdirAll(filepath.Dir(filepath.Join(folder, path)), 0o700)).To(Succeed())
			Expect(os.WriteFile(filepath.Join(folder, path), []byte("x"), 0o600)).To(Succeed())
			paths.Allow(o, path, d)
			Expect(status("/" + path)).To(Equal(http.StatusOK))
			Expect(server.KeptDigests(handler)).To(BeNumerically("<=", storage.MaxDigests))
		}
	})

	It("G3: on a failing disk is neither gone nor damaged", func() {
		allow()
		Expect(os.RemoveAll(folder)).To(Succeed())
		Expect(os.WriteFile(folder, nil, 0o600)).To(Succeed())
		Expect(status(chart)).To(Equal(http.StatusInternalServerError))
		Expect(damaged).To(BeEmpty())
	})

	It("G9: that is dropped while its file is read is read to the end", func() {
		allow()
		s := start(server.Options{Root: folder, Paths: paths})
		response := s.send(http.MethodGet, chart, nil)
		Expect(response.StatusCode).To(Equal(http.StatusOK))
		paths.Drop("apps", "podinfo")
		paths.Known()
		Expect(io.ReadAll(response.Body)).To(Equal(content))
		code, _ := s.get(chart)
		Expect(code).To(Equal(http.StatusNotFound))
	})
})

// alter replaces the bytes of the file, and restores its modification time. It repeats that until the file
// system has noticed a change, however coarse its clock is.
func alter(file string) error {
	before, err := os.Stat(file)
	if err != nil {
		return err
	}
	for {
		if err := os.WriteFile(file, other, 0o600); err != nil {
			return err
		}
		if err := os.Chtimes(file, before.ModTime(), before.ModTime()); err != nil {
			return err
		}
		after, err := os.Stat(file)
		if err != nil || after.Sys().(*syscall.Stat_t).Ctim != before.Sys().(*syscall.Stat_t).Ctim {
			return err
		}
	}
}
