// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/scanner"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// unit is a text that is read at once, such as a paragraph or a comment. Its
// lines are those of the file, so that a phrase in it has a line.
type unit struct {
	file string
	line int // of the first line; zero if the text is not in a file
	kind kind
	text string
}

// unitsOf returns the texts in a file; none if its kind is unknown.
func unitsOf(file, source string) []unit {
	switch base := path.Base(file); {
	case strings.HasSuffix(base, ".go"):
		return goUnits(file, source)
	case strings.HasSuffix(base, ".md"):
		return markdownUnits(file, source)
	case strings.HasSuffix(base, ".yaml"), strings.HasSuffix(base, ".yml"), strings.HasSuffix(base, ".sh"), base == "Makefile", base == "Dockerfile":
		return hashUnits(file, source)
	}
	return nil
}

// goUnits returns the comments and the string literals of a Go file.
func goUnits(file, source string) []unit {
	var s scanner.Scanner
	files := token.NewFileSet()
	positions := files.AddFile(file, files.Base(), len(source))
	s.Init(positions, []byte(source), nil, scanner.ScanComments)
	var units []unit
	next := 0 // the line on which a comment goes on
	for {
		at, kind, literal := s.Scan()
		line := positions.Line(at)
		switch kind {
		case token.EOF:
			return units
		case token.COMMENT:
			text := strings.NewReplacer("//", "", "/*", "", "*/", "").Replace(literal)
			if line == next && next > 0 {
				units[len(units)-1].text += "\n" + text
			} else {
				units = append(units, unit{file, line, comment, text})
			}
			next = line + strings.Count(literal, "\n") + 1
		case token.STRING:
			if text, err := strconv.Unquote(literal); err == nil {
				units = append(units, unit{file, line, message, text})
			}
			next = 0
		default:
			next = 0
		}
	}
}

var (
	heading  = regexp.MustCompile(`^#+ `)
	listItem = regexp.MustCompile(`^\s*(?:[-*]|[0-9]+\.) `)
	code     = regexp.MustCompile("(?s)`[^`]*`")
	visible  = regexp.MustCompile(`[^\s]`)
)

// markdownUnits returns the paragraphs, headings, list items and table cells of a
// document. Code in it is not read.
func markdownUnits(file, source string) []unit {
	m := markdown{file: file}
	for i, line := range strings.Split(source, "\n") {
		m.add(i+1, line)
	}
	m.flush()
	for i := range m.units {
		m.units[i].text = code.ReplaceAllStringFunc(m.units[i].text, func(c string) string { return visible.ReplaceAllString(c, "_") })
	}
	return m.units
}

// markdown collects the units of a document line by line.
type markdown struct {
	file  string
	units []unit
	open  *unit // the paragraph that goes on
	fence string
}

func (m *markdown) add(number int, line string) {
	trimmed := strings.TrimSpace(line)
	switch {
	case m.fence != "":
		if trimmed == m.fence {
			m.fence = ""
		}
	case strings.HasPrefix(trimmed, "```"):
		m.flush()
		m.fence = "```"
	case trimmed == "", strings.HasPrefix(trimmed, "<!--"):
		m.flush()
	case strings.HasPrefix(trimmed, "|"):
		m.flush()
		for _, cell := range strings.Split(strings.Trim(trimmed, "|"), "|") {
			m.units = append(m.units, unit{m.file, number, document, strings.TrimSpace(cell)})
		}
	case heading.MatchString(line):
		m.flush()
		m.units = append(m.units, unit{m.file, number, document, heading.ReplaceAllString(line, "")})
	case m.open == nil || listItem.MatchString(line):
		m.flush()
		m.open = &unit{m.file, number, document, listItem.ReplaceAllString(line, "")}
	default:
		m.open.text += "\n" + line
	}
}

func (m *markdown) flush() {
	if m.open != nil {
		m.units = append(m.units, *m.open)
	}
	m.open = nil
}

var hashComment = regexp.MustCompile(`(?:^|\s)#+ (.*)$`)

// hashUnits returns the comments of a file in which they begin with #.
func hashUnits(file, source string) []unit {
	var units []unit
	next := 0
	for i, line := range strings.Split(source, "\n") {
		found := hashComment.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		whole := strings.HasPrefix(strings.TrimSpace(line), "#")
		if whole && i == next && next > 0 {
			units[len(units)-1].text += "\n" + found[1]
		} else {
			units = append(units, unit{file, i + 1, comment, found[1]})
		}
		next = 0
		if whole {
			next = i + 1
		}
	}
	return units
}

// isGenerated reports whether a program writes a file.
func isGenerated(file string) bool {
	return slices.ContainsFunc([]string{"config/crd/", "config/rbac/role.yaml", "zz_generated"}, func(part string) bool { return strings.Contains(file, part) })
}
