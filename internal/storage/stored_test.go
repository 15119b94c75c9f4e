// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

var _ = Describe("The list of stored files", Label("storage"), func() {
	var (
		folder string
		s      *storage.Storage
		obj    = object("apps", "podinfo")
		chart  = []byte("a chart")
		// old is a time in whole seconds, which every file system stores exactly.
		old = time.Now().Add(-time.Hour).Truncate(time.Second)
	)
	BeforeEach(func() { folder = GinkgoT().TempDir(); s = open(folder) })

	// age gives all stored files the same age.
	age := func(at time.Time) {
		GinkgoHelper()
		Expect(filepath.Walk(folder, func(p string, _ os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			return os.Chtimes(p, at, at)
		})).To(Succeed())
	}
	list := func() []string {
		GinkgoHelper()
		found, err := s.Stored()
		Expect(err).NotTo(HaveOccurred())
		var names []string
		for _, o := range found {
			names = append(names, o.Namespace+"/"+o.Name)
		}
		return names
	}

	DescribeTable("has an object of which anything is left",
		func(leave func()) {
			leave()
			Expect(list()).To(Equal([]string{"apps/podinfo"}))
			age(old)
			found, err := s.Stored()
			Expect(err).NotTo(HaveOccurred())
			Expect(found[0].Newest).To(BeTemporally("==", old))
			Expect(s.RemoveStored(found[0], old.Add(time.Second))).To(Succeed())
			Expect(list()).To(BeEmpty())
			Expect(files(folder, func(p string) bool { return filepath.Base(p) != ".lock" })).To(BeEmpty())
		},
		Entry("a file that is served", func() { put(s, obj, "chart.tgz", chart) }),
		Entry("two files", func() { put(s, obj, "old.tgz", chart); put(s, obj, "new.tgz", chart) }),
		Entry("a file that was retired", func() { Expect(s.Retire(obj, put(s, obj, "chart.tgz", chart))).To(Succeed()) }),
		Entry("signature material", func() { Expect(s.WriteMaterial(obj, published, chart)).To(Succeed()) }),
		Entry("all of these", func() {
			Expect(s.Retire(obj, put(s, obj, "old.tgz", chart))).To(Succeed())
			put(s, obj, "chart.tgz", chart)
			Expect(s.WriteMaterial(obj, published, chart)).To(Succeed())
		}),
		Entry("an empty folder", func() { Expect(s.Withdraw(put(s, obj, "chart.tgz", chart))).To(Succeed()) }),
		Entry("a file in place of its folder", func() {
			Expect(os.MkdirAll(filepath.Join(folder, "verifiedchart/apps"), 0o700)).To(Succeed())
			Expect(os.WriteFile(filepath.Join(folder, "verifiedchart/apps/podinfo"), nil, 0o600)).To(Succeed())
		}),
		Entry("a folder in place of its file", func() {
			Expect(os.MkdirAll(filepath.Join(folder, "verifiedchart/apps/podinfo/chart.tgz/sub"), 0o700)).To(Succeed())
		}),
	)

	It("is sorted by name, has each object once, and ignores other layouts", func() {
		for _, o := range [][2]string{{"b", "x"}, {"a", "y"}, {"a", "x"}, {"a-b", "x"}} {
			put(s, object(o[0], o[1]), "chart.tgz", chart)
			Expect(s.WriteMaterial(object(o[0], o[1]), published, chart)).To(Succeed())
		}
		for _, p := range []string{"verifiedchart/file", "verifiedchart/a/.hidden", "verifiedchart/.hidden/x", "helmchart/a/z", "lost+found/a/z"} {
			Expect(os.MkdirAll(filepath.Join(folder, filepath.Dir(p)), 0o700)).To(Succeed())
			Expect(os.WriteFile(filepath.Join(folder, p), chart, 0o600)).To(Succeed())
		}
		Expect(list()).To(Equal([]string{"a/x", "a/y", "a-b/x", "b/x"}))
	})

	It("is empty on a disk that is empty or gone", func() {
		Expect(list()).To(BeEmpty())
		Expect(os.RemoveAll(folder)).To(Succeed())
		Expect(list()).To(BeEmpty())
		Expect(s.RemoveStored(storage.StoredObject{Namespace: "apps", Name: "podinfo"}, time.Now())).To(Succeed())
	})

	It("follows no symbolic link", func() {
		outside := GinkgoT().TempDir()
		Expect(os.MkdirAll(filepath.Join(outside, "podinfo"), 0o700)).To(Succeed())
		Expect(os.WriteFile(filepath.Join(outside, "podinfo", "chart.tgz"), chart, 0o600)).To(Succeed())
		put(s, object("apps", "redis"), "chart.tgz", chart)
		Expect(os.Symlink(outside, filepath.Join(folder, "verifiedchart", "linked"))).To(Succeed())
		Expect(os.Symlink(filepath.Join(outside, "podinfo"), filepath.Join(folder, "verifiedchart", "apps", "podinfo"))).To(Succeed())
		Expect(list()).To(Equal([]string{"apps/podinfo", "apps/redis"}))
		later := time.Now().Add(time.Hour)
		Expect(s.RemoveStored(storage.StoredObject{Namespace: "apps", Name: "podinfo"}, later)).To(Succeed(), "which removes the link")
		Expect(s.RemoveStored(storage.StoredObject{Namespace: "linked", Name: "podinfo"}, later)).To(MatchError(storage.ErrStorage))
		Expect(filepath.Join(outside, "podinfo", "chart.tgz")).To(BeARegularFile())
		Expect(list()).To(Equal([]string{"apps/redis"}))
	})

	const isRemoved, isKept = true, false
	const older, asYoung, younger, tenYearsYounger = time.Second, time.Duration(0), -time.Minute, -10 * 365 * 24 * time.Hour
	DescribeTable("G11: loses an object only if all its files are old",
		func(touch func() string, ago time.Duration, removed bool) {
			put(s, obj, "chart.tgz", chart)
			put(s, object("apps", "redis"), "chart.tgz", chart)
			Expect(s.WriteMaterial(obj, published, chart)).To(Succeed())
			age(old)
			young := old.Add(30 * time.Minute)
			p := touch()
			at := young.Add(-ago)
			Expect(os.Chtimes(filepath.Join(folder, p), at, at)).To(Succeed())
			found, err := s.Stored()
			Expect(err).NotTo(HaveOccurred())
			if touched := found[0].Newest; p != "." {
				Expect(touched).To(BeTemporally("==", at))
			}
			// An earlier list does not count.
			err = s.RemoveStored(storage.StoredObject{Namespace: "apps", Name: "podinfo", Newest: old}, young)
			if removed {
				Expect(err).NotTo(HaveOccurred())
				Expect(list()).To(Equal([]string{"apps/redis"}))
				return
			}
			Expect(err).To(MatchError(storage.ErrChanged))
			Expect(err).NotTo(MatchError(storage.ErrStorage))
			Expect(list()).To(Equal([]string{"apps/podinfo", "apps/redis"}))
			Expect(served(folder)).To(HaveLen(2))
			Expect(s.ReadMaterial(obj, published)).To(Equal(chart))
		},
		Entry("its file is older", func() string { return "verifiedchart/apps/podinfo/chart.tgz" }, older, isRemoved),
		Entry("its file is exactly as old as the limit", func() string { return "verifiedchart/apps/podinfo/chart.tgz" }, asYoung, isKept),
		Entry("its file is younger", func() string { return "verifiedchart/apps/podinfo/chart.tgz" }, younger, isKept),
		Entry("G10: its file is from the future", func() string { return "verifiedchart/apps/podinfo/chart.tgz" }, tenYearsYounger, isKept),
		Entry("its material is younger", func() string { return ".material/apps/podinfo/" + published.Encoded() }, younger, isKept),
		Entry("a file was moved to or from its folder", func() string { return "verifiedchart/apps/podinfo" }, younger, isKept),
		Entry("its neighbour is younger", func() string {
			at := old.Add(time.Hour)
			Expect(os.Chtimes(filepath.Join(folder, "verifiedchart/apps/redis/chart.tgz"), at, at)).To(Succeed())
			return "."
		}, younger, isRemoved),
	)

	DescribeTable("removes nothing for a malformed name",
		func(namespace, name string) {
			put(s, obj, "chart.tgz", chart)
			Expect(s.RemoveStored(storage.StoredObject{Namespace: namespace, Name: name}, time.Now().Add(time.Hour))).To(Succeed())
			Expect(served(folder)).To(HaveLen(1))
		},
		Entry("no name", "apps", ""),
		Entry("no namespace", "", "apps"),
		Entry("a name with two dots", "apps", "x/../podinfo"),
		Entry("a way up", "..", "verifiedchart"),
		Entry("the namespace itself", "apps", "."),
	)

	It("G3: fails as a whole on a failing disk", func() {
		put(s, obj, "chart.tgz", chart)
		Expect(os.RemoveAll(filepath.Join(folder, "verifiedchart"))).To(Succeed())
		Expect(os.WriteFile(filepath.Join(folder, "verifiedchart"), nil, 0o600)).To(Succeed())
		Expect(s.WriteMaterial(obj, published, chart)).To(Succeed())
		found, err := s.Stored()
		Expect(err).To(MatchError(storage.ErrStorage))
		Expect(found).To(BeEmpty())
		err = s.RemoveStored(storage.StoredObject{Namespace: "apps", Name: "podinfo"}, time.Now().Add(time.Hour))
		Expect(err).To(MatchError(storage.ErrStorage))
		Expect(s.ReadMaterial(obj, published)).To(Equal(chart))
	})

	It("G3: returns an error if the disk removes nothing", func() {
		put(s, obj, "chart.tgz", chart)
		s.Replace(storage.Disk{Remove: func(*os.Root, string) error { return syscall.EROFS }})
		err := s.RemoveStored(storage.StoredObject{Namespace: "apps", Name: "podinfo"}, time.Now().Add(time.Hour))
		Expect(err).To(MatchError(storage.ErrStorage))
	})
})
