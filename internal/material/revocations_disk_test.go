// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

var _ = Describe("The revocations of a cluster on disk", Label("revocation", "restart"), func() {
	s := newRevocationScene()

	damage := func(how func([]byte) []byte) func() {
		return func() {
			raw, err := os.ReadFile(s.file)
			Expect(err).NotTo(HaveOccurred())
			Expect(os.WriteFile(s.file, how(raw), 0o600)).To(Succeed())
		}
	}

	DescribeTable("are not used if the file",
		func(ctx context.Context, harm func(), text string) {
			put(s.objects, goodList+"- "+string(digest.FromString("x"))+"\n")
			_, _, _, fault := s.source.Current(ctx)
			Expect(fault).NotTo(HaveOccurred())
			harm()
			s.remove("revoked")
			s.start()
			Expect(s.unknown(ctx)).To(MatchError(And(ContainSubstring("ConfigMap team/revoked not found"), ContainSubstring(text))))
			s.good(ctx)
			s.remove("revoked")
			s.start()
			_, fault = s.inForce(ctx)
			Expect(fault).To(MatchError(ContainSubstring("stays in force")), "a good list replaces the file")
		},
		Entry("is gone", func() { Expect(os.Remove(s.file)).To(Succeed()) }, "no good list was ever read"),
		Entry("is gone with its folder", func() { Expect(os.RemoveAll(filepath.Dir(s.file))).To(Succeed()) }, "no good list was ever read"),
		Entry("is cut between two lines, which would be a list", damage(func(raw []byte) []byte {
			return raw[:len(raw)-len("- "+string(digest.FromString("x"))+"\n")]
		}), "is damaged"),
		Entry("is cut in a line", damage(func(raw []byte) []byte { return raw[:len(raw)-9] }), "is damaged"),
		Entry("is empty", damage(func([]byte) []byte { return nil }), "is damaged"),
		Entry("has a flipped bit", damage(func(raw []byte) []byte { raw[len(raw)-5] ^= 1; return raw }), "is damaged"),
		Entry("has an additional line", damage(func(raw []byte) []byte { return append(raw, "keys: []\n"...) }), "is damaged"),
		Entry("has lost its header", damage(func([]byte) []byte { return []byte(goodList) }), "is damaged"),
		Entry("is zeros", damage(func(raw []byte) []byte { return make([]byte, len(raw)) }), "is damaged"),
		Entry("is huge", damage(func(raw []byte) []byte { return append(raw, make([]byte, 4<<20)...) }), "is damaged"),
		Entry("is a folder", func() {
			Expect(os.Remove(s.file)).To(Succeed())
			Expect(os.Mkdir(s.file, 0o700)).To(Succeed())
			DeferCleanup(func() { _ = os.RemoveAll(s.file) })
			s.file += "/revoked.yaml" // so that a good list can be stored again
		}, "no good list was ever read"),
	)

	DescribeTable("are in force even if they cannot be stored, with a fault until they are stored",
		func(ctx context.Context, obstruct func() (repair func())) {
			repair := obstruct()
			put(s.objects, goodList)
			for range 2 {
				_, fault := s.inForce(ctx)
				Expect(fault).To(MatchError(ContainSubstring("cannot be stored")))
				Expect(fault).NotTo(MatchError(verify.ErrTrustUnavailable), "the list is known")
				Expect(len(fault.Error())).To(BeNumerically("<=", 512))
			}
			repair()
			_, fault := s.inForce(ctx)
			Expect(fault).NotTo(HaveOccurred())
			s.remove("revoked")
			s.start()
			s.inForce(ctx)
		},
		Entry("because the folder cannot be created", func() func() {
			Expect(os.WriteFile(filepath.Dir(s.file), nil, 0o600)).To(Succeed())
			return func() { Expect(os.Remove(filepath.Dir(s.file))).To(Succeed()) }
		}),
		Entry("because a folder has the name of the file", func() func() {
			Expect(os.MkdirAll(s.file+"/x", 0o700)).To(Succeed())
			return func() { Expect(os.RemoveAll(s.file)).To(Succeed()) }
		}),
		Entry("because the disk is read-only", func() func() {
			s.source.On(material.Disk{Rename: func(string, string) error { return &os.PathError{Op: "rename", Path: s.file, Err: os.ErrPermission} }})
			return func() { s.source.On(material.Disk{Rename: os.Rename}) }
		}),
		Entry("because the disk is full", func() func() {
			s.source.On(material.Disk{Sync: func(*os.File) error { return errors.New("no space left on device") }})
			return func() { s.source.On(material.Disk{Sync: (*os.File).Sync}) }
		}),
	)

	It("are the complete previous list if a newer one could not be stored", func(ctx context.Context) {
		s.good(ctx)
		s.source.On(material.Disk{Sync: func(*os.File) error { return errors.New("no space left on device") }})
		put(s.objects, "digests: ["+string(other)+"]")
		list, _, ok, fault := s.source.Current(ctx)
		Expect(ok).To(BeTrue())
		Expect(revokes(list, other)).To(BeTrue())
		Expect(fault).To(MatchError(ContainSubstring("cannot be stored")))
		s.remove("revoked")
		s.start()
		s.inForce(ctx)
		Expect(os.ReadDir(filepath.Dir(s.file))).To(HaveLen(1), "nothing is left of the attempt")
	})

	It("are synced before they get their name, and their folder after that", func(ctx context.Context) {
		var steps []string
		s.source.On(material.Disk{
			Sync:   func(f *os.File) error { steps = append(steps, "sync "+filepath.Base(f.Name())); return f.Sync() },
			Rename: func(from, to string) error { steps = append(steps, "rename"); return os.Rename(from, to) },
		})
		s.good(ctx)
		parent := filepath.Base(filepath.Dir(filepath.Dir(s.file)))
		Expect(steps).To(Equal([]string{"sync " + parent, "sync revoked.yaml.new", "rename", "sync lists"}))
		steps = nil
		s.good(ctx)
		Expect(steps).To(BeEmpty(), "the same list is stored once")
		s.start()
		s.source.On(material.Disk{Rename: func(string, string) error { return errors.New("not needed") }})
		s.good(ctx)
	})

	It("are readable only by their owner, and are plain text", func(ctx context.Context) {
		s.good(ctx)
		info, err := os.Stat(s.file)
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
		raw, err := os.ReadFile(s.file)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(raw)).To(And(HavePrefix("# sha256:"), HaveSuffix("\n"+goodList)))
	})

	It("are optional: without a file the last good list is kept in memory", func(ctx context.Context) {
		s.file = ""
		s.start()
		s.good(ctx)
		s.remove("revoked")
		s.inForce(ctx)
		s.start()
		s.unknown(ctx)
	})
})
