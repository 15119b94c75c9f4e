// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

var (
	published = digest.FromString("published")
	replaced  = digest.FromString("replaced")
)

var _ = Describe("Signature material", Label("storage"), func() {
	var (
		folder string
		s      *storage.Storage
		obj    = object("apps", "podinfo")
		raw    = []byte(strings.Repeat("a signature ", 1_000))
	)
	BeforeEach(func() { folder = GinkgoT().TempDir(); s = open(folder) })

	// file returns the path of the material of obj.
	file := func(d digest.Digest) string {
		return filepath.Join(folder, ".material", "apps", "podinfo", d.Encoded())
	}

	DescribeTable("is read back as it was written, also after a restart",
		func(raw []byte) {
			Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
			Expect(s.ReadMaterial(obj, published)).To(Equal(raw))
			Expect(s.MaterialSize(obj, published)).To(BeNumerically("==", len(raw)+90))
			Expect(open(folder).ReadMaterial(obj, published)).To(Equal(raw))
			Expect(served(folder)).To(BeEmpty())
			Expect(staged(folder)).To(BeEmpty())
			info, err := os.Stat(file(published))
			Expect(err).NotTo(HaveOccurred())
			Expect(info.Mode()).To(Equal(os.FileMode(0o600)))
		},
		Entry("a few signatures", []byte(strings.Repeat("a signature ", 1_000))),
		Entry("none", []byte{}),
		Entry("one byte", []byte{0}),
		Entry("line breaks", []byte("\n\n")),
		Entry("bytes that look like a header", []byte("verifiedchart-material/1 "+strings.Repeat("0", 64)+"\n")),
		Entry("as many bytes as allowed", bytes.Repeat([]byte("x"), storage.MaxMaterial)),
	)

	It("is stored for a SHA-512 digest too", func() {
		d := digest.SHA512.FromString("published")
		Expect(s.WriteMaterial(obj, d, raw)).To(Succeed())
		Expect(s.ReadMaterial(obj, d)).To(Equal(raw))
	})

	It("is replaced by other material of the same digest", func() {
		Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
		Expect(s.WriteMaterial(obj, published, raw[:5])).To(Succeed())
		Expect(s.ReadMaterial(obj, published)).To(Equal(raw[:5]))
	})

	It("is not written again if it is the same", func() {
		Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
		before, err := os.Stat(file(published))
		Expect(err).NotTo(HaveOccurred())
		operations := &stopper{}
		s.Replace(operations.disk())
		Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
		Expect(operations.n).To(BeZero())
		after, err := os.Stat(file(published))
		Expect(err).NotTo(HaveOccurred())
		Expect(os.SameFile(before, after)).To(BeTrue())
		Expect(after.ModTime()).To(Equal(before.ModTime()))
		Expect(s.WriteMaterial(obj, published, raw[1:])).To(Succeed())
		Expect(operations.n).NotTo(BeZero())
	})

	It("is refused if it is too large, and the stored material stays", func() {
		Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
		err := s.WriteMaterial(obj, published, make([]byte, storage.MaxMaterial+1))
		Expect(err).To(MatchError(storage.ErrTooLarge))
		Expect(err).NotTo(MatchError(storage.ErrStorage))
		Expect(s.ReadMaterial(obj, published)).To(Equal(raw))
	})

	DescribeTable("is missing for any other object or digest",
		func(obj metav1.Object, d digest.Digest) {
			Expect(s.WriteMaterial(object("apps", "podinfo"), published, raw)).To(Succeed())
			_, sizeErr := s.MaterialSize(obj, d)
			_, err := s.ReadMaterial(obj, d)
			for _, err := range []error{err, sizeErr} {
				Expect(err).To(MatchError(storage.ErrMissing))
				Expect(err).NotTo(Or(MatchError(storage.ErrStorage), MatchError(storage.ErrDamaged)))
			}
		},
		Entry("another digest", object("apps", "podinfo"), replaced),
		Entry("another object", object("apps", "redis"), published),
		Entry("another namespace", object("other", "podinfo"), published),
		Entry("an object whose name leads to the material", object("other", "../apps/podinfo"), published),
		Entry("an object without a name", object("apps", ""), published),
		Entry("no digest", object("apps", "podinfo"), digest.Digest("")),
		Entry("a digest that leads to the material", object("apps", "redis"), digest.Digest("sha256:../podinfo/"+published.Encoded())),
		Entry("a digest without its algorithm", object("apps", "podinfo"), digest.Digest(published.Encoded())),
		Entry("a digest in upper case", object("apps", "podinfo"), digest.Digest("sha256:"+strings.ToUpper(published.Encoded()))),
	)

	DescribeTable("is neither written nor removed for a name or a digest that leads elsewhere",
		func(obj metav1.Object, d digest.Digest) {
			Expect(s.WriteMaterial(object("apps", "podinfo"), published, raw)).To(Succeed())
			Expect(s.WriteMaterial(obj, d, []byte("other"))).To(MatchError(storage.ErrStorage))
			Expect(s.KeepOnlyMaterial(obj, d)).To(MatchError(storage.ErrStorage))
			Expect(files(folder, func(p string) bool { return !strings.HasSuffix(p, ".lock") })).To(HaveLen(1))
			Expect(s.ReadMaterial(object("apps", "podinfo"), published)).To(Equal(raw))
		},
		Entry("a name that leads out", object("apps", "../../verifiedchart/apps"), published),
		Entry("a namespace that leads out", object("..", "podinfo"), published),
		Entry("no name", object("apps", ""), published),
		Entry("a digest that leads out", object("apps", "podinfo"), digest.Digest("sha256:../../../x")),
		Entry("no digest", object("apps", "podinfo"), digest.Digest("")),
		Entry("an unknown algorithm", object("apps", "podinfo"), digest.Digest("md5:d41d8cd98f00b204e9800998ecf8427e")),
	)

	DescribeTable("is damaged, and written anew",
		func(hurt func(file string) error) {
			Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
			Expect(s.WriteMaterial(obj, replaced, raw)).To(Succeed())
			Expect(s.WriteMaterial(object("apps", "redis"), published, raw)).To(Succeed())
			Expect(hurt(file(published))).To(Succeed())
			got, err := s.ReadMaterial(obj, published)
			Expect(err).To(MatchError(storage.ErrDamaged))
			Expect(err).NotTo(Or(MatchError(storage.ErrStorage), MatchError(storage.ErrMissing)))
			Expect(got).To(BeNil())
			Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
			Expect(s.ReadMaterial(obj, published)).To(Equal(raw))
		},
		Entry("G4: one bit of it", func(file string) error { return flip(file, -1) }),
		Entry("G4: one bit of its checksum", func(file string) error { return flip(file, 30) }),
		Entry("G4: one bit of its format", func(file string) error { return flip(file, 0) }),
		Entry("G4: truncated", func(file string) error { return os.Truncate(file, 200) }),
		Entry("G4: truncated in its header", func(file string) error { return os.Truncate(file, 20) }),
		Entry("G4: emptied", func(file string) error { return os.Truncate(file, 0) }),
		Entry("G4: longer than allowed", func(file string) error { return os.Truncate(file, 1<<40) }),
		Entry("G4: with zeros at its end", func(file string) error { return os.Truncate(file, 20_000) }),
		Entry("the material of another digest in its place", func(file string) error {
			return os.Rename(filepath.Join(filepath.Dir(file), replaced.Encoded()), file)
		}),
		Entry("the material of another object in its place", func(file string) error {
			return os.Rename(strings.Replace(file, "podinfo", "redis", 1), file)
		}),
		Entry("a link to the right material in its place", func(file string) error {
			return errors.Join(os.Rename(file, file+".x"), os.Symlink(filepath.Base(file)+".x", file))
		}),
		Entry("a folder in its place", func(file string) error {
			return errors.Join(os.Remove(file), os.MkdirAll(filepath.Join(file, "sub"), 0o700))
		}),
		Entry("a pipe in its place, which never ends", func(file string) error {
			return errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600))
		}),
	)

	It("is neither read, written nor removed through a symbolic link", func() {
		outside := GinkgoT().TempDir()
		Expect(s.WriteMaterial(object("apps", "redis"), published, raw)).To(Succeed())
		Expect(os.Symlink(outside, filepath.Join(folder, ".material", "apps", "podinfo"))).To(Succeed())
		Expect(os.WriteFile(filepath.Join(outside, published.Encoded()), raw, 0o600)).To(Succeed())
		_, err := s.ReadMaterial(obj, published)
		Expect(err).To(MatchError(storage.ErrDamaged))
		Expect(s.WriteMaterial(obj, published, raw[:1])).To(MatchError(storage.ErrStorage))
		Expect(s.KeepOnlyMaterial(obj, replaced)).To(MatchError(storage.ErrStorage))
		Expect(os.ReadFile(filepath.Join(outside, published.Encoded()))).To(Equal(raw))
		Expect(s.RemoveAll(obj)).To(Succeed(), "which removes the link")
		Expect(filepath.Join(outside, published.Encoded())).To(BeARegularFile())
		Expect(s.ReadMaterial(object("apps", "redis"), published)).To(Equal(raw))
	})

	It("of other digests is removed once they are replaced", func() {
		redis := object("apps", "redis")
		Expect(s.KeepOnlyMaterial(obj, published)).To(Succeed(), "with nothing stored")
		for _, d := range []digest.Digest{published, replaced, digest.FromString("older")} {
			Expect(s.WriteMaterial(obj, d, raw)).To(Succeed())
			Expect(s.WriteMaterial(redis, d, raw)).To(Succeed())
		}
		for range 2 {
			Expect(s.KeepOnlyMaterial(obj, published)).To(Succeed())
		}
		Expect(filepath.Glob(filepath.Join(folder, ".material/apps/podinfo/*"))).To(ConsistOf(file(published)))
		Expect(filepath.Glob(filepath.Join(folder, ".material/apps/redis/*"))).To(HaveLen(3))
		Expect(s.KeepOnlyMaterial(obj, replaced)).To(Succeed(), "though it has none")
		Expect(filepath.Glob(filepath.Join(folder, ".material/apps/podinfo/*"))).To(BeEmpty())
	})

	const isKept, isLost = true, false
	DescribeTable("outlives a withdrawal, but not its object",
		func(act func() error, expected bool) {
			put(s, obj, "chart.tgz", raw)
			Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
			Expect(s.WriteMaterial(object("apps", "redis"), published, raw)).To(Succeed())
			Expect(act()).To(Succeed())
			_, err := s.ReadMaterial(obj, published)
			Expect(err == nil).To(Equal(expected))
			Expect(served(folder)).To(BeEmpty())
			_, err = s.ReadMaterial(object("apps", "redis"), published)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("the chart is withdrawn", func() error { return s.Withdraw(s.NewArtifact(obj, "1.0.0", "chart.tgz")) }, isKept),
		Entry("the chart is withdrawn and may come back", func() error { return s.Retire(obj, s.NewArtifact(obj, "1.0.0", "chart.tgz")) }, isKept),
		Entry("all its files are cleared", func() error { return s.Clear(obj) }, isKept),
		Entry("J3: the object is deleted", func() error { return s.RemoveAll(obj) }, isLost),
	)

	DescribeTable("G3: on a failing disk stays unchanged, or is completely written",
		func(operation string, fault error) {
			Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
			s.Replace(failing[operation](fault))
			var texts []string
			for range 2 {
				err := s.WriteMaterial(obj, replaced, raw)
				if err == nil { // the bytes exist since the first attempt
					continue
				}
				Expect(err).To(And(MatchError(storage.ErrStorage), MatchError(fault)))
				texts = append(texts, err.Error())
			}
			Expect(texts).To(HaveEach(texts[0]))
			Expect(staged(folder)).To(BeEmpty())
			Expect(s.ReadMaterial(obj, published)).To(Equal(raw))
			s.Replace(storage.Disk{})
			Expect(s.WriteMaterial(obj, replaced, raw)).To(Succeed())
			Expect(s.ReadMaterial(obj, replaced)).To(Equal(raw))
		},
		Entry("no space for the bytes", "writing", syscall.ENOSPC),
		Entry("an I/O error when the file is synced", "syncing the file", syscall.EIO),
		Entry("a read-only file system", "renaming", syscall.EROFS),
		Entry("an I/O error when the folder is synced", "syncing a folder", syscall.EIO),
	)

	It("G3: returns an error if the disk removes nothing", func() {
		Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
		s.Replace(storage.Disk{Remove: func(*os.Root, string) error { return syscall.EROFS }})
		Expect(s.KeepOnlyMaterial(obj, replaced)).To(MatchError(storage.ErrStorage))
		Expect(s.RemoveAll(obj)).To(MatchError(storage.ErrStorage))
	})

	It("G12: on an emptied disk is missing, and can be written", func() {
		Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
		Expect(os.RemoveAll(folder)).To(Succeed())
		_, err := s.ReadMaterial(obj, published)
		Expect(err).To(MatchError(storage.ErrMissing))
		Expect(s.KeepOnlyMaterial(obj, published)).To(Succeed())
		Expect(s.WriteMaterial(obj, published, raw)).To(Succeed())
		Expect(s.ReadMaterial(obj, published)).To(Equal(raw))
	})
})

// flip changes one bit of the file at an offset, or of its last byte.
func flip(file string, at int) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if at < 0 {
		at = len(content) - 1
	}
	content[at] ^= 1
	return os.WriteFile(file, content, 0o600)
}
