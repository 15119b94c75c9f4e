// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// quotation allows a phrase in one file.
type quotation struct {
	file string // or a commit
	text string // that holds the phrase; * allows every phrase
	used bool
}

// quotations are the entries of allowed.txt: lines "file: text", each after a
// comment line with its reason.
type quotations []*quotation

func readQuotations(file string) (quotations, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseQuotations(string(raw))
}

func parseQuotations(list string) (quotations, error) {
	var all quotations
	reason := false
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		name, text, ok := strings.Cut(line, ": ")
		switch {
		case line == "":
			reason = false
		case strings.HasPrefix(line, "# "):
			reason = true
		case !ok || !reason:
			return nil, fmt.Errorf(`%s: line %q: write "file: text" below a comment with the reason`, allowedFile, line)
		default:
			all = append(all, &quotation{file: name, text: text})
		}
	}
	return all, nil
}

// without returns the findings that are no quotations.
func (all quotations) without(found []finding) []finding {
	return slices.DeleteFunc(found, func(f finding) bool {
		return slices.ContainsFunc(all, func(q *quotation) bool { return q.allows(f) })
	})
}

func (q *quotation) allows(f finding) bool {
	sentence := strings.Join(strings.Fields(f.unit.text), " ")
	ok := q.file == f.unit.file && (q.text == "*" || (strings.Contains(q.text, f.text) && strings.Contains(sentence, q.text)))
	q.used = q.used || ok
	return ok
}

// unused returns a fault for each quotation that is no longer there. A commit is
// not in every clone.
func (all quotations) unused() []string {
	var faults []string
	for _, q := range all {
		if !q.used && !strings.HasPrefix(q.file, "commit ") {
			faults = append(faults, fmt.Sprintf("%s: nothing in %s needs %q: remove the line", allowedFile, q.file, q.text))
		}
	}
	return faults
}

// limits are how often Go files may hold the phrase of each rule.
type limits map[string]int

func readLimits(file string) (limits, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return limits{}, nil
	}
	if err != nil {
		return nil, err
	}
	l := limits{}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf(`%s: line %q: write "rule count"`, file, line)
		}
		if l[fields[0]], err = strconv.Atoi(fields[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return l, nil
}

func writeLimits(file string, l limits) error {
	var b strings.Builder
	b.WriteString("# How often Go files hold a phrase that the rule refuses. Only make prose writes this file, and only lower numbers.\n")
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if l[name] > 0 {
			fmt.Fprintf(&b, "%s %d\n", name, l[name])
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// byRule returns the findings in Go files by the name of their rule.
func byRule(found []finding) map[string][]finding {
	m := map[string][]finding{}
	for _, f := range found {
		if f.isGo() {
			m[f.name] = append(m[f.name], f)
		}
	}
	return m
}

// lowered returns the limits that the findings leave: none is raised.
func (l limits) lowered(found []finding) limits {
	now := limits{}
	for name, of := range byRule(found) {
		now[name] = min(len(of), l[name])
	}
	return now
}

// maxShown is how many findings of one rule are shown.
const maxShown = 20

// faults returns the findings above a limit, new lines first, and a fault for each
// limit that is too high.
func (l limits) faults(found []finding, added map[place]bool) []string {
	var faults []string
	of := byRule(found)
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if len(of[name]) <= l[name] {
			continue
		}
		faults = append(faults, fmt.Sprintf("%s: Go files hold it %d times, and %s allows %d:", name, len(of[name]), baselineFile, l[name]))
		isNew := func(f finding) bool { return added[place{f.unit.file, f.line}] }
		shown := of[name]
		if slices.ContainsFunc(shown, isNew) {
			shown = slices.DeleteFunc(slices.Clone(shown), func(f finding) bool { return !isNew(f) })
		}
		for _, f := range shown[:min(len(shown), maxShown)] {
			faults = append(faults, f.String())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if l[name] > len(of[name]) {
			faults = append(faults, fmt.Sprintf("%s: %s allows %d, and Go files hold it %d times: run make prose", name, baselineFile, l[name], len(of[name])))
		}
	}
	return faults
}
