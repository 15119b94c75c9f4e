// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"
)

// kind is the kind of a text.
type kind int

const (
	comment kind = 1 << iota
	document
	message // a string literal
	subject // of a commit

	everywhere = comment | document | message | subject
)

// rule refuses a phrase.
type rule struct {
	name  string
	kinds kind
	// phrase is a regular expression. A space in it stands for any white space.
	phrase *regexp.Regexp
	// except matches the harmless uses of the phrase, from one word before it on; nil if there are none.
	except *regexp.Regexp
	// fix is what to write instead.
	fix string
}

// spaced compiles a regular expression in which a space stands for any white space.
func spaced(pattern string) *regexp.Regexp {
	return regexp.MustCompile(strings.ReplaceAll(pattern, " ", `\s+`))
}

// sentence matches the place where a sentence begins, and what may stand before its first word.
const sentence = `(?:^|[.!?] |\n\s*\n)[\s"'(*_]*`

var rules = []rule{
	{name: "says-whether", kinds: everywhere, phrase: spaced(`(?i)\b(?:says?|said|tells?|told) (?:whether|if)\b`),
		fix: `a function "reports whether"`},
	{name: "any-more", kinds: everywhere, phrase: spaced(`(?i)\bany more\b`), fix: `"no longer"`},
	{name: "no-more", kinds: everywhere, phrase: spaced(`(?i)\bno more(?:\s*[.,;:)]|\s*$| (?:once|since|as|when)\b)`), except: spaced(`(?i)^(?:and|but|has|have|needs?) no more`),
		fix: `"no longer"`},
	{name: "where", kinds: everywhere, phrase: spaced(`\bwhere (?:there (?:is|are|was|were)|none|nothing|nobody|not|nil|needed|possible|one is|(?:it|that) is (?:not|nil|empty|set|missing|needed)|it has (?:none|no)|they are not)\b` +
		`|\b(?:nil|zero|empty|none|false|true|required) where\b|` + sentence + `Where [^.?:]*,`), fix: `"if" for a condition, "when" for a time`},
	{name: "bare-what", kinds: comment | document | message, phrase: spaced(sentence + `(?:What|Who|Whoever|Whose)\b`), fix: "begin with a noun"},
	{name: "bare-what", kinds: subject, phrase: spaced(`(?i)\b(?:what|who|whoever|whose)\b`), fix: "name the object"},
	{name: "riddle", kinds: subject, phrase: spaced(`^(?:Say|Tell|Let|Ask)\b`), fix: `begin with what the commit does, such as "Document", "Allow" or "Withdraw"`},
	{name: "hangs-on", kinds: everywhere, phrase: spaced(`(?i)\bh(?:ang|angs|ung) on\b`), fix: `"depends on"`},
	{name: "is-another", kinds: everywhere, phrase: spaced(`(?i)\b(?:is|are|was|were|be) another\b`), except: spaced(`(?i)^there (?:is|are|was|were|be) another`),
		fix: `"differs from"`},
	{name: "besides", kinds: everywhere, phrase: spaced(`(?i)\bbesides\b`), fix: `"also", or "in addition to"`},
	{name: "comes-too-late", kinds: everywhere, phrase: spaced(`(?i)\bcomes? too late\b`), fix: `"too late for"`},
	{name: "judge", kinds: everywhere, phrase: spaced(`(?i)\b(?:re-?)?judg(?:e|es|ed|ing|e?ments?)\b`), fix: `"verify", "re-verify", "verdict"`},
	{name: "vouch", kinds: everywhere, phrase: spaced(`(?i)\bvouch(?:es|ed|ing|ers?)?\b`), fix: `"accept", "sign", "verified signature"`},
	{name: "excuse", kinds: everywhere, phrase: spaced(`(?i)\bexcus(?:e|es|ed|ing)\b`), fix: `"exception"`},
	{name: "time-stamp", kinds: everywhere, phrase: spaced(`(?i)\btime stamps?\b`), fix: `"timestamp"`},
}

// finding is a phrase that a rule refuses.
type finding struct {
	rule
	unit unit
	text string
	line int
}

func (f finding) isGo() bool { return strings.HasSuffix(f.unit.file, ".go") }

func (f finding) String() string {
	place := f.unit.file
	if f.line > 0 {
		place = fmt.Sprintf("%s:%d", f.unit.file, f.line)
	}
	return fmt.Sprintf("%s: %q (%s): write %s", place, f.text, f.name, f.fix)
}

// findings applies every rule to every text.
func findings(units []unit) []finding {
	var found []finding
	for _, u := range units {
		for _, r := range rules {
			if r.kinds&u.kind != 0 {
				found = append(found, r.find(u)...)
			}
		}
	}
	return found
}

func (r rule) find(u unit) []finding {
	var found []finding
	for _, at := range r.phrase.FindAllStringIndex(u.text, -1) {
		if r.isHarmless(u.text, at) {
			continue
		}
		start := at[1] - len(strings.TrimLeft(u.text[at[0]:at[1]], ".!?\"'(*_ \t\n"))
		f := finding{rule: r, unit: u, text: strings.Join(strings.Fields(u.text[start:at[1]]), " ")}
		if u.line > 0 {
			f.line = u.line + strings.Count(u.text[:start], "\n")
		}
		found = append(found, f)
	}
	return found
}

var lastWord = regexp.MustCompile(`[^\s]*\s*$`)

// isHarmless reports whether a phrase is an exception of its rule, or begins a question.
func (r rule) isHarmless(text string, at []int) bool {
	before := at[0] - len(lastWord.FindString(text[:at[0]]))
	if r.except != nil && r.except.MatchString(text[before:at[1]]) {
		return true
	}
	rest := text[at[1]:]
	end := strings.IndexAny(rest, ".!?")
	return r.name == "bare-what" && end >= 0 && rest[end] == '?'
}
