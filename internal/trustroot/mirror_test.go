// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"net/http"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

var _ = Describe("E17: The trusted root of a TUF repository that is down", Label("trustroot", "network"), func() {
	var s *scene
	BeforeEach(func() { s = newScene() })

	DescribeTable("is available from the cache after a restart, until the timestamp expires",
		func(fault trustroottest.Fault) {
			s.serves(s.start(), s.raw)
			s.now.Advance(time.Hour)
			s.repository.SetFault(fault)

			s.options.Timeout = 200 * time.Millisecond
			t := s.start()
			s.serves(t, s.raw)
			Expect(t.LastError()).To(MatchError(trustroot.ErrUnavailable))
			age, ok := t.Age()
			Expect(ok).To(BeTrue())
			Expect(age).To(BeNumerically("~", time.Hour, time.Minute))

			s.expire()
			s.fails(t)
			s.fails(s.start())
			Expect(s.fails(s.start()).Error()).To(ContainSubstring(s.repository.URL()))
		},
		Entry("that drops connections", trustroottest.Down),
		Entry("that hangs", trustroottest.Hang),
		Entry("that fails", answer(http.StatusServiceUnavailable)),
		Entry("that refuses", answer(http.StatusForbidden)),
		Entry("that has nothing", answer(http.StatusNotFound)),
	)

	It("is available after a rotation of the root and a restart", func() {
		s.serves(s.start(), s.raw)
		s.repository.RotateRoot()
		s.repository.RotateRoot()
		s.serves(s.start(), s.raw)
		s.repository.SetFault(trustroottest.Down)
		s.serves(s.start(), s.raw)
	})

	It("is not available from a repository that never had it", func() {
		s.repository.SetFault(trustroottest.Down)
		t := s.start()
		s.fails(t)
		_, ok := t.Age()
		Expect(ok).To(BeFalse())
	})

	It("is not requested by each of a thousand objects", func() {
		s.repository.SetFault(answer(http.StatusServiceUnavailable))
		t := s.start()
		for range 1000 {
			s.fails(t)
		}
		Expect(s.repository.Requests()).To(HaveLen(1))
		s.now.Advance(time.Minute)
		s.repository.SetFault(nil)
		s.serves(t, s.raw)
	})

	It("is available again once the mirror is back", func() {
		t := s.start()
		s.serves(t, s.raw)
		s.expire()
		s.repository.SetFault(trustroottest.Down)
		s.fails(t)
		s.repository.SetFault(nil)
		s.repository.Publish(longer(2 * trustroottest.Validity))
		s.now.Advance(time.Minute)
		s.serves(t, s.raw)
	})
})

