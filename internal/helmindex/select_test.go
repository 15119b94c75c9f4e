// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"regexp"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/helmindex"
)

// entries are those with these versions. A version may be followed by the year of its creation: 1.0.0@2024.
func entries(versions ...string) (list []helmindex.Entry) {
	for _, v := range versions {
		text, year, dated := strings.Cut(v, "@")
		e := helmindex.Entry{Version: text, URLs: []string{v}}
		if dated {
			created, err := time.Parse("2006", year)
			Expect(err).NotTo(HaveOccurred())
			e.Created = created
		}
		list = append(list, e)
	}
	return list
}

// within is a range, with or without a filter.
func within(text, filter string) helmindex.Selection {
	constraints, err := semver.NewConstraint(text)
	Expect(err).NotTo(HaveOccurred())
	want := helmindex.Selection{Range: constraints}
	if filter != "" {
		want.Filter = regexp.MustCompile(filter)
	}
	return want
}

var _ = Describe("Select", func() {
	DescribeTable("finds a version by its text",
		func(wanted, want string, versions ...string) {
			selected, err := helmindex.Select(entries(versions...), helmindex.Selection{Version: wanted})
			Expect(err).NotTo(HaveOccurred())
			Expect(selected.URLs).To(Equal([]string{want}))
		},
		Entry("that is exact", "1.0.0", "1.0.0", "2.0.0", "1.0.0"),
		Entry("that is exact, before one with a leading v", "1.0.0", "1.0.0", "v1.0.0", "1.0.0"),
		Entry("that is exact, although the other one is newer", "1.0.0", "1.0.0@2023", "v1.0.0@2024", "1.0.0@2023"),
		Entry("that differs in a leading v", "1.0.0", "v1.0.0", "2.0.0", "v1.0.0"),
		Entry("whose + is written as a tag has it", "1.0.0_b", "1.0.0+b", "1.0.0+a", "1.0.0+b"),
		Entry("of two parts", "1.2", "1.2", "1.2.0", "1.2"),
		Entry("that is a prerelease", "1.0.0-rc.1", "1.0.0-rc.1", "1.0.0", "1.0.0-rc.1"),
		Entry("that stands twice, and was created later", "1.0.0", "1.0.0@2024", "1.0.0@2023", "1.0.0@2024", "1.0.0"),
	)

	DescribeTable("finds an archive by its digest",
		func(wanted, want string, versions ...string) {
			list := entries(versions...)
			for i := range list {
				list[i].Digest = "d"
			}
			selected, err := helmindex.Select(list, helmindex.Selection{Digest: "d", Version: wanted})
			Expect(err).NotTo(HaveOccurred())
			Expect(selected.URLs).To(Equal([]string{want}))
		},
		Entry("of the wanted version, although one of another version is newer", "1.0.0", "1.0.0@2023", "1.0.0@2023", "9.9.9@2024"),
		Entry("of the wanted version, before one with a leading v", "1.0.0", "1.0.0@2023", "v1.0.0@2024", "1.0.0@2023"),
		Entry("of the wanted version, which differs in a leading v", "1.0.0", "v1.0.0@2023", "v1.0.0@2023", "9.9.9@2024"),
		Entry("of another version, if none has the wanted one", "1.0.0", "9.9.9", "9.9.9"),
		Entry("that was created later, if no version is wanted", "", "9.9.9@2024", "1.0.0@2023", "9.9.9@2024"),
	)

	DescribeTable("finds the highest version in a range",
		func(constraint, filter, want string, versions ...string) {
			selected, err := helmindex.Select(entries(versions...), within(constraint, filter))
			Expect(err).NotTo(HaveOccurred())
			Expect(selected.URLs).To(Equal([]string{want}))
		},
		Entry("whatever the order", "*", "", "10.0.0", "9.0.0", "10.0.0", "2.0.0"),
		Entry("with an upper end", "<2.0.0", "", "1.9.0", "2.0.0", "1.9.0", "1.8.0"),
		Entry("without prereleases", ">=1.0.0", "", "1.0.0", "1.0.0", "1.1.0-rc.1"),
		Entry("with prereleases, if the range names one", ">=1.0.0-0", "", "1.1.0-rc.1", "1.0.0", "1.1.0-rc.1"),
		Entry("with a leading v", "1.x", "", "v1.1.0", "1.0.0", "v1.1.0"),
		Entry("that strict semver reads", "*", "", "1.0.0", "1.0.0", "2.0", "3"),
		Entry("that the filter matches", "*", "^1\\.", "1.5.0", "1.5.0", "2.0.0"),
		Entry("that stands twice, and was created later", "*", "", "1.0.0@2024", "1.0.0@2023", "1.0.0@2024"),
		Entry("that stands twice with one date, and stands first", "*", "", "1.0.0", "1.0.0", "1.0.0"),
		Entry("with build metadata, and was created later", "*", "", "1.0.0+a@2024", "1.0.0+b@2023", "1.0.0+a@2024"),
		Entry("with build metadata, and is last in the alphabet", "*", "", "1.0.0+b", "1.0.0+a", "1.0.0+b", "1.0.0"),
	)

	DescribeTable("finds nothing",
		func(want helmindex.Selection, versions ...string) {
			_, err := helmindex.Select(entries(versions...), want)
			Expect(err).To(MatchError(helmindex.ErrNoMatch))
			if len(versions) > 0 {
				Expect(err).To(MatchError(ContainSubstring(versions[0])))
			}
		},
		Entry("among no entries", helmindex.Selection{Version: "1.0.0"}),
		Entry("if no text is the same", helmindex.Selection{Version: "1.0.0"}, "1.0.1", "1.0"),
		Entry("if no version is in the range", within(">=2.0.0", ""), "1.0.0"),
		Entry("if the filter matches none", within("*", "^2"), "1.0.0"),
		Entry("if only prereleases are in the range", within("*", ""), "1.0.0-rc.1"),
		Entry("if nothing is wanted", helmindex.Selection{}, "1.0.0"),
	)
})
