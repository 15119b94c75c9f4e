// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// repository is a working tree of git.
type repository struct{ root string }

func (r repository) git(arguments ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", r.root}, arguments...)...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(arguments, " "), err)
	}
	return string(out), nil
}

// units returns the texts of every file that git does not ignore, and of commit subjects.
func (r repository) units() ([]unit, error) {
	names, err := r.git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	units := r.subjects()
	for file := range strings.SplitSeq(strings.TrimSuffix(names, "\x00"), "\x00") {
		if isGenerated(file) {
			continue
		}
		source, err := os.ReadFile(filepath.Join(r.root, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is deleted, and still in the index
		}
		if err != nil {
			return nil, err
		}
		units = append(units, unitsOf(file, string(source))...)
	}
	return units, nil
}

// subjects returns the subjects of the commits since these rules exist. Of a
// history that does not reach back that far, it returns the last one.
func (r repository) subjects() []unit {
	log := []string{"log", "--no-merges", "--format=%h %s"}
	added, err := r.git("log", "--diff-filter=A", "--format=%H", "--", rulesFile)
	if first := strings.Fields(added); err == nil && len(first) > 0 && r.hasParent(first[len(first)-1]) {
		log = append(log, first[len(first)-1]+"..HEAD")
	} else {
		log = append(log, "-1")
	}
	out, err := r.git(log...)
	if err != nil {
		return nil // there is no commit yet
	}
	var units []unit
	for line := range strings.Lines(out) {
		commit, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		units = append(units, unit{file: "commit " + commit, kind: subject, text: text})
	}
	return units
}

func (r repository) hasParent(commit string) bool {
	_, err := r.git("rev-parse", "--verify", "--quiet", commit+"^")
	return err == nil
}

// place is a line of a file.
type place struct {
	file string
	line int
}

var (
	diffFile = regexp.MustCompile(`^\+\+\+ b/(.*)$`)
	diffHunk = regexp.MustCompile(`^@@ -\S+ \+(\d+)(?:,(\d+))? @@`)
)

// added returns the lines that are new since the main branch, or since the last
// commit if there is no other branch. It only helps to show a fault.
func (r repository) added() map[place]bool {
	base := "HEAD"
	for _, main := range []string{"origin/main", "main"} {
		if commit, err := r.git("merge-base", "HEAD", main); err == nil {
			base = strings.TrimSpace(commit)
			break
		}
	}
	out, err := r.git("diff", "--unified=0", "--no-color", "--no-ext-diff", base)
	if err != nil {
		return nil
	}
	lines := map[place]bool{}
	file := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if m := diffFile.FindStringSubmatch(line); m != nil {
			file = m[1]
		} else if m := diffHunk.FindStringSubmatch(line); m != nil {
			first, _ := strconv.Atoi(m[1])
			count, err := strconv.Atoi(m[2])
			if err != nil {
				count = 1
			}
			for i := range count {
				lines[place{file, first + i}] = true
			}
		}
	}
	return lines
}
