// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// width is the maximum number of columns of a line that the demo prints.
const width = 110

// screen breaks every line after width columns, on its way to another writer. It counts a character as one column.
type screen struct {
	to     io.Writer
	column int
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	lines := make([]byte, 0, len(p)+1)
	for _, b := range p {
		switch {
		case b == '\n':
			s.column = 0
		case !utf8.RuneStart(b):
		case s.column == width:
			lines = append(lines, '\n')
			s.column = 1
		default:
			s.column++
		}
		if b == '\t' {
			b = ' '
		}
		lines = append(lines, b)
	}
	if _, err := s.to.Write(lines); err != nil {
		return 0, err
	}
	return len(p), nil
}

// columns returns the number of columns of a line.
func columns(line string) int { return utf8.RuneCountInString(line) }

// clip joins the lines of a text to one line, and cuts that line at the limit, between words if it can.
func clip(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if columns(text) <= limit {
		return text
	}
	cut := string([]rune(text)[:limit-1])
	if last := strings.LastIndexByte(string([]rune(text)[:limit]), ' '); last > 0 {
		cut = cut[:last]
	}
	return cut + "…"
}

// fold indents the lines of a text, and breaks long lines between words.
func fold(text, indent string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		column := 0
		for _, word := range strings.Fields(line) {
			switch {
			case column == 0:
				b.WriteString(indent)
				column = columns(indent)
			case column+1+columns(word) > width:
				b.WriteString("\n" + indent)
				column = columns(indent)
			default:
				b.WriteString(" ")
				column++
			}
			b.WriteString(word)
			column += columns(word)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// typeable breaks a long command with backslashes, so that its lines fit after the prompt. A shell reads the same command.
func typeable(prompt, command string) string {
	const mark = ` \`
	var b strings.Builder
	line := prompt
	for i, word := range strings.Split(command, " ") {
		if i > 0 && columns(line+" "+word+mark) > width {
			b.WriteString(line + mark + "\n")
			line = strings.Repeat(" ", columns(prompt)) + " "
		} else if i > 0 {
			line += " "
		}
		line += word
		for columns(line)+1 > width {
			runes := []rune(line)
			b.WriteString(string(runes[:width-1]) + "\\\n")
			line = string(runes[width-1:])
		}
	}
	return b.String() + line + "\n"
}
