// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

var _ = Describe("The storage", Label("storage"), func() {
	var folder string
	chart := []byte(strings.Repeat("a chart ", 8_000))

	BeforeEach(func() { folder = GinkgoT().TempDir() })

	It("fills in the artifact, which Check accepts, and hides uncommitted files", func() {
		s := open(folder)
		a := s.NewArtifact(object("apps", "podinfo"), "6.9.0", "chart.tgz")
		st, err := s.Stage()
		Expect(err).NotTo(HaveOccurred())
		_, err = st.Write(chart)
		Expect(err).NotTo(HaveOccurred())
		Expect(served(folder)).To(BeEmpty())
		Expect(io.ReadAll(st.Reader())).To(Equal(chart))
		Expect(st.Size()).To(BeEquivalentTo(len(chart)))

		Expect(s.Commit(st, &a)).To(Succeed())
		st.Discard()
		st.Discard()
		Expect(a).To(And(
			HaveField("Path", "verifiedchart/apps/podinfo/chart.tgz"),
			HaveField("URL", "http://artifacts.example/verifiedchart/apps/podinfo/chart.tgz"),
			HaveField("Digest", st.Digest().String()),
			HaveField("Size", HaveValue(BeEquivalentTo(len(chart)))),
			HaveField("LastUpdateTime.IsZero()", false),
		))
		Expect(s.Check(a)).To(Succeed())
		Expect(served(folder)).To(HaveLen(1))
		Expect(staged(folder)).To(BeEmpty())
		info, err := os.Stat(filepath.Join(folder, a.Path))
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode()).To(Equal(os.FileMode(0o644)))
	})

	It("removes a discarded file, and no longer commits it", func() {
		s := open(folder)
		st, err := s.Stage()
		Expect(err).NotTo(HaveOccurred())
		Expect(staged(folder)).To(HaveLen(1))
		st.Discard()
		Expect(staged(folder)).To(BeEmpty())
		a := s.NewArtifact(object("apps", "podinfo"), "6.9.0", "chart.tgz")
		Expect(s.Commit(st, &a)).To(MatchError(storage.ErrStorage))
		_, err = st.Write(chart)
		Expect(err).To(MatchError(storage.ErrStorage))
		Expect(served(folder)).To(BeEmpty())
	})

	DescribeTable("refuses to commit a file with another digest than the artifact asks for",
		func(d string) {
			s := open(folder)
			a := s.NewArtifact(object("apps", "podinfo"), "6.9.0", "chart.tgz")
			a.Digest = d
			Expect(commit(s, &a, chart)).To(And(MatchError(storage.ErrDamaged), MatchError(storage.ErrStorage)))
			Expect(a.Digest).To(Equal(d))
			Expect(served(folder)).To(BeEmpty())
		},
		Entry("by SHA-256", "sha256:"+strings.Repeat("0", 64)),
		Entry("by SHA-512", "sha512:"+strings.Repeat("0", 128)),
		Entry("by SHA-384", "sha384:"+strings.Repeat("0", 96)),
		Entry("by SHA-512 of the same length", digest.SHA512.FromBytes(bytes.Repeat([]byte("a chart."), 8_000)).String()),
		Entry("that is too short", "sha256:0"),
		Entry("by an unknown algorithm", "md5:d41d8cd98f00b204e9800998ecf8427e"),
		Entry("that is its own, without the algorithm", digest.FromBytes(chart).Encoded()),
	)

	DescribeTable("J16: commits a file with the digest in the artifact, and sets the SHA-256 digest",
		func(d digest.Digest) {
			s := open(folder)
			a := s.NewArtifact(object("apps", "podinfo"), "6.9.0", "chart.tgz")
			a.Digest = d.String()
			Expect(commit(s, &a, chart)).To(Succeed())
			Expect(a.Digest).To(Equal(digest.FromBytes(chart).String()))
			if d != "" {
				Expect(s.HasFile(a, d)).To(Succeed())
			}
			Expect(s.Check(a)).To(Succeed())
		},
		Entry("by SHA-256", digest.FromBytes(chart)),
		Entry("by SHA-384", digest.SHA384.FromBytes(chart)),
		Entry("by SHA-512", digest.SHA512.FromBytes(chart)),
		Entry("or by none", digest.Digest("")),
	)

	It("follows the advertised address", func() {
		a := put(open(folder), object("apps", "podinfo"), "chart.tgz", chart)
		o := options(folder)
		o.StorageAdvAddress = "other.example:8080"
		s, err := storage.New(o)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		s.SetURL(&a)
		Expect(a.URL).To(Equal("http://other.example:8080/" + a.Path))
	})

	DescribeTable("is not opened",
		func(prepare func() string, algorithm string, class error) {
			o := options(prepare())
			o.ArtifactDigestAlgo = algorithm
			_, err := storage.New(o)
			Expect(err).To(HaveOccurred())
			Expect(errors.Is(err, storage.ErrStorage)).To(Equal(class != nil))
		},
		Entry("G3: if its folder cannot be created", func() string { return "/proc/verifiedchart" }, "", storage.ErrStorage),
		Entry("G3: if a file has the name of its folder", func() string {
			Expect(os.WriteFile(filepath.Join(folder, "file"), nil, 0o600)).To(Succeed())
			return filepath.Join(folder, "file")
		}, "", storage.ErrStorage),
		Entry("G3: if its staging folder is a link", func() string {
			Expect(os.Symlink(GinkgoT().TempDir(), filepath.Join(folder, ".staging"))).To(Succeed())
			return folder
		}, "", storage.ErrStorage),
		Entry("with another digest algorithm than that of registries", func() string { return folder }, "sha512", nil),
	)

	DescribeTable("finds a damaged or missing file, and a commit heals it",
		func(hurt func(path string) error, class error) {
			s := open(folder)
			other := put(s, object("apps", "other"), "chart.tgz", chart)
			a := put(s, object("apps", "podinfo"), "chart.tgz", chart)
			Expect(hurt(filepath.Join(folder, a.Path))).To(Succeed())
			Expect(s.Check(a)).To(MatchError(class))
			Expect(s.Check(other)).To(Succeed())
			Expect(s.Withdraw(a)).To(Succeed())
			Expect(s.Check(a)).To(MatchError(storage.ErrMissing))
			Expect(commit(s, &a, chart)).To(Succeed())
			Expect(s.Check(a)).To(Succeed())
		},
		Entry("G4: one bit flipped", func(p string) error {
			content, err := os.ReadFile(p)
			content[len(content)/2] ^= 1
			return errors.Join(err, os.WriteFile(p, content, 0o600))
		}, storage.ErrDamaged),
		Entry("G4: truncated", func(p string) error { return os.Truncate(p, 100) }, storage.ErrDamaged),
		Entry("G4: emptied", func(p string) error { return os.Truncate(p, 0) }, storage.ErrDamaged),
		Entry("G4: deleted", os.Remove, storage.ErrMissing),
		Entry("G4: its folder deleted", func(p string) error { return os.RemoveAll(filepath.Dir(p)) }, storage.ErrMissing),
		Entry("G4: a folder in its place", func(p string) error {
			return errors.Join(os.Remove(p), os.MkdirAll(filepath.Join(p, "sub"), 0o700))
		}, storage.ErrDamaged),
		Entry("G4: a link to the right bytes in its place", func(p string) error {
			return errors.Join(os.Remove(p), os.Symlink("../other/chart.tgz", p))
		}, storage.ErrDamaged),
		Entry("G4: a pipe in its place, which would never end", func(p string) error {
			return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600))
		}, storage.ErrDamaged),
		Entry("G12: everything deleted", func(string) error {
			return errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700), putBack(folder))
		}, storage.ErrMissing),
	)

	DescribeTable("distinguishes a bad artifact from a bad disk",
		func(a meta.Artifact, class error) {
			Expect(open(folder).Check(a)).To(MatchError(class))
		},
		Entry("no path", meta.Artifact{Digest: "sha256:" + strings.Repeat("0", 64)}, storage.ErrMissing),
		Entry("no digest", meta.Artifact{Path: "verifiedchart/apps/podinfo/chart.tgz"}, storage.ErrDamaged),
		Entry("a digest that is none", meta.Artifact{Digest: "sha256:0", Path: "verifiedchart/apps/podinfo/chart.tgz"}, storage.ErrDamaged),
	)

	DescribeTable("compares a file with the digest that the caller trusts, and not with its artifact's",
		func(forge func(*meta.Artifact), d func() digest.Digest, class error) {
			s := open(folder)
			a := put(s, object("apps", "podinfo"), "chart.tgz", chart)
			put(s, object("apps", "podinfo"), "other.tgz", []byte("another chart"))
			forge(&a)
			err := s.HasFile(a, d())
			if class == nil {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(err).To(MatchError(class))
			Expect(err).NotTo(MatchError(storage.ErrStorage))
		},
		Entry("it has it", func(*meta.Artifact) {}, func() digest.Digest { return digest.FromBytes(chart) }, nil),
		Entry("it has it by SHA-512", func(*meta.Artifact) {}, func() digest.Digest { return digest.SHA512.FromBytes(chart) }, nil),
		Entry("it has it, whatever the status says", func(a *meta.Artifact) { a.Digest = "forged" }, func() digest.Digest { return digest.FromBytes(chart) }, nil),
		Entry("J19: the status names another file, and the digest of it", func(a *meta.Artifact) {
			a.Path, a.Digest = "verifiedchart/apps/podinfo/other.tgz", digest.FromString("another chart").String()
		}, func() digest.Digest { return digest.FromBytes(chart) }, storage.ErrDamaged),
		Entry("the status names no file", func(a *meta.Artifact) { a.Path = "" }, func() digest.Digest { return digest.FromBytes(chart) }, storage.ErrMissing),
		Entry("the status names a file that leads elsewhere", func(a *meta.Artifact) { a.Path = "verifiedchart/apps/podinfo/../podinfo/chart.tgz" }, func() digest.Digest { return digest.FromBytes(chart) }, storage.ErrMissing),
		Entry("no digest", func(*meta.Artifact) {}, func() digest.Digest { return "" }, storage.ErrDamaged),
		Entry("a digest without its algorithm", func(*meta.Artifact) {}, func() digest.Digest { return digest.Digest(digest.FromBytes(chart).Encoded()) }, storage.ErrDamaged),
		Entry("a digest of an unknown algorithm", func(*meta.Artifact) {}, func() digest.Digest { return "md5:d41d8cd98f00b204e9800998ecf8427e" }, storage.ErrDamaged),
	)

	It("G3: gives no verdict on a file that cannot be read", func() {
		s := open(folder)
		a := put(s, object("apps", "podinfo"), "chart.tgz", chart)
		Expect(os.Rename(folder, folder+"-away")).To(Succeed())
		DeferCleanup(os.RemoveAll, folder+"-away")
		Expect(os.WriteFile(folder, nil, 0o600)).To(Succeed())
		err := s.Check(a)
		Expect(err).To(MatchError(storage.ErrStorage))
		Expect(err).NotTo(Or(MatchError(storage.ErrMissing), MatchError(storage.ErrDamaged)))
		Expect(os.Remove(folder)).To(Succeed())
		Expect(os.Rename(folder+"-away", folder)).To(Succeed())
		Expect(s.Check(a)).To(Succeed())
	})

	DescribeTable("removes, and may do so twice",
		func(prepare func()) {
			s := open(folder)
			obj := object("apps", "podinfo")
			a := put(s, obj, "chart.tgz", chart)
			put(s, obj, "older.tgz", chart)
			prepare()
			for range 2 {
				Expect(s.Withdraw(a)).To(Succeed())
				Expect(s.RemoveAll(obj)).To(Succeed())
			}
			Expect(filepath.Join(folder, "verifiedchart/apps/podinfo")).NotTo(BeADirectory())
		},
		Entry("everything of an object", func() {}),
		Entry("H10: if its folder is missing", func() { Expect(os.RemoveAll(filepath.Join(folder, "verifiedchart/apps"))).To(Succeed()) }),
		Entry("H10: if the storage is missing", func() { Expect(os.RemoveAll(folder)).To(Succeed()) }),
	)

	DescribeTable("removes nothing for a path that it never stored",
		func(p string) {
			s := open(folder)
			put(s, object("apps", "podinfo"), "chart.tgz", chart)
			outside := filepath.Join(filepath.Dir(folder), "outside.tgz")
			Expect(os.WriteFile(outside, chart, 0o600)).To(Succeed())
			DeferCleanup(os.Remove, outside)
			Expect(s.Withdraw(meta.Artifact{Path: p})).To(Succeed())
			Expect(s.KeepOnly(GinkgoT().Context(), meta.Artifact{Path: p})).To(MatchError(storage.ErrStorage))
			Expect(outside).To(BeARegularFile())
			Expect(served(folder)).To(HaveLen(1))
		},
		Entry("none", ""),
		Entry("the storage itself", "."),
		Entry("all of it", "verifiedchart"),
		Entry("a namespace", "verifiedchart/apps"),
		Entry("an object", "verifiedchart/apps/podinfo"),
		Entry("one outside", "../outside.tgz"),
		Entry("one outside, from within", "verifiedchart/apps/podinfo/../../../../outside.tgz"),
		Entry("a path of a neighbour of the object", "verifiedchart/apps/other/../podinfo/chart.tgz"),
	)

	It("removes nothing for an object with a malformed name", func() {
		s := open(folder)
		put(s, object("apps", "podinfo"), "chart.tgz", chart)
		for _, obj := range []string{"", ".", "..", "../apps", "a/../podinfo"} {
			Expect(s.RemoveAll(object("apps", obj))).To(Succeed())
			Expect(s.RemoveAll(object(obj, "podinfo"))).To(Succeed())
		}
		Expect(served(folder)).To(HaveLen(1))
	})

	const isOwned, isNotOwned = true, false
	DescribeTable("knows the owner of an artifact's file",
		func(p string, owned bool) {
			Expect(open(folder).Owns(object("apps", "podinfo"), meta.Artifact{Path: p})).To(Equal(owned))
		},
		Entry("its own", "verifiedchart/apps/podinfo/chart.tgz", isOwned),
		Entry("another object's", "verifiedchart/apps/other/chart.tgz", isNotOwned),
		Entry("another namespace's", "verifiedchart/other/podinfo/chart.tgz", isNotOwned),
		Entry("another object's, spelled with two dots", "verifiedchart/apps/podinfo/../other/chart.tgz", isNotOwned),
		Entry("none", "", isNotOwned),
	)
})

// putBack restores the neighbour that the table checks after a wipe.
func putBack(folder string) error {
	s, err := storage.New(options(folder))
	if err != nil {
		return err
	}
	a := s.NewArtifact(object("apps", "other"), "1.0.0", "chart.tgz")
	return errors.Join(commit(s, &a, []byte(strings.Repeat("a chart ", 8_000))), s.Close())
}
