// SPDX-License-Identifier: Apache-2.0

package chartrepo_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/helmindex"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

func TestChartRepo(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "ChartRepo")
}

// file is a File in a folder of the test.
type file struct {
	*os.File
	reads *atomic.Int64 // how often a reader was made
}

func (f file) Reader() *io.SectionReader {
	f.reads.Add(1)
	size, err := f.Seek(0, io.SeekEnd)
	Expect(err).NotTo(HaveOccurred())
	return io.NewSectionReader(f.File, 0, size)
}

func (f file) Discard() {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// stage returns a function that stages files in a folder.
func stage(folder string, reads *atomic.Int64) func() (chartrepo.File, error) {
	return func() (chartrepo.File, error) {
		f, err := os.CreateTemp(folder, "")
		return file{f, reads}, err
	}
}

// client reads a server on loopback. Its clock goes on by a nanosecond each time that somebody looks at it.
type client struct {
	*chartrepo.Client
	server *chartrepotest.Server
	clock  atomic.Int64 // in nanoseconds
	folder string
	reads  atomic.Int64 // of indexes on the disk
}

// pass moves the clock.
func (c *client) pass(d time.Duration) { c.clock.Add(int64(d)) }

func newClient(change ...func(*chartrepo.Options)) *client {
	GinkgoHelper()
	c := &client{server: chartrepotest.New(), folder: GinkgoT().TempDir()}
	DeferCleanup(c.server.Close)
	o := chartrepo.Options{
		Downloads: download.NewClient(download.Options{AllowedHosts: []string{"127.0.0.0/8", "localhost"}, RetryPause: time.Millisecond}),
		Stage:     stage(c.folder, &c.reads), Now: func() time.Time { return time.Unix(1_800_000_000, c.clock.Add(1)) },
	}
	for _, each := range change {
		each(&o)
	}
	c.Client = chartrepo.NewClient(o)
	return c
}

// repository returns a reader of the chart app.
func (c *client) repository(change ...func(*chartrepo.Target)) *chartrepo.Repository {
	GinkgoHelper()
	t := chartrepo.Target{Repository: chartrepo.Name(c.server.Repository(), "app"), PlainHTTP: true, Scope: "apps"}
	for _, each := range change {
		each(&t)
	}
	r, err := c.Repository(t)
	Expect(err).NotTo(HaveOccurred())
	return r
}

// staged returns the number of files on the disk.
func (c *client) staged() int {
	GinkgoHelper()
	entries, err := os.ReadDir(c.folder)
	Expect(err).NotTo(HaveOccurred())
	return len(entries)
}

func version(text string) helmindex.Selection { return helmindex.Selection{Version: text} }

func sha(raw []byte) digest.Digest {
	sum := sha256.Sum256(raw)
	return digest.NewDigestFromEncoded(digest.SHA256, hex.EncodeToString(sum[:]))
}

// classes are the classes of errors that decide what happens to a chart.
var classes = []error{
	registry.ErrNotFound, registry.ErrUnauthorized, registry.ErrIntegrity, registry.ErrTooLarge, registry.ErrMalformed, registry.ErrURL,
}

// beOnly asserts that an error matches one class; nil stands for none.
func beOnly(err, class error) {
	GinkgoHelper()
	Expect(err).To(HaveOccurred())
	for _, c := range classes {
		Expect(errors.Is(err, c)).To(Equal(errors.Is(class, c)), "%v: %v", c, err)
	}
	Expect(len(err.Error())).To(BeNumerically("<=", 2048))
	Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
}

var ctx = context.Background()

// zipped returns bytes that begin as an archive does.
func zipped(content string) []byte { return append([]byte{0x1f, 0x8b}, content...) }
