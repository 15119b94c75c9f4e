// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	. "github.com/onsi/gomega/gstruct"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/server"
)

var etag = fmt.Sprintf(`"sha256:%x"`, sha256.Sum256(content))

var _ = Describe("A request", Label("serving"), func() {
	var folder string
	var s *running
	var paths *server.Paths

	BeforeEach(func() {
		folder = GinkgoT().TempDir()
		fill(folder)
		paths = allowing()
		s = start(server.Options{Root: folder, Paths: paths})
	})

	It("for a file gets the file, with the headers that a client needs to check and to cache it", func() {
		response := s.send(http.MethodGet, chart, nil)
		Expect(response.StatusCode).To(Equal(http.StatusOK))
		Expect(response.ContentLength).To(BeEquivalentTo(len(content)))
		Expect(response.Header).To(MatchKeys(IgnoreExtras, Keys{
			"Etag":                   ConsistOf(etag),
			"Content-Type":           ConsistOf("application/gzip"),
			"X-Content-Type-Options": ConsistOf("nosniff"),
			"Cache-Control":          ConsistOf("no-cache"),
			"Accept-Ranges":          ConsistOf("bytes"),
		}))
		Expect(io.ReadAll(response.Body)).To(Equal(content))
	})

	It("for the head of a file gets no body", func() {
		response := s.send(http.MethodHead, chart, nil)
		Expect(response.StatusCode).To(Equal(http.StatusOK))
		Expect(response.ContentLength).To(BeEquivalentTo(len(content)))
		Expect(response.Header.Get("ETag")).To(Equal(etag))
		Expect(io.ReadAll(response.Body)).To(BeEmpty())
	})

	DescribeTable("for a part of a file",
		func(header http.Header, status int, body func() []byte) {
			response := s.send(http.MethodGet, chart, header)
			Expect(response.StatusCode).To(Equal(status))
			got, err := io.ReadAll(response.Body)
			Expect(err).NotTo(HaveOccurred())
			if body != nil {
				Expect(bytes.Equal(got, body())).To(BeTrue())
			}
		},
		Entry("gets its beginning", http.Header{"Range": {"bytes=0-9"}}, http.StatusPartialContent, func() []byte { return content[:10] }),
		Entry("gets its middle", http.Header{"Range": {"bytes=100-199"}}, http.StatusPartialContent, func() []byte { return content[100:200] }),
		Entry("gets its end", http.Header{"Range": {"bytes=-5"}}, http.StatusPartialContent, func() []byte { return content[len(content)-5:] }),
		Entry("gets the rest", http.Header{"Range": {fmt.Sprintf("bytes=%d-", len(content)-7)}}, http.StatusPartialContent, func() []byte { return content[len(content)-7:] }),
		Entry("gets it if If-Range names this file", http.Header{"Range": {"bytes=0-9"}, "If-Range": {etag}}, http.StatusPartialContent, func() []byte { return content[:10] }),
		Entry("gets the whole file if If-Range names another file", http.Header{"Range": {"bytes=0-9"}, "If-Range": {`"sha256:0"`}}, http.StatusOK, func() []byte { return content }),
		Entry("gets the whole file if If-Range is a date", http.Header{"Range": {"bytes=0-9"}, "If-Range": {"Sat, 21 Nov 2099 03:10:00 GMT"}}, http.StatusOK, func() []byte { return content }),
		Entry("is refused if the range begins beyond its end", http.Header{"Range": {fmt.Sprintf("bytes=%d-", len(content))}}, http.StatusRequestedRangeNotSatisfiable, nil),
		Entry("gets nothing if the client has this file", http.Header{"If-None-Match": {etag}}, http.StatusNotModified, func() []byte { return nil }),
		Entry("gets nothing if the client has this file and others", http.Header{"If-None-Match": {`"x", W/` + etag}}, http.StatusNotModified, func() []byte { return nil }),
		Entry("gets the whole file if the client has another", http.Header{"If-None-Match": {`"sha256:0"`}}, http.StatusOK, func() []byte { return content }),
		Entry("gets the whole file, whatever the date of the client's copy", http.Header{"If-Modified-Since": {"Sat, 21 Nov 2099 03:10:00 GMT"}}, http.StatusOK, func() []byte { return content }),
		Entry("is refused if the client requires another file", http.Header{"If-Match": {`"sha256:0"`}}, http.StatusPreconditionFailed, func() []byte { return nil }),
		Entry("gets the whole file if overlapping ranges would send more bytes", http.Header{"Range": {"bytes=" + strings.Repeat("0-,", 100) + "0-"}}, http.StatusOK, func() []byte { return content }),
	)

	It("for several parts of a file gets each", func() {
		response := s.send(http.MethodGet, chart, http.Header{"Range": {"bytes=0-9,100-199"}})
		Expect(response.StatusCode).To(Equal(http.StatusPartialContent))
		_, params, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
		Expect(err).NotTo(HaveOccurred())
		parts := multipart.NewReader(response.Body, params["boundary"])
		for _, want := range [][]byte{content[:10], content[100:200]} {
			part, err := parts.NextPart()
			Expect(err).NotTo(HaveOccurred())
			Expect(part.Header.Get("Content-Type")).To(Equal("application/gzip"))
			Expect(io.ReadAll(part)).To(Equal(want))
		}
	})

	DescribeTable("with another method is refused",
		func(method string) {
			response := s.send(method, chart, nil)
			Expect(response.StatusCode).To(Equal(http.StatusMethodNotAllowed))
			Expect(response.Header.Get("Allow")).To(Equal("GET, HEAD"))
			Expect(filepath.Join(folder, chart)).To(BeARegularFile())
		},
		Entry("POST", http.MethodPost), Entry("PUT", http.MethodPut), Entry("DELETE", http.MethodDelete),
		Entry("PATCH", http.MethodPatch), Entry("OPTIONS", http.MethodOptions), Entry("TRACE", http.MethodTrace),
		Entry("one that is none", "PROPFIND"),
	)

	DescribeTable("for anything but a stored file finds nothing",
		func(path string) {
			for dir, name := range map[string]string{".staging/x": "chart.tgz", ".material/apps/podinfo": "chart.tgz", "verifiedchart/apps/podinfo": "chart.tgz.lock", "helmchart/apps/podinfo": "chart.tgz"} {
				Expect(os.MkdirAll(filepath.Join(folder, dir), 0o700)).To(Succeed())
				Expect(os.WriteFile(filepath.Join(folder, dir, name), []byte("secret"), 0o600)).To(Succeed())
			}
			Expect(os.Symlink("chart.tgz", filepath.Join(folder, filepath.Dir(chart), "linked.tgz"))).To(Succeed())
			Expect(os.Symlink("/etc/hostname", filepath.Join(folder, filepath.Dir(chart), "hostname.tgz"))).To(Succeed())
			Expect(os.Symlink("podinfo", filepath.Join(folder, "verifiedchart/apps/linked"))).To(Succeed())
			status, body := s.get(path)
			Expect(status).To(Equal(http.StatusNotFound))
			Expect(body).NotTo(Or(ContainSubstring("chart"), ContainSubstring("secret"), ContainSubstring("href")))
		},
		Entry("G7: the root", "/"),
		Entry("G7: the kind", "/verifiedchart/"),
		Entry("G7: a namespace", "/verifiedchart/apps/"),
		Entry("G7: an object", "/verifiedchart/apps/podinfo/"),
		Entry("G7: an object, without a slash", "/verifiedchart/apps/podinfo"),
		Entry("G7: the staging folder", "/.staging/"),
		Entry("G7: a file in the staging folder", "/.staging/x/chart.tgz"),
		Entry("G7: a file in the staging folder, by a detour", "/verifiedchart/apps/podinfo/../../../.staging/x/chart.tgz"),
		Entry("G7: signature material", "/.material/apps/podinfo/chart.tgz"),
		Entry("G7: signature material, by a detour", "/verifiedchart/../.material/apps/podinfo/chart.tgz"),
		Entry("G7: a lock", "/verifiedchart/apps/podinfo/chart.tgz.lock"),
		Entry("G7: a file with a slash at its end", chart+"/"),
		Entry("another kind", "/helmchart/apps/podinfo/chart.tgz"),
		Entry("nothing there", "/verifiedchart/apps/podinfo/other.tgz"),
		Entry("a way out", "/../../../etc/hostname"),
		Entry("an encoded way out", "/verifiedchart/apps/podinfo/%2e%2e/podinfo/chart.tgz"),
		Entry("a way out, encoded twice", "/verifiedchart/apps/podinfo/%252e%252e/podinfo/chart.tgz"),
		Entry("an encoded slash", "/verifiedchart/apps/podinfo%2Fchart.tgz"),
		Entry("a backslash", `/verifiedchart/apps/podinfo\chart.tgz`),
		Entry("an encoded backslash", "/verifiedchart/apps/podinfo/..%5cchart.tgz"),
		Entry("an encoded NUL", "/verifiedchart/apps/podinfo/chart.tgz%00"),
		Entry("a double slash", "//verifiedchart/apps/podinfo/chart.tgz"),
		Entry("a double slash inside", "/verifiedchart//apps/podinfo/chart.tgz"),
		Entry("a dot", "/./verifiedchart/apps/podinfo/chart.tgz"),
		Entry("a link to a file that is served", "/verifiedchart/apps/podinfo/linked.tgz"),
		Entry("a link out", "/verifiedchart/apps/podinfo/hostname.tgz"),
		Entry("a folder that is a link", "/verifiedchart/apps/linked/chart.tgz"),
	)

	It("G9: gets all of a file that is collected while it is read", func() {
		response := s.send(http.MethodGet, chart, nil)
		Expect(response.StatusCode).To(Equal(http.StatusOK))
		paths.Drop("apps", "podinfo")
		Expect(os.RemoveAll(filepath.Join(folder, "verifiedchart"))).To(Succeed())
		Expect(io.ReadAll(response.Body)).To(Equal(content))
		status, _ := s.get(chart)
		Expect(status).To(Equal(http.StatusNotFound))
	})

	It("G3: gets an error if a disk fails, and not that the file is gone", func() {
		Expect(os.RemoveAll(folder)).To(Succeed())
		Expect(os.WriteFile(folder, nil, 0o600)).To(Succeed())
		status, body := s.get(chart)
		Expect(status).To(Equal(http.StatusInternalServerError))
		Expect(string(body)).NotTo(ContainSubstring(folder))
	})
})

func FuzzPath(f *testing.F) {
	folder := f.TempDir()
	file := filepath.Join(folder, "storage", chart)
	for name, text := range map[string]string{file: "chart", filepath.Join(folder, "secret.tgz"): "secret", filepath.Join(folder, "storage/.staging/x/chart.tgz"): "secret"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	paths := server.NewPaths(time.Now)
	paths.Allow(podinfo, trim(chart), digest.FromString("chart"))
	paths.Known()
	handler := server.Handler(server.Options{Root: filepath.Join(folder, "storage"), Paths: paths})
	for _, p := range []string{chart, "/", "/verifiedchart/", "/../secret.tgz", "/verifiedchart/%2e%2e/%2e%2e/secret.tgz", "/.staging/x/chart.tgz", chart + "%00", "http://x" + chart, chart + "?x=..#y"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, target string) {
		request, err := http.NewRequest(http.MethodGet, target, nil)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		if w.Code == http.StatusOK && (request.URL.Path != chart || w.Body.String() != "chart") || w.Code != http.StatusOK && w.Code != http.StatusNotFound {
			t.Errorf("%q gave %d %q", target, w.Code, w.Body)
		}
	})
}
