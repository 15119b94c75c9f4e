// SPDX-License-Identifier: Apache-2.0

package helmindex

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// json reads a JSON index. A file that is no JSON, but begins like it, may be YAML.
func (f finder) json() (Chart, error) {
	s := jsonScan{finder: f}
	bounded := &tokenReader{file: io.NewSectionReader(f.file, 0, f.size)}
	s.decoder = json.NewDecoder(bounded)
	bounded.consumed = s.decoder.InputOffset
	err := s.index()
	switch {
	case errors.Is(bounded.err, ErrTooLarge):
		return Chart{}, bounded.err
	case bounded.err != nil:
		return Chart{}, readError(bounded.err)
	case err != nil:
		return Chart{}, err
	case s.apiVersion == "":
		return Chart{}, noAPIVersion()
	case !s.found:
		return Chart{}, f.notFound()
	}
	return s.chart()
}

// tokenReader refuses to read on if the present token is longer than MaxLine: the decoder holds a whole token.
type tokenReader struct {
	file     io.Reader
	read     int64
	consumed func() int64
	err      error // the error that ended the reading, apart from io.EOF
}

// maxRead bounds one read, because the decoder's buffer grows with the longest token.
const maxRead = 32 << 10

func (r *tokenReader) Read(p []byte) (int, error) {
	if r.read-r.consumed() > MaxLine {
		r.err = tooLarge("index.yaml has a text of more than %d bytes, at byte %d", MaxLine, r.consumed()).Fix("shorten it")
		return 0, r.err
	}
	n, err := r.file.Read(p[:min(len(p), maxRead)])
	r.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// jsonScan follows the tokens of a JSON index.
type jsonScan struct {
	finder
	decoder    *json.Decoder
	apiVersion string
	// keys are the fields of the index that were seen.
	versioned, listed, found bool
	from, to                 int64 // the bytes of the chart, from the end of its key on
}

// token returns the next token. If the file is no JSON, it may be YAML in flow style, which Helm reads.
func (s *jsonScan) token() (json.Token, error) {
	token, err := s.decoder.Token()
	if err != nil {
		return nil, errOtherForm
	}
	return token, nil
}

func (s *jsonScan) index() error {
	err := s.object(s.field)
	if err != nil {
		return err
	}
	if _, err := s.decoder.Token(); !errors.Is(err, io.EOF) {
		return errOtherForm
	}
	return nil
}

// object calls read for each key of the next value, which must be an object or null.
func (s *jsonScan) object(read func(key string) error) error {
	token, err := s.token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('{') {
		return malformed("index.yaml is no index: a value that is no object").Fix("correct url")
	}
	for {
		token, err := s.token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return nil // the end of the object
		}
		if err := read(key); err != nil {
			return err
		}
	}
}

// field reads a field of the index. Like encoding/json it ignores the case of its name.
func (s *jsonScan) field(key string) error {
	switch {
	case strings.EqualFold(key, "apiVersion"):
		if s.versioned {
			return malformed("index.yaml has apiVersion twice").Fix("keep one")
		}
		s.versioned = true
		return s.readAPIVersion()
	case strings.EqualFold(key, "entries"):
		if s.listed {
			return malformed("index.yaml has entries twice").Fix("keep one key that holds all charts")
		}
		s.listed = true
		return s.object(s.entry)
	}
	_, _, err := s.skip()
	return err
}

func (s *jsonScan) readAPIVersion() error {
	token, err := s.token()
	if err != nil || token == nil {
		return err
	}
	version, ok := token.(string)
	if !ok {
		return malformed("index.yaml has an apiVersion that is no text").Fix("set it to v1")
	}
	s.apiVersion = version
	return nil
}

func (s *jsonScan) entry(key string) error {
	if key != s.name {
		_, _, err := s.skip()
		return err
	}
	if s.found {
		return s.twice()
	}
	s.found = true
	s.from = s.decoder.InputOffset()
	tokens, versions, err := s.skip()
	s.to = s.decoder.InputOffset()
	switch {
	case err != nil:
		return err
	case versions > MaxVersions:
		return s.manyVersions()
	case s.to-s.from > MaxBlock || tokens > maxNodes:
		return s.largeBlock()
	}
	return nil
}

// skip skips a value, and returns the numbers of its tokens and of its elements if it is an array.
func (s *jsonScan) skip() (tokens, elements int, err error) {
	for depth := 0; ; {
		token, err := s.token()
		if err != nil {
			return 0, 0, err
		}
		tokens++
		delim, _ := token.(json.Delim)
		ends := delim == ']' || delim == '}'
		if depth == 1 && !ends {
			elements++
		}
		switch {
		case ends:
			depth--
		case delim != 0:
			depth++
		}
		if depth == 0 {
			return tokens, elements, nil
		}
		if depth > maxDepth {
			return 0, 0, malformed("index.yaml nests deeper than %d levels", maxDepth).Fix("correct url")
		}
	}
}

// chart parses the bytes of the chart.
func (s *jsonScan) chart() (Chart, error) {
	block := make([]byte, s.to-s.from)
	if n, err := s.file.ReadAt(block, s.from); n < len(block) {
		return Chart{}, readError(err)
	}
	block = bytes.TrimLeft(block, " \t\r\n:")
	var records []*record
	if err := json.Unmarshal(block, &records); err != nil {
		return Chart{}, refused("chart "+s.shown()+" in index.yaml", err)
	}
	return s.finder.chart(records, block)
}
