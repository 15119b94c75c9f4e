// SPDX-License-Identifier: Apache-2.0

package repository_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// open is the last column of a threat that no test cites.
const open = "open"

// maxLinks is how many files the catalogue links to for a threat that it did not link to before.
const maxLinks = 2

var (
	// rowFormat is a row of the catalogue: id, input or fault, outcome, tests.
	rowFormat = regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \| (.+) \| (.+) \| (.*) \|$`)
	// linkFormat is a link of a row, relative to docs.
	linkFormat = regexp.MustCompile(`\]\(\.\./([^)]+)\)`)
	// nameFormat is the name of a test that cites threats, such as "D9, H8: …".
	nameFormat = regexp.MustCompile(`^([A-K][0-9]+(?:, [A-K][0-9]+)*): `)
)

// threat is a row of the catalogue.
type threat struct {
	id    string
	files []string // that it links to, relative to the root of the repository
}

// threats returns the rows of a catalogue.
func threats(catalogue string) []threat {
	var rows []threat
	for _, m := range rowFormat.FindAllStringSubmatch(catalogue, -1) {
		row := threat{id: m[1]}
		for _, link := range linkFormat.FindAllStringSubmatch(m[4], -1) {
			row.files = append(row.files, link[1])
		}
		rows = append(rows, row)
	}
	return rows
}

// citations counts, for each id and file, the names of tests that cite it.
type citations map[string]map[string]int

// citationsIn reads the tests below a folder. Their paths are relative to it.
func citationsIn(root string) (citations, error) {
	cited := citations{}
	return cited, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (entry.Name() == "bin" || strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		cited.add(filepath.ToSlash(relative), source)
		return err
	})
}

// add counts the citations in a file of tests.
func (c citations) add(path string, source []byte) {
	for _, id := range idsIn(source) {
		if c[id] == nil {
			c[id] = map[string]int{}
		}
		c[id][path]++
	}
}

// idsIn returns the ids at the beginning of the string literals of a Go file.
func idsIn(source []byte) []string {
	var ids []string
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(source)), source, nil, 0)
	for {
		_, kind, literal := s.Scan()
		if kind == token.EOF {
			return ids
		}
		if kind != token.STRING {
			continue
		}
		text, err := strconv.Unquote(literal)
		if m := nameFormat.FindStringSubmatch(text); err == nil && m != nil {
			ids = append(ids, strings.Split(m[1], ", ")...)
		}
	}
}

// faults returns the disagreements between a catalogue and the citations. A
// cited threat without a link is no fault: tests come first.
func (c citations) faults(catalogue string) []string {
	var faults []string
	known := map[string]bool{}
	for _, row := range threats(catalogue) {
		if known[row.id] {
			faults = append(faults, row.id+" stands there twice")
		}
		known[row.id] = true
		for _, file := range row.files {
			if c[row.id][file] == 0 {
				faults = append(faults, row.id+" links to "+file+", which has no test of that id: run make threats")
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c)) {
		if !known[id] {
			faults = append(faults, id+" is cited in "+strings.Join(c.mostIn(id), ", ")+", and has no row")
		}
	}
	return faults
}

// linked returns the catalogue with its last column filled: links that are right
// are kept, and a threat without any gets links to the files that cite it most.
func (c citations) linked(catalogue string) string {
	return rowFormat.ReplaceAllStringFunc(catalogue, func(line string) string {
		row := threats(line)[0]
		files := slices.DeleteFunc(row.files, func(file string) bool { return c[row.id][file] == 0 })
		if len(files) == 0 {
			files = c.mostIn(row.id)
		}
		m := rowFormat.FindStringSubmatch(line)
		return "| " + m[1] + " | " + m[2] + " | " + m[3] + " | " + column(files) + " |"
	})
}

// mostIn returns the files that cite an id most.
func (c citations) mostIn(id string) []string {
	files := slices.Sorted(maps.Keys(c[id]))
	slices.SortStableFunc(files, func(a, b string) int { return c[id][b] - c[id][a] })
	return files[:min(len(files), maxLinks)]
}

// column returns the last column of a threat.
func column(files []string) string {
	if len(files) == 0 {
		return open
	}
	var links []string
	for _, file := range files {
		name := strings.TrimPrefix(strings.TrimSuffix(file, "_test.go"), "internal/")
		links = append(links, "["+name+"](../"+file+")")
	}
	return strings.Join(links, ", ")
}
