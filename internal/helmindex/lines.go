// SPDX-License-Identifier: Apache-2.0

package helmindex

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"
)

// lineReader reads lines as YAML 1.1 has them: they also end at a lone carriage return, and at U+0085, U+2028 and U+2029.
type lineReader struct {
	file   *bufio.Reader
	offset int64 // of the next line
	number int
	rest   []byte // what is left of the bytes up to a line feed
	plain  bool   // rest holds no line end but the line feed
	// marked is the offset after the last byte order mark within the text, or 0.
	marked int64
}

const byteOrderMark = "\ufeff"

// maxMarked is more than the YAML parser buffers. While its buffer begins with a byte order mark, it skips the first
// character of every line.
const maxMarked = 4096

func newLineReader(r io.ReaderAt, size int64) *lineReader {
	return &lineReader{file: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), MaxLine+1)}
}

// next returns the next line, without its end, and its offset. The line is valid until the next call. The error is
// io.EOF after the last line.
func (r *lineReader) next() (line []byte, offset int64, err error) {
	if len(r.rest) == 0 {
		if err := r.fill(); err != nil {
			return nil, 0, err
		}
	}
	offset = r.offset
	end, next := len(r.rest), len(r.rest)
	if !r.plain {
		end, next = lineEnd(r.rest)
	} else if r.rest[end-1] == '\n' {
		end--
	}
	line, r.rest = r.rest[:end], r.rest[next:]
	r.offset += int64(next)
	if r.marked > 0 && offset-r.marked < maxMarked && leadingSpaces(line) == 0 {
		return nil, 0, errOtherForm
	}
	return line, offset, nil
}

// fill reads up to the next line feed.
func (r *lineReader) fill() error {
	line, err := r.file.ReadSlice('\n')
	r.number++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return tooLarge("index.yaml has more than %d bytes in line %d", MaxLine, r.number).Fix("shorten it")
	case errors.Is(err, io.EOF) && len(line) == 0:
		return io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return readError(err)
	}
	if r.number == 1 && bytes.HasPrefix(line, []byte(byteOrderMark)) {
		line = line[len(byteOrderMark):]
		r.offset += int64(len(byteOrderMark))
	}
	r.rest, r.plain = line, isPlain(line)
	if !r.plain && bytes.Contains(line, []byte(byteOrderMark)) {
		r.marked = r.offset + int64(bytes.LastIndex(line, []byte(byteOrderMark)))
	}
	return nil
}

// lineEnd returns the index of the first line end, and of what follows it. Without one it returns the length.
func lineEnd(text []byte) (end, next int) {
	for i, r := range string(text) {
		switch r {
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				return i, i + 2
			}
			return i, i + 1
		case '\n', '\u0085', '\u2028', '\u2029':
			return i, i + utf8.RuneLen(r)
		}
	}
	return len(text), len(text)
}

// isPlain reports whether a text can hold no line end but the line feed.
func isPlain(text []byte) bool {
	const high = 0x8080808080808080 // the bit that no ASCII character has
	rest := text
	for ; len(rest) >= 8; rest = rest[8:] {
		if binary.LittleEndian.Uint64(rest)&high != 0 {
			return false
		}
	}
	for _, c := range rest {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return bytes.IndexByte(text, '\r') < 0
}
