// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// failing are disks on which one kind of operation fails.
var failing = map[string]func(error) storage.Disk{
	"writing": func(err error) storage.Disk {
		return storage.Disk{Write: func(f *os.File, p []byte) (int, error) {
			n, _ := f.Write(p[:len(p)/2])
			return n, &os.PathError{Op: "write", Path: f.Name(), Err: err}
		}}
	},
	"syncing the file": func(err error) storage.Disk {
		return storage.Disk{Sync: func(f *os.File) error {
			return &os.PathError{Op: "sync", Path: f.Name(), Err: err}
		}}
	},
	"renaming": func(err error) storage.Disk {
		return storage.Disk{Rename: func(_ *os.Root, from, to string) error {
			return &os.LinkError{Op: "renameat", Old: from, New: to, Err: err}
		}}
	},
	"syncing a folder": func(err error) storage.Disk {
		return storage.Disk{Sync: func(f *os.File) error {
			if info, statErr := f.Stat(); statErr != nil || info.IsDir() {
				return errors.Join(statErr, err)
			}
			return f.Sync()
		}}
	},
}

var _ = Describe("A disk that fails", Label("storage"), func() {
	old, fresh := []byte(strings.Repeat("old ", 20_000)), []byte(strings.Repeat("new!", 20_000))

	DescribeTable("leaves the served file, and is used again after it has recovered",
		func(operation string, fault error) {
			folder := GinkgoT().TempDir()
			s := open(folder)
			last := put(s, object("apps", "podinfo"), "old.tgz", old)

			s.Replace(failing[operation](fault))
			next := s.NewArtifact(object("apps", "podinfo"), "2.0.0", "new.tgz")
			as := next
			var texts []string
			for range 2 {
				err := commit(s, &next, fresh)
				Expect(err).To(And(MatchError(storage.ErrStorage), MatchError(fault)))
				texts = append(texts, err.Error())
			}
			Expect(texts[0]).To(Equal(texts[1]), "or each retry would write the status anew")
			Expect(next).To(Equal(as))
			Expect(s.Check(last)).To(Succeed())
			Expect(staged(folder)).To(BeEmpty())
			for p, content := range served(folder) {
				Expect(content).To(BeElementOf(string(old), string(fresh)), p)
			}

			s.Replace(storage.Disk{})
			Expect(commit(s, &next, fresh)).To(Succeed())
			Expect(s.Check(next)).To(Succeed())
		},
		Entry("G3: no space for the bytes", "writing", syscall.ENOSPC),
		Entry("G3: an I/O error in the bytes", "writing", syscall.EIO),
		Entry("G3: a quota on the bytes", "writing", syscall.EDQUOT),
		Entry("G3: no space when the file is synced", "syncing the file", syscall.ENOSPC),
		Entry("G3: an I/O error when the file is synced", "syncing the file", syscall.EIO),
		Entry("G3: no space for the name", "renaming", syscall.ENOSPC),
		Entry("G3: a read-only file system", "renaming", syscall.EROFS),
		Entry("G3: an I/O error when the folder is synced", "syncing a folder", syscall.EIO),
	)

	DescribeTable("is reported by the functions that remove files",
		func(d storage.Disk) {
			s := open(GinkgoT().TempDir())
			obj := object("apps", "podinfo")
			a := put(s, obj, "old.tgz", old)
			s.Replace(d)
			Expect(s.Withdraw(a)).To(MatchError(storage.ErrStorage))
			Expect(s.RemoveAll(obj)).To(MatchError(storage.ErrStorage))
		},
		Entry("G3: a read-only file system", storage.Disk{Remove: func(*os.Root, string) error { return syscall.EROFS }}),
		Entry("G2: a removal that would not survive a crash", failing["syncing a folder"](syscall.EIO)),
	)

	It("G2: is synced before and after the rename: the file and each new folder, then the name", func() {
		folder := GinkgoT().TempDir()
		size := int64(len(fresh))
		var order []string
		s, err := storage.NewOn(options(folder), storage.Disk{
			Sync: func(f *os.File) error {
				info, err := f.Stat()
				Expect(err).NotTo(HaveOccurred())
				order = append(order, "sync "+nameOf(folder, info, size))
				return f.Sync()
			},
			Rename: func(r *os.Root, from, to string) error {
				order = append(order, "rename to "+to)
				return r.Rename(from, to)
			},
		})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		put(s, object("apps", "podinfo"), "chart.tgz", fresh)
		Expect(order).To(Equal([]string{
			"sync a whole file", "sync .", "sync verifiedchart", "sync verifiedchart/apps",
			"rename to verifiedchart/apps/podinfo/chart.tgz", "sync verifiedchart/apps/podinfo",
		}))

		By("storing another one, for which every folder is there")
		order = nil
		put(s, object("apps", "podinfo"), "next.tgz", fresh)
		Expect(order).To(Equal([]string{
			"sync a whole file", "rename to verifiedchart/apps/podinfo/next.tgz", "sync verifiedchart/apps/podinfo",
		}))
	})

	It("G3: may be full: the last chart is served, also after a restart", func() {
		folder := mount("size=256k,nr_inodes=16")
		s := open(folder)
		last := put(s, object("apps", "podinfo"), "old.tgz", old)
		next := s.NewArtifact(object("apps", "podinfo"), "2.0.0", "new.tgz")
		err := commit(s, &next, []byte(strings.Repeat("x", 1<<20)))
		Expect(err).To(And(MatchError(storage.ErrStorage), MatchError(syscall.ENOSPC)))
		Expect(staged(folder)).To(BeEmpty())

		By("leaving no room for even one more name")
		Expect(s.Close()).To(Succeed())
		for err = nil; err == nil; {
			_, err = os.MkdirTemp(folder, "ballast-")
		}
		Expect(err).To(MatchError(syscall.ENOSPC))
		s = open(folder)
		Expect(s.Check(last)).To(Succeed())
		Expect(commit(s, &next, fresh)).To(And(MatchError(storage.ErrStorage), MatchError(syscall.ENOSPC)))

		By("making room")
		ballast, err := filepath.Glob(filepath.Join(folder, "ballast-*"))
		Expect(err).NotTo(HaveOccurred())
		for _, b := range ballast {
			Expect(os.Remove(b)).To(Succeed())
		}
		Expect(commit(s, &next, fresh)).To(Succeed())
		Expect(s.Check(next)).To(Succeed())
	})

	It("G3: may be read-only: stored files are checked, and the disk cannot be opened for writing", func() {
		folder := mount("size=1m")
		s := open(folder)
		last := put(s, object("apps", "podinfo"), "old.tgz", old)
		Expect(syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")).To(Or(Succeed(), MatchError(syscall.EBUSY)))
		if os.WriteFile(filepath.Join(folder, "probe"), nil, 0o600) == nil {
			// The lock is open for writing, which keeps the file system writable.
			Expect(s.Close()).To(Succeed())
			Expect(syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")).To(Succeed())
		}
		next := meta.Artifact{Path: last.Path}
		Expect(commit(s, &next, fresh)).To(And(MatchError(storage.ErrStorage), MatchError(syscall.EROFS)))
		Expect(s.Withdraw(last)).To(MatchError(storage.ErrStorage))
		Expect(s.Check(last)).To(Succeed())
		_, err := storage.New(options(folder))
		Expect(err).To(MatchError(storage.ErrStorage))
	})
})

// nameOf returns which folder of the storage it is, or that it is a complete file.
func nameOf(folder string, info os.FileInfo, size int64) string {
	GinkgoHelper()
	for _, name := range []string{".", "verifiedchart", "verifiedchart/apps", "verifiedchart/apps/podinfo"} {
		if there, err := os.Stat(filepath.Join(folder, name)); err == nil && os.SameFile(there, info) {
			return name
		}
	}
	if info.Mode().IsRegular() && info.Size() == size {
		return "a whole file"
	}
	return "something else"
}

// mount returns a folder with its own file system.
func mount(options string) string {
	GinkgoHelper()
	folder := GinkgoT().TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, options); err != nil {
		Skip("no file system can be mounted here: " + err.Error())
	}
	DeferCleanup(syscall.Unmount, folder, syscall.MNT_DETACH)
	return folder
}
