// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/server"
)

const (
	first  = "verifiedchart/apps/podinfo/first.tgz"
	second = "verifiedchart/apps/podinfo/second.tgz"
	third  = "verifiedchart/apps/podinfo/third.tgz"
	theirs = "verifiedchart/apps/redis/first.tgz"
)

var (
	reborn = server.Owner{Namespace: "apps", Name: "podinfo", UID: "2"}
	redis  = server.Owner{Namespace: "apps", Name: "redis", UID: "3"}

	one, two = digest.FromString("one"), digest.FromString("two")
)

var _ = Describe("The paths", Label("serving"), func() {
	var (
		now   time.Time
		paths *server.Paths
	)
	BeforeEach(func() {
		now = time.Date(2026, 11, 21, 3, 10, 0, 0, time.UTC)
		paths = server.NewPaths(func() time.Time { return now })
	})

	// current returns the allowed path of podinfo.
	current := func() string {
		_, path, _, _ := paths.Current("apps", "podinfo")
		return path
	}

	DescribeTable("belong to the named object",
		func(o server.Owner, path string) {
			paths.Allow(podinfo, first, one)
			paths.Allow(o, path, two)
			paths.Expect(o, path)
			_, _, _, ok := paths.Current(o.Namespace, o.Name)
			Expect(ok).To(BeFalse())
			owner, path, d, ok := paths.Current("apps", "podinfo")
			Expect(ok).To(BeTrue())
			Expect([]any{owner, path, d}).To(Equal([]any{podinfo, first, one}))
			Expect(paths.Expected()).To(BeZero())
		},
		Entry("and to no neighbour with a forged status", redis, first),
		Entry("and to no object of the same name in another namespace", server.Owner{Namespace: "other", Name: "podinfo", UID: "1"}, first),
		Entry("and to none of another case", server.Owner{Namespace: "apps", Name: "Podinfo", UID: "1"}, first),
		Entry("and not to an owner with a name that leads to them", server.Owner{Namespace: "apps", Name: "redis/../podinfo", UID: "1"}, first),
		Entry("and not to one that is called like a folder of theirs", server.Owner{Namespace: "verifiedchart/apps", Name: "podinfo", UID: "1"}, first),
		Entry("and none leads elsewhere", redis, "verifiedchart/apps/redis/../podinfo/first.tgz"),
		Entry("and none is a folder", redis, "verifiedchart/apps/redis"),
		Entry("and none begins with a slash", redis, "/"+theirs),
		Entry("and none is signature material", redis, ".material/apps/redis/first.tgz"),
		Entry("and none is empty", redis, ""),
	)

	const known, unknown = true, false
	DescribeTable("know the owner of each",
		func(path string, owner server.Owner, ok bool) {
			paths.Allow(podinfo, first, one)
			paths.Allow(podinfo, second, two)
			paths.Expect(redis, theirs)
			o, found := paths.Owner(path)
			Expect(o).To(Equal(owner))
			Expect(found).To(Equal(ok))
		},
		Entry("that is allowed", second, podinfo, known),
		Entry("that is an old path", first, podinfo, known),
		Entry("that is expected", theirs, redis, known),
		Entry("but of no other path in the folder", third, server.Owner{}, unknown),
		Entry("but of no malformed path", "verifiedchart/apps/podinfo", server.Owner{}, unknown),
	)

	It("keep an old path for its age, however often the current one is allowed", func() {
		paths.Allow(podinfo, first, one)
		paths.Allow(podinfo, second, two)
		for range 2 {
			now = now.Add(server.OldPathAge/2 - 1)
			paths.Allow(podinfo, second, two)
			Expect(current()).To(Equal(second))
			_, ok := paths.Owner(first)
			Expect(ok).To(BeTrue())
		}
		now = now.Add(2)
		_, ok := paths.Owner(first)
		Expect(ok).To(BeFalse())
	})

	It("keep each of several old paths for its own age", func() {
		paths.Allow(podinfo, first, one)
		paths.Allow(podinfo, second, two)
		now = now.Add(server.OldPathAge / 2)
		paths.Allow(podinfo, third, one)
		now = now.Add(server.OldPathAge / 2)
		_, ok := paths.Owner(first)
		Expect(ok).To(BeFalse())
		_, ok = paths.Owner(second)
		Expect(ok).To(BeTrue())
	})

	It("let an old path become the current path again, without an age", func() {
		paths.Allow(podinfo, first, one)
		paths.Allow(podinfo, second, two)
		paths.Allow(podinfo, first, one)
		now = now.Add(server.OldPathAge)
		Expect(current()).To(Equal(first))
		_, ok := paths.Owner(second)
		Expect(ok).To(BeFalse())
	})

	const isDropped, isKept = true, false
	DescribeTable("drop the old path and keep the current one",
		func(o server.Owner, dropped bool) {
			paths.Allow(podinfo, first, one)
			paths.Allow(podinfo, second, two)
			paths.DropOld(o)
			Expect(current()).To(Equal(second))
			_, ok := paths.Owner(first)
			Expect(ok).To(Equal(!dropped))
		},
		Entry("for its object", podinfo, isDropped),
		Entry("not for another UID", reborn, isKept),
		Entry("not for another object", redis, isKept),
	)

	// remaining are the paths after an act: the current path of podinfo, and the number of expected paths.
	type remaining struct {
		current  string
		expected int
	}
	DescribeTable("J3: drop the paths of an object with another UID",
		func(act func(), remains remaining) {
			paths.Allow(podinfo, first, one)
			paths.Allow(podinfo, second, two)
			act()
			Expect(current()).To(Equal(remains.current))
			Expect(paths.Expected()).To(Equal(remains.expected))
			for _, path := range []string{first, second} {
				o, ok := paths.Owner(path)
				Expect(!ok || o == reborn).To(BeTrue(), path)
			}
		},
		Entry("once the path of the new object is allowed", func() { paths.Allow(reborn, third, one) }, remaining{current: third}),
		Entry("once the path of the new object is expected", func() { paths.Expect(reborn, third) }, remaining{expected: 1}),
		Entry("even if the new object has the same path", func() { paths.Expect(reborn, second) }, remaining{expected: 1}),
		Entry("even if the new object has the same path and digest", func() { paths.Allow(reborn, second, two) }, remaining{current: second}),
		Entry("even if the path of the new object is malformed", func() { paths.Allow(reborn, "nonsense", two) }, remaining{}),
		Entry("even if the path of the new object belongs to another", func() { paths.Expect(reborn, theirs) }, remaining{}),
		Entry("once the object is gone, whatever its UID", func() { paths.Drop("apps", "podinfo") }, remaining{}),
	)

	It("revoke an allowance while the path is expected, and count the path", func() {
		paths.Allow(redis, theirs, one)
		paths.Allow(podinfo, first, one)
		paths.Allow(podinfo, second, two)
		paths.Expect(podinfo, second)
		Expect(current()).To(BeEmpty())
		_, ok := paths.Owner(first)
		Expect(ok).To(BeFalse(), "the old path")
		Expect(paths.Expected()).To(Equal(1))
		paths.Allow(podinfo, third, two)
		Expect(paths.Expected()).To(BeZero())
		_, ok = paths.Owner(second)
		Expect(ok).To(BeFalse(), "it was never allowed again")
		_, _, _, ok = paths.Current("apps", "redis")
		Expect(ok).To(BeTrue())
	})

	DescribeTable("allow no path for a malformed digest",
		func(d digest.Digest) {
			paths.Allow(podinfo, first, one)
			paths.Allow(podinfo, first, d)
			Expect(current()).To(BeEmpty())
			Expect(paths.Expected()).To(Equal(1))
		},
		Entry("nothing", digest.Digest("")),
		Entry("no algorithm", digest.Digest(one.Encoded())),
		Entry("an unknown algorithm", digest.Digest("md5:d41d8cd98f00b204e9800998ecf8427e")),
		Entry("too short", digest.Digest("sha256:00")),
		Entry("upper case", digest.Digest("sha256:"+"ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")),
	)

	It("may be used from many goroutines", func() {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 100 {
					paths.Allow(podinfo, first, one)
					paths.Allow(podinfo, second, two)
					paths.Expect(reborn, third)
					paths.Owner(first)
					paths.Current("apps", "podinfo")
					paths.DropOld(podinfo)
					paths.Drop("apps", "podinfo")
					paths.Known()
					paths.Expected()
				}
			})
		}
		all.Wait()
		Expect(paths.IsKnown()).To(BeTrue())
		Expect(current()).To(BeEmpty())
	})
})

var _ = Describe("An old path", Label("serving"), func() {
	DescribeTable("J9: ends with its proof",
		func(ends, served time.Duration) {
			now := time.Now()
			paths := server.NewPaths(func() time.Time { return now })
			end := time.Time{}
			if ends > 0 {
				end = now.Add(ends)
			}
			paths.AllowUntil(podinfo, first, one, end)
			paths.Allow(podinfo, second, two)
			now = now.Add(served - time.Nanosecond)
			_, ok := paths.Owner(first)
			Expect(ok).To(BeTrue())
			now = now.Add(time.Nanosecond)
			_, ok = paths.Owner(first)
			Expect(ok).To(BeFalse())
			_, ok = paths.Owner(second)
			Expect(ok).To(BeTrue())
		},
		Entry("if the proof ends soon", 10*time.Second, 10*time.Second),
		Entry("or after OldPathAge, if the proof ends later", time.Hour, server.OldPathAge),
		Entry("or after OldPathAge, if the proof does not end", time.Duration(0), server.OldPathAge),
	)
})
