// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

const stored = "verifiedchart/apps/podinfo/chart.tgz"

// tricks are paths with another meaning than one file of one object.
var tricks = map[string]string{
	"nothing":                      "",
	"an absolute path":             "/verifiedchart/apps/podinfo/chart.tgz",
	"a way out":                    "../secret.tgz",
	"a way out from within":        "verifiedchart/../../secret.tgz",
	"a way out as a file":          "verifiedchart/apps/podinfo/..",
	"a detour":                     "verifiedchart/apps/./podinfo/chart.tgz",
	"an encoded way out":           "verifiedchart/apps/%2e%2e/chart.tgz",
	"a backslash":                  `verifiedchart/apps/podinfo\chart.tgz`,
	"a way out with backslashes":   `verifiedchart/apps/podinfo/..\..\secret.tgz`,
	"a drive":                      `C:/apps/podinfo/chart.tgz`,
	"a NUL":                        "verifiedchart/apps/podinfo/chart\x00.tgz",
	"a NUL at the end":             "verifiedchart/apps/podinfo/chart.tgz\x00",
	"a line break":                 "verifiedchart/apps/podinfo/chart\n.tgz",
	"a double slash":               "verifiedchart//podinfo/chart.tgz",
	"a slash at the end":           "verifiedchart/apps/podinfo/chart.tgz/",
	"a folder":                     "verifiedchart/apps/podinfo",
	"a folder below":               "verifiedchart/apps/podinfo/chart.tgz/chart.tgz",
	"another kind":                 "helmchart/apps/podinfo/chart.tgz",
	"another case":                 "VerifiedChart/apps/podinfo/chart.tgz",
	"the staging folder":           ".staging/apps/podinfo/chart.tgz",
	"the staging folder by detour": "verifiedchart/../.staging/chart.tgz",
	"a hidden folder":              "verifiedchart/apps/.git/chart.tgz",
	"a hidden file":                "verifiedchart/apps/podinfo/.tgz",
	"a lock":                       "verifiedchart/apps/podinfo/chart.tgz.lock",
	"another type":                 "verifiedchart/apps/podinfo/chart.tar",
	"an option":                    "verifiedchart/apps/podinfo/-rf.tgz",
	"a letter that looks the same": "verifiedchart/аpps/podinfo/chart.tgz",
	"invalid UTF-8":                "verifiedchart/apps/podinfo/\xff.tgz",
	"a name that is too long":      "verifiedchart/apps/podinfo/" + strings.Repeat("a", 252) + ".tgz",
}

// fill puts a chart into a folder, a secret beside it, and links between them.
func fill(folder string) error {
	for _, dir := range []string{"storage/verifiedchart/apps/podinfo", "storage/.staging/x", "storage/verifiedchart/apps/folder/chart.tgz"} {
		if err := os.MkdirAll(filepath.Join(folder, dir), 0o700); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{
		"storage/" + stored:             "chart",
		"storage/.staging/x/staged.tgz": "secret",
		"secret.tgz":                    "secret",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	for link, to := range map[string]string{
		"verifiedchart/apps/podinfo/outside.tgz":  "../../../../secret.tgz",
		"verifiedchart/apps/podinfo/absolute.tgz": filepath.Join(folder, "secret.tgz"),
		"verifiedchart/apps/podinfo/inside.tgz":   "chart.tgz",
		"verifiedchart/apps/podinfo/dangling.tgz": "nowhere.tgz",
		"verifiedchart/apps/linked":               "podinfo",
		"verifiedchart/staged":                    "../.staging",
		"verifiedchart/out":                       "../..",
	} {
		if err := os.Symlink(to, filepath.Join(folder, "storage", link)); err != nil {
			return err
		}
	}
	return nil
}

var _ = Describe("A path", Label("storage"), func() {
	var folder string
	BeforeEach(func() {
		folder = GinkgoT().TempDir()
		Expect(fill(folder)).To(Succeed())
		folder = filepath.Join(folder, "storage")
	})

	It("names exactly one file", func() {
		f, err := storage.Open(folder, stored)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(f.Close)
		Expect(io.ReadAll(f)).To(BeEquivalentTo("chart"))
	})

	for trick, p := range tricks {
		It("names nothing if it is "+trick, func() {
			Expect(storage.ValidPath(p)).To(BeFalse())
			_, err := storage.Open(folder, p)
			Expect(err).To(MatchError(storage.ErrMissing))
		})
	}

	DescribeTable("leads only to a file in a folder",
		func(p string, class error) {
			_, err := storage.Open(folder, p)
			Expect(err).To(MatchError(class))
		},
		Entry("nothing there", "verifiedchart/apps/podinfo/other.tgz", storage.ErrMissing),
		Entry("a folder", "verifiedchart/apps/folder/chart.tgz", storage.ErrDamaged),
		Entry("a link out", "verifiedchart/apps/podinfo/outside.tgz", storage.ErrDamaged),
		Entry("an absolute link out", "verifiedchart/apps/podinfo/absolute.tgz", storage.ErrDamaged),
		Entry("a link to a file that may be served", "verifiedchart/apps/podinfo/inside.tgz", storage.ErrDamaged),
		Entry("a link to nothing", "verifiedchart/apps/podinfo/dangling.tgz", storage.ErrDamaged),
		Entry("a folder that is a link", "verifiedchart/apps/linked/chart.tgz", storage.ErrDamaged),
		Entry("a folder that is a link to the staging folder", "verifiedchart/staged/x/staged.tgz", storage.ErrDamaged),
		Entry("a folder that is a link out", "verifiedchart/out/storage/secret.tgz", storage.ErrDamaged),
	)

	It("through a link is neither written nor removed", func() {
		s := open(folder)
		a := s.NewArtifact(object("apps", "linked"), "1.0.0", "chart.tgz")
		Expect(commit(s, &a, []byte("written"))).To(MatchError(storage.ErrStorage))
		Expect(s.Withdraw(a)).To(MatchError(storage.ErrStorage))
		Expect(s.KeepOnly(GinkgoT().Context(), a)).To(MatchError(storage.ErrStorage))
		Expect(s.RemoveAll(object("apps", "linked"))).To(Succeed(), "which removes the link")
		Expect(os.ReadFile(filepath.Join(folder, stored))).To(BeEquivalentTo("chart"))
	})
})

func FuzzPath(f *testing.F) {
	folder := f.TempDir()
	if err := fill(folder); err != nil {
		f.Fatal(err)
	}
	f.Add(stored)
	for _, p := range tricks {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		valid := storage.ValidPath(p)
		if valid && (path.Clean(p) != p || !filepath.IsLocal(p) || strings.Count(p, "/") != 3 || strings.Contains(p, "/.")) {
			t.Errorf("%q is not one path of one file", p)
		}
		file, err := storage.Open(filepath.Join(folder, "storage"), p)
		if err != nil {
			return
		}
		defer file.Close()
		if content, err := io.ReadAll(file); err != nil || !valid || string(content) != "chart" {
			t.Errorf("%q gave %q, %v", p, content, err)
		}
	})
}
