// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

var _ = Describe("An artifact that is retired", Label("storage"), func() {
	var (
		folder string
		s      *storage.Storage
		obj    = object("apps", "podinfo")
		chart  = []byte(strings.Repeat("a chart ", 8_000))
	)
	BeforeEach(func() { folder = GinkgoT().TempDir(); s = open(folder) })

	retired := func() []string {
		files, err := filepath.Glob(filepath.Join(folder, ".retired", "*", "*", "*"))
		Expect(err).NotTo(HaveOccurred())
		return files
	}

	It("is no longer served, nor is its predecessor, and can be staged again", func() {
		put(s, obj, "old.tgz", chart)
		other := put(s, object("apps", "other"), "chart.tgz", chart)
		a := put(s, obj, "chart.tgz", chart)
		Expect(s.Retire(obj, a)).To(Succeed())
		Expect(served(folder)).To(HaveLen(1))
		Expect(s.Check(other)).To(Succeed())
		Expect(s.Check(a)).To(MatchError(storage.ErrMissing))

		staged, err := s.Recover(obj, a)
		Expect(err).NotTo(HaveOccurred())
		Expect(io.ReadAll(staged.Reader())).To(Equal(chart))
		Expect(staged.Digest().String()).To(Equal(a.Digest))
		Expect(s.Commit(staged, &a)).To(Succeed())
		Expect(s.Check(a)).To(Succeed())
	})

	It("is forgotten once something is published in its place", func() {
		a := put(s, obj, "chart.tgz", chart)
		Expect(s.Retire(obj, a)).To(Succeed())
		Expect(retired()).To(HaveLen(1))
		next := put(s, obj, "next.tgz", chart)
		Expect(s.ForgetRetired(obj)).To(Succeed())
		Expect(s.Check(next)).To(Succeed())
		Expect(retired()).To(BeEmpty())
		_, err := s.Recover(obj, a)
		Expect(err).To(MatchError(storage.ErrMissing))
	})

	It("goes with its object, and no other does", func() {
		a := put(s, obj, "chart.tgz", chart)
		other := object("apps", "other")
		kept := put(s, other, "chart.tgz", chart)
		Expect(s.Retire(obj, a)).To(Succeed())
		Expect(s.Retire(other, kept)).To(Succeed())
		Expect(s.RemoveAll(obj)).To(Succeed())
		Expect(retired()).To(HaveLen(1))
	})

	It("replaces the artifact that was retired before", func() {
		first := put(s, obj, "first.tgz", chart)
		Expect(s.Retire(obj, first)).To(Succeed())
		second := put(s, obj, "second.tgz", chart)
		Expect(s.Retire(obj, second)).To(Succeed())
		Expect(retired()).To(ConsistOf(HaveSuffix("second.tgz")))
	})

	It("may be missing", func() {
		a := put(s, obj, "chart.tgz", chart)
		Expect(os.Remove(filepath.Join(folder, a.Path))).To(Succeed())
		Expect(s.Retire(obj, a)).To(Succeed())
		_, err := s.Recover(obj, a)
		Expect(err).To(MatchError(storage.ErrMissing))
	})

	It("belongs to its object only", func() {
		a := put(s, obj, "chart.tgz", chart)
		thief := object("other", "thief")
		Expect(s.Retire(thief, a)).To(Succeed())
		Expect(s.Check(a)).To(Succeed())
		_, err := s.Recover(thief, a)
		Expect(err).To(MatchError(storage.ErrMissing))
	})

	It("is not recovered through a symbolic link", func() {
		a := put(s, obj, "chart.tgz", chart)
		Expect(s.Retire(obj, a)).To(Succeed())
		secret := filepath.Join(GinkgoT().TempDir(), "secret")
		Expect(os.WriteFile(secret, []byte("secret"), 0o600)).To(Succeed())
		Expect(os.Remove(retired()[0])).To(Succeed())
		Expect(os.Symlink(secret, filepath.Join(folder, ".retired", "apps", "podinfo", "chart.tgz"))).To(Succeed())
		_, err := s.Recover(obj, a)
		Expect(err).To(MatchError(storage.ErrDamaged))
	})

	It("G3: returns an error if the disk fails", func() {
		a := put(s, obj, "chart.tgz", chart)
		s.Replace(failing["renaming"](syscall.EROFS))
		Expect(s.Retire(obj, a)).To(MatchError(storage.ErrStorage))
		Expect(s.Check(a)).To(Succeed())
	})
})
