// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

// clock returns the time with an offset.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) Advance(by time.Duration) { c.ahead.Add(int64(by)) }

func idOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// scene is a repository that has published raw, over HTTP, and the options of its clients.
type scene struct {
	repository *trustroottest.Repository
	raw        []byte
	dir        string
	now        *clock
	options    trustroot.TUFOptions
}

func newScene() *scene {
	GinkgoHelper()
	s := &scene{
		repository: trustroottest.New(), raw: newRoot(),
		dir: filepath.Join(GinkgoT().TempDir(), "tuf"), now: &clock{},
	}
	DeferCleanup(s.repository.Close)
	s.repository.SetTrustedRoot(s.raw)
	s.options = trustroot.TUFOptions{
		Mirror: s.repository.URL(), Root: s.repository.RootJSON(), CacheDir: s.dir, Now: s.now.Now,
	}
	return s
}

// start returns the client of a new process, with the cache of earlier processes.
func (s *scene) start() *trustroot.TUF {
	GinkgoHelper()
	t, err := trustroot.NewTUF(s.options)
	Expect(err).NotTo(HaveOccurred())
	return t
}

func (s *scene) serves(t *trustroot.TUF, raw []byte) {
	GinkgoHelper()
	root, err := t.Root(context.Background())
	Expect(err).NotTo(HaveOccurred())
	Expect(root.ID()).To(Equal(idOf(raw)))
}

func (s *scene) fails(t *trustroot.TUF) error {
	GinkgoHelper()
	root, err := t.Root(context.Background())
	Expect(err).To(MatchError(trustroot.ErrUnavailable))
	Expect(err).NotTo(MatchError(trustroot.ErrMalformed))
	Expect(root).To(BeNil())
	Expect(len(err.Error())).To(BeNumerically("<=", 512))
	return err
}

// expire lets all published metadata expire.
func (s *scene) expire() { s.now.Advance(trustroottest.Validity + time.Minute) }