var _ = Describe("E18: The trusted root of a TUF repository with a hostile mirror", Label("trustroot", "network"), func() {
	var s *scene
	BeforeEach(func() { s = newScene() })
	next := newRoot()

	DescribeTable("stays the last good one until it expires, at",
		func(attack func(*trustroottest.Repository)) {
			t := s.start()
			s.serves(t, s.raw)
			kept := files(s.dir)

			attack(s.repository)
			restarted := s.start()
			s.serves(restarted, s.raw)
			Expect(restarted.LastError()).To(MatchError(trustroot.ErrUnavailable))
			Expect(files(s.dir)).To(Equal(kept))

			s.options.CacheDir = filepath.Join(GinkgoT().TempDir(), "empty")
			s.fails(s.start())

			s.expire()
			s.fails(t)
			s.fails(restarted)
		},
		attacks(next),
	)

	It("stays the last good one at a rollback, until it expires", func() {
		s.serves(s.start(), s.raw)
		s.repository.SetTrustedRoot(next)
		t := s.start()
		s.serves(t, next)
		s.repository.Rollback()
		restarted := s.start()
		s.serves(restarted, next)
		Expect(restarted.LastError()).To(MatchError(&metadata.ErrBadVersionNumber{}))
		s.expire()
		s.fails(t)
		s.fails(restarted)
	})

	It("is not available from a mirror that never updates (freeze)", func() {
		t := s.start()
		s.serves(t, s.raw)
		s.expire()
		Expect(s.fails(t)).To(MatchError(&metadata.ErrExpiredMetadata{}))
	})

	It("is not available with an old timestamp that lists new files", func() {
		s.repository.Publish(trustroottest.Edit{Timestamp: func(t *metadata.TimestampType) { t.Version += 10 }})
		s.serves(s.start(), s.raw)
		s.repository.SetTrustedRoot(next)
		t := s.start()
		s.serves(t, s.raw)
		Expect(t.LastError()).To(MatchError(&metadata.ErrBadVersionNumber{}))
	})

	It("is not replaced through a new snapshot of older targets", func() {
		s.repository.SetTrustedRoot(next)
		s.serves(s.start(), next)
		s.repository.Publish(trustroottest.Edit{Snapshot: func(s *metadata.SnapshotType) { s.Meta["targets.json"] = metadata.MetaFile(2) }})
		t := s.start()
		s.serves(t, next)
		Expect(t.LastError()).To(MatchError(&metadata.ErrBadVersionNumber{}))
	})

	It("is not downloaded if it is too large", func() {
		s.repository.SetTrustedRoot(make([]byte, trustroot.MaxSize+1))
		s.fails(s.start())
		Expect(s.repository.Requests()).NotTo(ContainElement(HavePrefix("targets/")))
	})

	It("stays the same if the cache is lost while the process runs", func() {
		s.repository.Publish(longer(3 * trustroottest.Validity))
		s.repository.SetTrustedRoot(next)
		s.serves(s.start(), next)
		s.repository.SetFault(trustroottest.Down)
		t := s.start() // knows it from the cache
		s.serves(t, next)
		Expect(os.RemoveAll(s.dir)).To(Succeed())
		s.repository.SetFault(nil)
		s.repository.Rollback()
		s.expire()
		Expect(s.fails(t)).To(MatchError(&metadata.ErrBadVersionNumber{}))
	})

	DescribeTable("is not available with a root, signed with stolen keys, that",
		func(change func(*metadata.RootType)) {
			t := s.start()
			s.serves(t, s.raw)
			s.repository.EditRoot(change)
			s.fails(s.start()) // the root in memory is signed by keys that are revoked now
			s.serves(t, s.raw)
			s.expire()
			s.fails(t)
		},
		Entry("CVE-2026-23992: needs no signature", func(r *metadata.RootType) { r.Roles[metadata.TIMESTAMP].Threshold = 0 }),
		Entry("needs less than none", func(r *metadata.RootType) { r.Roles[metadata.SNAPSHOT].Threshold = -1 }),
		Entry("has no role for targets", func(r *metadata.RootType) { delete(r.Roles, metadata.TARGETS) }),
		Entry("has null for a role", func(r *metadata.RootType) { r.Roles[metadata.TARGETS] = nil }),
		Entry("has a hole for a key", func(r *metadata.RootType) { r.Keys[r.Roles[metadata.TIMESTAMP].KeyIDs[0]] = nil }),
		Entry("has expired", func(r *metadata.RootType) { r.Expires = time.Unix(0, 0).UTC() }),
	)

	It("is not read from a manipulated cache", func() {
		s.serves(s.start(), s.raw)
		s.repository.SetFault(trustroottest.Down)
		Expect(os.WriteFile(filepath.Join(s.dir, "trusted_root.json"), next, 0o600)).To(Succeed())
		s.fails(s.start())
		s.repository.SetFault(nil)
		s.serves(s.start(), s.raw)
	})

	DescribeTable("is fetched again if the cache holds", func(name, content string) {
		s.serves(s.start(), s.raw)
		Expect(os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600)).To(Succeed())
		s.serves(s.start(), s.raw)
		s.repository.SetFault(trustroottest.Down)
		s.serves(s.start(), s.raw)
	},
		Entry("an empty timestamp", "timestamp.json", ""),
		Entry("a timestamp of another type", "timestamp.json", `{"signed":[]}`),
		Entry("an empty snapshot", "snapshot.json", ""),
		Entry("half a snapshot", "snapshot.json", `{"signed":{`),
		Entry("empty targets", "targets.json", ""),
		Entry("an empty trusted root", "trusted_root.json", ""),
		Entry("an empty next root", "2.root.json", ""),
	)

	It("knows a rotated root after a restart, though the mirror hides it", func() {
		s.serves(s.start(), s.raw)
		s.repository.RotateRoot()
		s.serves(s.start(), s.raw)
		s.repository.Rollback()
		t := s.start()
		s.serves(t, s.raw)
		Expect(t.LastError()).To(MatchError(trustroot.ErrUnavailable))
	})
})
