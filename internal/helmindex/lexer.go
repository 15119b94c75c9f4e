// SPDX-License-Identifier: Apache-2.0

package helmindex

import (
	"bytes"
)

// lexer follows block style YAML line by line, as far as is needed to tell its outline from text: which lines continue
// a text, and which lines begin with a key or a dash. It assumes valid YAML: for any other it may return anything. It
// refuses valid YAML that it does not follow: anchors, tags, complex keys, directives, and flow style over several lines.
//
// A text can begin only at the beginning of a line, after a dash or after a key, so nothing else of a line matters.
type lexer struct {
	open  open
	quote byte // the quote that ends a quoted text
	// owner is the column of the dash or key that the last value belongs to. A deeper line continues its text.
	owner int
	// floor is the deepest column of the outline. A quoted text may legally continue there, but it is refused.
	floor int
}

// open is a text that the next line may continue.
type open int

const (
	nothing  open = iota
	indented      // a plain or block text, which deeper lines continue
	quoted        // a quoted text, which all lines continue up to the quote
)

// line is a line of the outline.
type line struct {
	column int
	// continues is set for a line without a dash or key of its own: empty, a comment, or a part of a text.
	continues bool
	// marker is set for a line that begins or ends a document.
	marker bool
	// dashed is set for a line that begins with a dash.
	dashed bool
	// key is the first key of the line, as it is written between its quotes. It is nil if there is none.
	key    []byte
	quoted bool
	// value is what follows the key, without leading white space.
	value []byte
}

// next returns the next line. ok is false if the lexer does not follow it.
func (x *lexer) next(text []byte) (l line, ok bool) {
	column := leadingSpaces(text)
	rest := text[column:]
	l = line{column: column, continues: true}
	blank := len(trimBlanks(rest)) == 0
	switch {
	case x.open == quoted:
		return l, (blank || column > x.floor) && x.continueQuoted(rest)
	case blank, x.open == indented && column > x.owner:
		return l, true
	}
	x.open = nothing
	switch {
	case rest[0] == '#':
		return l, true
	case column == 0 && isMarker(rest):
		return line{marker: true, value: rest}, true
	}
	l.continues = false
	return l, x.begin(&l, rest)
}

// begin reads a line of block style: dashes, a key, a value, or any of them.
func (x *lexer) begin(l *line, rest []byte) bool {
	at := l.column
	for rest[0] == '-' && (len(rest) == 1 || rest[1] == ' ') {
		l.dashed = true
		x.owner = at
		spaces := leadingSpaces(rest[1:])
		at += 1 + spaces
		if rest = rest[1+spaces:]; len(rest) == 0 {
			return true
		}
	}
	key, isQuoted, value, ok := cutKey(rest)
	if !ok {
		return x.value(rest)
	}
	l.key, l.quoted, l.value = key, isQuoted, trimBlanks(value)
	x.owner = at
	return len(l.value) == 0 || x.value(l.value)
}

// cutKey splits a text into a key and what follows its colon.
func cutKey(text []byte) (key []byte, isQuoted bool, value []byte, ok bool) {
	if c := text[0]; c == '"' || c == '\'' {
		end := quoteEnd(text[1:], c)
		if end < 0 {
			return nil, false, nil, false
		}
		after := bytes.TrimLeft(text[1+end+1:], " ")
		if len(after) == 0 || after[0] != ':' || !startsBlank(after[1:]) {
			return nil, false, nil, false
		}
		return text[1 : 1+end], true, after[1:], true
	}
	if isIndicator(text) {
		return nil, false, nil, false
	}
	for i := 0; ; i++ {
		colon := bytes.IndexByte(text[i:], ':')
		if colon < 0 {
			return nil, false, nil, false
		}
		if i += colon; startsBlank(text[i+1:]) {
			key = bytes.TrimRight(text[:i], " \t")
			return key, false, text[i+1:], !hasComment(key)
		}
	}
}

