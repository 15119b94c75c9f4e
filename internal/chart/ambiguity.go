// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// maxJSONValues bounds a JSON document before it is decoded into anything.
const maxJSONValues = 16_384

// unambiguous refuses JSON that two readers could understand differently, or that costs much more to decode
// than to send. It refuses an object with two keys that differ only in case, because encoding/json takes the
// last of them and other decoders the first or the exact match; it also refuses a key that differs only in case
// from one of names. Annotations are free text, so only equal keys are refused there.
func unambiguous(raw []byte, names ...string) error {
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return errors.New("it is not JSON")
	}
	spelling := make(map[string]string, len(names))
	for _, n := range names {
		spelling[fold(n)] = n
	}
	w := jsonWalk{decoder: json.NewDecoder(bytes.NewReader(raw)), spelling: spelling, left: maxJSONValues}
	w.decoder.UseNumber()
	return w.value("")
}

type jsonWalk struct {
	decoder  *json.Decoder
	spelling map[string]string
	left     int
}

// value walks over the next value, which belongs to key.
func (w *jsonWalk) value(key string) error {
	if w.left--; w.left < 0 {
		return fmt.Errorf("it has more than %d values", maxJSONValues)
	}
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return w.object(key == "annotations")
	case json.Delim('['):
		for w.decoder.More() {
			if err := w.value(""); err != nil {
				return err
			}
		}
		_, err = w.decoder.Token()
	}
	return err
}

func (w *jsonWalk) object(free bool) error {
	seen := map[string]struct{}{}
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		id := key
		if !free {
			id = fold(key)
			if expected, ok := w.spelling[id]; ok && expected != key {
				return fmt.Errorf("the key %q must be spelt %q", printable.String(key, maxShown), expected)
			}
		}
		if _, ok := seen[id]; ok {
			return fmt.Errorf("the key %q appears twice", printable.String(key, maxShown))
		}
		seen[id] = struct{}{}
		if err := w.value(key); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

// fold maps all keys that encoding/json treats as equal to one string: encoding/json also ignores the case of ſ
// and of the Kelvin sign.
func fold(key string) string { return strings.ToLower(strings.ToUpper(key)) }
