// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

var _ = Describe("The removal of older files", Label("storage"), func() {
	const year = 365 * 24 * time.Hour

	DescribeTable("keeps the current file",
		func(ages ...time.Duration) {
			folder := GinkgoT().TempDir()
			s := open(folder)
			obj := object("apps", "podinfo")
			for i, age := range ages {
				a := put(s, obj, string(rune('a'+i))+".tgz", []byte{byte(i)})
				Expect(os.Chtimes(filepath.Join(folder, a.Path), time.Time{}, time.Now().Add(-age))).To(Succeed())
			}
			Expect(s.KeepOnly(context.Background(), s.NewArtifact(obj, "1.0.0", "a.tgz"))).To(Succeed())
			var left []string
			for p := range served(folder) {
				left = append(left, path.Base(p))
			}
			Expect(left).To(ConsistOf("a.tgz"))
		},
		Entry("if there is no other", time.Duration(0)),
		Entry("and removes older files", time.Duration(0), time.Second, time.Hour),
		Entry("G10: even if it looks like the oldest", year, time.Duration(0), time.Second),
		Entry("G10: and removes files with a time in the future", time.Duration(0), -year, -2*year),
	)

	It("G11: touches no other object, and no file that is being written", func() {
		folder := GinkgoT().TempDir()
		ours, theirs := open(folder), open(folder)
		a := put(ours, object("apps", "podinfo"), "a.tgz", []byte("a"))
		put(ours, object("apps", "podinfo"), "b.tgz", []byte("b"))
		neighbour := put(theirs, object("apps", "podinfo-2"), "a.tgz", []byte("neighbour"))
		st, err := theirs.Stage()
		Expect(err).NotTo(HaveOccurred())
		defer st.Discard()
		_, err = st.Write([]byte("theirs"))
		Expect(err).NotTo(HaveOccurred())

		Expect(ours.KeepOnly(context.Background(), a)).To(Succeed())
		Expect(served(folder)).To(HaveLen(2))
		Expect(ours.RemoveAll(object("apps", "podinfo"))).To(Succeed())
		Expect(ours.Close()).To(Succeed())
		open(folder)

		Expect(theirs.Check(neighbour)).To(Succeed())
		b := theirs.NewArtifact(object("apps", "podinfo"), "1.0.0", "b.tgz")
		Expect(theirs.Commit(st, &b)).To(Succeed())
		Expect(theirs.Check(b)).To(Succeed())
	})

	It("ends with its context", func() {
		s := open(GinkgoT().TempDir())
		a := put(s, object("apps", "podinfo"), "a.tgz", nil)
		b := put(s, object("apps", "podinfo"), "b.tgz", nil)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		Expect(s.KeepOnly(ctx, a)).To(MatchError(context.Canceled))
		Expect(s.Check(b)).To(Succeed())
	})

	It("does nothing if there are no files", func() {
		s := open(GinkgoT().TempDir())
		Expect(s.KeepOnly(context.Background(), s.NewArtifact(object("apps", "podinfo"), "1.0.0", "a.tgz"))).To(Succeed())
	})

	It("G3: returns an error if the disk fails", func() {
		s := open(GinkgoT().TempDir())
		a := put(s, object("apps", "podinfo"), "a.tgz", nil)
		put(s, object("apps", "podinfo"), "b.tgz", nil)
		s.Replace(storage.Disk{Remove: func(*os.Root, string) error { return syscall.EIO }})
		Expect(s.KeepOnly(context.Background(), a)).To(MatchError(storage.ErrStorage))
	})
})