// value reads a value, or a text of its own, up to the end of the line.
func (x *lexer) value(text []byte) bool {
	switch c := text[0]; {
	case c == '#':
		return true
	case c == '"' || c == '\'':
		x.quote = c
		return x.continueQuoted(text[1:])
	case c == '[' || c == '{':
		end := flowEnd(text)
		return end > 0 && onlyComment(text[end:])
	case c == '|' || c == '>':
		x.open = indented
		return true
	case isIndicator(text):
		return false
	}
	x.open = indented
	return true
}

// isIndicator reports whether a text begins with a character that no plain text begins with.
func isIndicator(text []byte) bool {
	switch text[0] {
	case '-', '?', ':':
		return startsBlank(text[1:])
	case '\t', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return true
	}
	return false
}

// continueQuoted reads on in a quoted text. After its end only a comment may follow.
func (x *lexer) continueQuoted(text []byte) bool {
	end := quoteEnd(text, x.quote)
	if end < 0 {
		x.open = quoted
		return true
	}
	x.open = nothing
	return onlyComment(text[end+1:])
}

// quoteEnd returns the index of the quote that ends a quoted text, or -1.
func quoteEnd(text []byte, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i
		}
	}
	return -1
}

// flowEnd returns the end of the flow collection that the text begins with, or -1 if it does not end on this line, or
// if it holds anchors, aliases, tags, comments, complex keys or a quote within a plain text.
func flowEnd(text []byte) int {
	f := flow{text: text, fresh: true}
	for f.at < len(text) {
		if !f.next() {
			return -1
		}
		if f.depth == 0 {
			return f.at
		}
	}
	return -1
}

// flow follows a flow collection within one line.
type flow struct {
	text       []byte
	at, depth  int
	fresh      bool // a node may begin here
	afterQuote bool // a quoted text has just ended
}

// next reads a character or a quoted text. It reports whether the lexer follows it.
func (f *flow) next() bool {
	c := f.text[f.at]
	afterQuote := f.afterQuote
	f.afterQuote = false
	switch c {
	case '[', '{':
		f.depth++
		f.fresh = true
	case ']', '}':
		f.depth--
		f.fresh = false
	case '"', '\'':
		return f.quoted(c)
	case ' ', '\t':
		f.fresh = f.fresh || f.text[f.at-1] == ':'
		f.afterQuote = afterQuote
	default:
		if f.isOdd(c) {
			return false
		}
		f.fresh = c == ',' || c == ':' && afterQuote
	}
	f.at++
	return true
}

func (f *flow) quoted(quote byte) bool {
	end := quoteEnd(f.text[f.at+1:], quote)
	if !f.fresh || end < 0 {
		return false
	}
	f.at += 1 + end + 1
	f.fresh, f.afterQuote = false, true
	return true
}

// isOdd reports whether a character begins an anchor, an alias, a tag, a comment or a complex key.
func (f *flow) isOdd(c byte) bool {
	switch c {
	case '&', '*', '!':
		return f.fresh
	case '#':
		return startsBlank(f.text[f.at-1:])
	}
	return c == '?'
}

func leadingSpaces(text []byte) int {
	for i, c := range text {
		if c != ' ' {
			return i
		}
	}
	return len(text)
}

// trimBlanks returns the text without the spaces and tabs before it. It is faster than bytes.TrimLeft.
func trimBlanks(text []byte) []byte {
	for i, c := range text {
		if c != ' ' && c != '\t' {
			return text[i:]
		}
	}
	return nil
}

func startsBlank(text []byte) bool { return len(text) == 0 || text[0] == ' ' || text[0] == '\t' }

// isMarker reports whether a line is one that begins or ends a document.
func isMarker(text []byte) bool {
	return (bytes.HasPrefix(text, []byte("---")) || bytes.HasPrefix(text, []byte("..."))) && startsBlank(text[3:])
}

// hasComment reports whether a comment begins within a plain text.
func hasComment(text []byte) bool {
	return bytes.Contains(text, []byte(" #")) || bytes.Contains(text, []byte("\t#"))
}

// onlyComment reports whether a text is empty or a comment.
func onlyComment(text []byte) bool {
	if !startsBlank(text) {
		return false
	}
	text = trimBlanks(text)
	return len(text) == 0 || text[0] == '#'
}
