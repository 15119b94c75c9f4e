// SPDX-License-Identifier: Apache-2.0

package repository_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const decisionsPath = "docs/decisions"

var (
	decisionFile  = regexp.MustCompile(`^(\d{4})-[a-z0-9-]+\.md$`)
	decisionTitle = regexp.MustCompile(`\A# (\d+)\. (.+)\n`)
	// statusLine follows the title.
	statusLine = regexp.MustCompile(`\A# .+\n\nStatus: ((?:proposed|accepted|superseded by \[decision \d+\]\([^)]+\)), \d{4}-\d\d-\d\d)\b`)
	indexRow   = regexp.MustCompile(`(?m)^\| (\d+) \| \[(.+)\]\((.+)\) \| (.+) \|$`)
	// markdownLink is a link to another file, or to a heading.
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan     = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	headingLine  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// decisionFaults returns the disagreements between the index of the decisions and their files.
func decisionFaults(index string, files map[string]string) []string {
	var faults []string
	listed := map[string]bool{}
	for _, row := range indexRow.FindAllStringSubmatch(index, -1) {
		number, title, file, status := row[1], row[2], row[3], row[4]
		listed[file] = true
		text := files[file]
		if m := decisionTitle.FindStringSubmatch(text); m == nil || m[1] != number || m[2] != title {
			faults = append(faults, fmt.Sprintf("%s: the index calls it %q, number %s", file, title, number))
		}
		switch m := statusLine.FindStringSubmatch(text); {
		case m == nil:
			faults = append(faults, file+" has no status line: see template.md")
		case m[1] != status:
			faults = append(faults, fmt.Sprintf("%s: the index has the status %q", file, status))
		}
	}
	for file := range files {
		m := decisionFile.FindStringSubmatch(file)
		switch {
		case m == nil:
			faults = append(faults, file+" is not named NNNN-title.md")
		case !listed[file]:
			faults = append(faults, file+" is not in the index")
		case !strings.HasPrefix(files[file], "# "+strings.TrimLeft(m[1], "0")+". "):
			faults = append(faults, file+" has another number in its title")
		}
	}
	slices.Sort(faults)
	return faults
}

// anchorsOf returns the anchors of a document's headings.
func anchorsOf(text string) []string {
	var anchors []string
	for _, m := range headingLine.FindAllStringSubmatch(text, -1) {
		name := notInAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(name, " ", "-"))
	}
	return anchors
}

// brokenLinks returns the links of a document that lead nowhere. Its path is relative to root.
func brokenLinks(root, path, text string) []string {
	var broken []string
	for _, m := range markdownLink.FindAllStringSubmatch(codeSpan.ReplaceAllString(text, ""), -1) {
		file, anchor, _ := strings.Cut(m[1], "#")
		if strings.Contains(file, "://") {
			continue
		}
		target := filepath.Join(root, filepath.Dir(path), file)
		if file == "" {
			target = filepath.Join(root, path)
		}
		info, err := os.Stat(target)
		found := err == nil
		if found && anchor != "" && !info.IsDir() {
			raw, err := os.ReadFile(target)
			found = err == nil && slices.Contains(anchorsOf(string(raw)), anchor)
		}
		if !found {
			broken = append(broken, path+" links to "+m[1])
		}
	}
	return broken
}

var _ = Describe("The decisions", func() {
	It("are all in the index, with their titles and status lines", func() {
		entries, err := os.ReadDir(filepath.Join(root, decisionsPath))
		Expect(err).NotTo(HaveOccurred())
		files := map[string]string{}
		for _, e := range entries {
			if name := e.Name(); name != "README.md" && name != "template.md" {
				files[name] = read(filepath.Join(decisionsPath, name))
			}
		}
		Expect(len(files)).To(BeNumerically(">", 15), "the decisions were found")
		Expect(decisionFaults(read(decisionsPath+"/README.md"), files)).To(BeEmpty())
	})

	const (
		file = "0001-x.md"
		text = "# 1. X\n\nStatus: accepted, 2026-11-21\n\nIt is so.\n"
		row  = "| 1 | [X](0001-x.md) | accepted, 2026-11-21 |\n"
	)
	It("have no fault if file and row agree", func() {
		Expect(decisionFaults(row, map[string]string{file: text})).To(BeEmpty())
		old := "superseded by [decision 2](0002-y.md), 2026-11-26"
		Expect(decisionFaults("| 1 | [X](0001-x.md) | "+old+" |\n", map[string]string{file: "# 1. X\n\nStatus: " + old + ". Now Y.\n"})).To(BeEmpty())
	})

	DescribeTable("have a fault",
		func(index, name, text, want string) {
			Expect(decisionFaults(index, map[string]string{name: text})).To(ContainElement(ContainSubstring(want)))
		},
		Entry("if one is not in the index", "", file, text, "is not in the index"),
		Entry("if the index lists one that is gone", row+"| 2 | [Y](0002-y.md) | accepted, 2026-11-21 |\n", file, text, "0002-y.md"),
		Entry("if one has no status line", row, file, "# 1. X\n\nIt is so.\n", "no status line"),
		Entry("if a status has no date", row, file, "# 1. X\n\nStatus: accepted\n", "no status line"),
		Entry("if a status is none that we know", row, file, "# 1. X\n\nStatus: maybe, 2026-11-21\n", "no status line"),
		Entry("if the status differs from that in the index", row, file, "# 1. X\n\nStatus: proposed, 2026-11-21\n", "the index has the status"),
		Entry("if the title differs from that in the index", row, file, strings.Replace(text, "X", "Y", 1), "the index calls it"),
		Entry("if the number differs from that of the file", row, file, strings.Replace(text, "1", "2", 1), "another number"),
		Entry("if its file is named otherwise", row, "x.md", text, "is not named"),
	)
})

var _ = Describe("The documents", func() {
	It("link to files and headings that are there", func() {
		var broken []string
		documents := 0
		Expect(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch name := entry.Name(); {
			case err != nil:
				return err
			case entry.IsDir() && path != root && (name == "bin" || strings.HasPrefix(name, ".")):
				return fs.SkipDir
			case entry.IsDir() || !strings.HasSuffix(name, ".md"):
				return nil
			}
			relative, err := filepath.Rel(root, path)
			documents++
			broken = append(broken, brokenLinks(root, relative, read(relative))...)
			return err
		})).To(Succeed())
		Expect(documents).To(BeNumerically(">", 20), "the documents were found")
		Expect(broken).To(BeEmpty())
	})

	DescribeTable("have broken links",
		func(text string, want int) {
			folder := GinkgoT().TempDir()
			Expect(os.WriteFile(filepath.Join(folder, "b.md"), []byte("# A `b`, and C's\n"), 0o600)).To(Succeed())
			Expect(brokenLinks(folder, "a.md", text)).To(HaveLen(want))
		},
		Entry("to a file that is not there", "[x](c.md)", 1),
		Entry("to a heading that is not there", "[x](b.md#c)", 1),
		Entry("to a heading of their own that is not there", "[x](#c)", 1),
		Entry("but not to a file, a heading, a folder or a web page", "[x](b.md) [x](b.md#a-b-and-cs) [x](.) [x](https://host/c.md)", 0),
		Entry("but not in code", "`[x](c.md)`\n```\n[x](c.md)\n```\n", 0),
	)
})
