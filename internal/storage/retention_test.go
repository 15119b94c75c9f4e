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

var _ = Describe("The collection of garbage", func() {
	const year = 365 * 24 * time.Hour
	now := time.Date(2026, 11, 21, 3, 10, 0, 0, time.UTC)

	// collect stores files of the ages, the first of which is the current one, and
	// returns those that are left at a time.
	collect := func(ttl time.Duration, records int, at time.Time, ages ...time.Duration) []string {
		folder := GinkgoT().TempDir()
		o := options(folder)
		o.ArtifactRetentionTTL, o.ArtifactRetentionRecords = ttl, records
		s, err := storage.New(o)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		s.SetNow(func() time.Time { return at })
		obj := object("apps", "podinfo")
		for i, age := range ages {
			a := put(s, obj, string(rune('a'+i))+".tgz", []byte{byte(i)})
			Expect(os.Chtimes(filepath.Join(folder, a.Path), time.Time{}, now.Add(-age))).To(Succeed())
		}
		Expect(s.CollectGarbage(context.Background(), s.NewArtifact(obj, "1.0.0", "a.tgz"))).To(Succeed())
		var left []string
		for p := range served(folder) {
			left = append(left, path.Base(p))
		}
		return left
	}

	DescribeTable("keeps",
		func(ttl time.Duration, records int, at time.Time, ages []time.Duration, left ...string) {
			Expect(collect(ttl, records, at, ages...)).To(ConsistOf(left))
		},
		Entry("what is young and not too much", time.Minute, 2, now, []time.Duration{0, time.Second}, "a.tgz", "b.tgz"),
		Entry("not what is old", time.Minute, 3, now, []time.Duration{0, time.Second, time.Hour}, "a.tgz", "b.tgz"),
		Entry("the youngest of what is too much", time.Hour, 2, now,
			[]time.Duration{0, 3 * time.Second, time.Second, 2 * time.Second}, "a.tgz", "c.tgz"),
		Entry("one of those of one age", time.Hour, 2, now, []time.Duration{0, time.Second, time.Second}, "a.tgz", "b.tgz"),
		Entry("the current one alone, where no record is to be kept", time.Hour, 0, now, []time.Duration{0, 0}, "a.tgz"),
		Entry("G10: the current one, after a jump of the clock by a year", time.Minute, 2, now.Add(year), []time.Duration{0, time.Second}, "a.tgz"),
		Entry("G10: the current one, after a jump back by a year", time.Minute, 2, now.Add(-year), []time.Duration{0, time.Second}, "a.tgz", "b.tgz"),
		Entry("G10: the current one, though it looks like the oldest", time.Minute, 2, now, []time.Duration{year, 0, time.Second}, "a.tgz", "b.tgz"),
		Entry("G10: the current one, though it looks like the oldest and all are old", time.Minute, 1, now, []time.Duration{2 * year, year}, "a.tgz"),
		Entry("G10: not more than its number of what seems to be from the future", time.Minute, 2, now,
			[]time.Duration{0, -year, -2 * year}, "a.tgz", "c.tgz"),
	)

	It("G11: touches no other object, and nothing that is being written", func() {
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

		ours.SetNow(func() time.Time { return time.Now().Add(year) })
		Expect(ours.CollectGarbage(context.Background(), a)).To(Succeed())
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
		Expect(s.CollectGarbage(ctx, a)).To(MatchError(context.Canceled))
		Expect(s.Check(b)).To(Succeed())
	})

	It("has nothing to do where nothing is", func() {
		s := open(GinkgoT().TempDir())
		Expect(s.CollectGarbage(context.Background(), s.NewArtifact(object("apps", "podinfo"), "1.0.0", "a.tgz"))).To(Succeed())
	})

	It("G3: tells of a disk that fails", func() {
		s := open(GinkgoT().TempDir())
		a := put(s, object("apps", "podinfo"), "a.tgz", nil)
		put(s, object("apps", "podinfo"), "b.tgz", nil)
		s.SetNow(func() time.Time { return time.Now().Add(year) })
		s.Replace(storage.Disk{Remove: func(*os.Root, string) error { return syscall.EIO }})
		Expect(s.CollectGarbage(context.Background(), a)).To(MatchError(storage.ErrStorage))
	})
})
