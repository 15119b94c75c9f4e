// SPDX-License-Identifier: Apache-2.0

package helmindex

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	sigsyaml "sigs.k8s.io/yaml"
)

// section is a part of the file.
type section struct {
	from, to int64
	seen     bool
}

func (s section) size() int64 { return s.to - s.from }

// scan finds the lines of one chart in block style YAML.
type scan struct {
	finder
	lexer lexer
	// apiVersion and chart are the lines of the field and of the chart.
	apiVersion, chart section
	current           *section // the section that the next line belongs to, or nil
	begun             bool     // a document or a key was seen
	rooted            bool     // a key of the index was seen
	inEntries         bool
	listed            bool // entries was seen
	charts            int  // the column of the keys of charts, or 0 before the first
	oddKeys           int
}

// blockStyle reads an index in block style.
func (f finder) blockStyle() (Chart, error) {
	s := scan{finder: f}
	if err := s.lines(); err != nil {
		return Chart{}, err
	}
	switch {
	case !s.listed:
		// The full parse may know a better reason.
		return Chart{}, errOtherForm
	case !s.apiVersion.seen:
		return Chart{}, noAPIVersion()
	case !s.chart.seen:
		return Chart{}, f.notFound()
	}
	return s.parse()
}

// lines follows all lines. It reads on after the chart, because the chart must not stand twice.
func (s *scan) lines() error {
	reader := newLineReader(s.file, s.size)
	for {
		text, offset, err := reader.next()
		if errors.Is(err, io.EOF) {
			s.end(s.size)
			return s.checkSections()
		}
		if err != nil {
			return err
		}
		l, ok := s.lexer.next(text)
		if !ok {
			return errOtherForm
		}
		if l.continues {
			continue
		}
		if err := s.line(l, offset); err != nil {
			return err
		}
	}
}

// end ends the current section.
func (s *scan) end(offset int64) {
	if s.current != nil {
		s.current.to = offset
		s.current = nil
	}
}

func (s *scan) checkSections() error {
	if s.chart.size() > MaxBlock {
		return s.largeBlock()
	}
	if s.apiVersion.size() > MaxLine {
		return errOtherForm
	}
	return nil
}

// line reads a line of the outline.
func (s *scan) line(l line, offset int64) error {
	switch {
	case l.marker:
		return s.marker(l)
	case l.column == 0:
		return s.field(l, offset)
	case !s.rooted:
		return errOtherForm
	case !s.inEntries:
		return nil
	case s.charts == 0:
		s.charts, s.lexer.floor = l.column, l.column
		return s.entry(l, offset)
	case l.column < s.charts:
		return errOtherForm
	case l.column == s.charts && !l.dashed:
		return s.entry(l, offset)
	}
	return nil
}

// marker allows one marker, before the document.
func (s *scan) marker(l line) error {
	if s.begun || l.value[0] != '-' || !onlyComment(l.value[3:]) {
		return errOtherForm
	}
	s.begun = true
	return nil
}

// field reads a key of the index, or a dash of a list at the indentation of its key.
func (s *scan) field(l line, offset int64) error {
	if l.dashed {
		if !s.rooted || s.inEntries {
			return errOtherForm
		}
		return nil
	}
	key, ok := keyText(l)
	if !ok {
		return errOtherForm
	}
	s.begun, s.rooted = true, true
	s.inEntries, s.lexer.floor = false, 0
	s.end(offset)
	switch {
	case key == "entries":
		return s.entries(l)
	case key == "apiVersion":
		if s.apiVersion.seen {
			return malformed("index.yaml has apiVersion twice").Fix("keep one")
		}
		s.begin(&s.apiVersion, offset)
	case strings.EqualFold(key, "entries"), strings.EqualFold(key, "apiVersion"):
		return errOtherForm // Helm ignores the case
	}
	return nil
}

// entries reads the key before the charts.
func (s *scan) entries(l line) error {
	if s.listed {
		return malformed("index.yaml has entries twice").Fix("keep one key that holds all charts")
	}
	if len(l.value) > 0 && l.value[0] != '#' {
		return errOtherForm
	}
	s.listed, s.inEntries = true, true
	return nil
}

func (s *scan) begin(current *section, offset int64) {
	*current = section{from: offset, seen: true}
	s.current = current
}

// entry reads the key of a chart.
func (s *scan) entry(l line, offset int64) error {
	if l.dashed {
		return errOtherForm
	}
	key, ok := keyText(l)
	if ok && !l.quoted && mayBeTyped(key) {
		if s.oddKeys++; s.oddKeys > maxOddKeys {
			return errOtherForm
		}
		key, ok = typedKey(key)
	}
	if !ok {
		return errOtherForm
	}
	s.end(offset)
	if key != s.name {
		return nil
	}
	if s.chart.seen {
		return s.twice()
	}
	s.begin(&s.chart, offset)
	return nil
}

// keyText returns the text of a key, unless the key has escapes or is the merge key.
func keyText(l line) (string, bool) {
	if l.key == nil || string(l.key) == "<<" {
		return "", false
	}
	return string(l.key), !l.quoted || !bytes.ContainsAny(l.key, `\'`)
}

// typedWords are the plain keys that are booleans or null, in lower case.
var typedWords = []string{"y", "yes", "true", "on", "n", "no", "false", "off", "null", "~"}

// mayBeTyped reports whether a plain key may be a number, a boolean or null.
func mayBeTyped(key string) bool {
	switch c := key[0]; {
	case '0' <= c && c <= '9', c == '+', c == '-', c == '.':
		return true
	}
	return len(key) <= len("false") && slices.Contains(typedWords, strings.ToLower(key))
}

// typedKey returns the text that Helm has for a plain key that may be a number or a boolean: 007 is 7.
func typedKey(key string) (string, bool) {
	var parsed map[string]int
	if err := sigsyaml.Unmarshal([]byte(key+": 0"), &parsed); err != nil || len(parsed) != 1 {
		return "", false
	}
	for text := range parsed {
		return text, true
	}
	return "", false
}

// parse parses the lines of the chart and of apiVersion as an index of their own.
func (s *scan) parse() (Chart, error) {
	block, err := s.read(s.chart)
	if err != nil {
		return Chart{}, err
	}
	version, err := s.read(s.apiVersion)
	if err != nil {
		return Chart{}, err
	}
	parsed, err := parseYAML(slices.Concat([]byte("entries:\n"), block, []byte("\n"), version))
	if err != nil {
		return Chart{}, refused("chart "+s.shown()+" in index.yaml", err)
	}
	if parsed.APIVersion == "" {
		return Chart{}, noAPIVersion()
	}
	records, ok := parsed.Entries[s.name]
	if !ok {
		return Chart{}, errOtherForm
	}
	return s.finder.chart(records, block)
}

func (s *scan) read(part section) ([]byte, error) {
	raw := make([]byte, part.size())
	if n, err := s.file.ReadAt(raw, part.from); n < len(raw) {
		return nil, readError(err)
	}
	return raw, nil
}
