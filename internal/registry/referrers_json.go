// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ParseReferrers reads the referrers from an image index: from the referrers API, or under the referrers tag.
// It reads at most MaxReferrers. The error matches ErrMalformed.
func ParseReferrers(raw []byte) (Referrers, error) {
	list, _, err := parseReferrers(raw, MaxReferrers, false)
	return list, err
}

// parseReferrers reads at most limit entries and returns their number. It reads them one by one, so that a list
// of a million empty entries takes only as much memory as its bytes. From a truncated list it reads the
// complete entries.
func parseReferrers(raw []byte, limit int, cut bool) (list Referrers, entries int, err error) {
	list, entries, err = decodeReferrers(json.NewDecoder(bytes.NewReader(raw)), limit)
	if err != nil && !cut {
		return Referrers{}, 0, fmt.Errorf("%w: the list of referrers is not an image index", ErrMalformed)
	}
	list.More = list.More || cut
	return list, entries, nil
}

func decodeReferrers(index *json.Decoder, limit int) (list Referrers, entries int, err error) {
	if err := expect(index, json.Delim('{')); err != nil {
		return list, 0, err
	}
	for index.More() {
		key, err := index.Token()
		if err != nil {
			return list, 0, err
		}
		if key != "manifests" {
			var other json.RawMessage
			if err := index.Decode(&other); err != nil {
				return list, 0, err
			}
			continue
		}
		// Only the first such list counts; the rest of the document is not read.
		list.More, err = decodeList(index, limit, func() error {
			entries++
			return list.decode(index)
		})
		return list, entries, err
	}
	return list, 0, expect(index, json.Delim('}'))
}

// decode reads one entry in its short form. It leaves out an entry without a usable digest: otherwise a
// publisher of many such entries could use up the limit on referrers.
func (l *Referrers) decode(index *json.Decoder) error {
	var entry struct {
		MediaType    string        `json:"mediaType"`
		Digest       digest.Digest `json:"digest"`
		Size         int64         `json:"size"`
		ArtifactType string        `json:"artifactType"`
	}
	start := index.InputOffset()
	if err := index.Decode(&entry); err != nil {
		return err
	}
	l.Omitted += int(index.InputOffset() - start)
	if checkDigest(entry.Digest) != nil {
		return nil
	}
	d := ocispec.Descriptor{MediaType: plain(entry.MediaType), Digest: entry.Digest, Size: entry.Size, ArtifactType: plain(entry.ArtifactType)}
	l.Omitted -= listedBytes(d)
	l.Descriptors = append(l.Descriptors, d)
	return nil
}

// listedBytes is the number of bytes of a list that are kept as the descriptor.
func listedBytes(d ocispec.Descriptor) int {
	return len(d.MediaType) + len(d.Digest) + len(d.ArtifactType)
}

// Size returns the number of bytes that the list takes in the registry's answer.
func (l Referrers) Size() int {
	size := l.Omitted
	for _, d := range l.Descriptors {
		size += listedBytes(d)
	}
	return size
}

// marshal returns the list in the form that the Cache and Answers hold.
func (l Referrers) marshal() ([]byte, error) {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	err := e.Encode(l)
	return raw.Bytes(), err
}

// decodeList calls decode for each entry of a list, at most limit times, and reports whether there are more.
func decodeList(list *json.Decoder, limit int, decode func() error) (more bool, err error) {
	start, err := list.Token()
	if err != nil || start == nil { // null is an empty list
		return false, err
	}
	if start != json.Delim('[') {
		return false, errNoList
	}
	for n := 0; list.More(); n++ {
		if n == limit {
			return true, nil
		}
		if err := decode(); err != nil {
			return false, err
		}
	}
	return false, expect(list, json.Delim(']'))
}

var errNoList = errors.New("not a list of referrers")

func expect(d *json.Decoder, expected json.Token) error {
	got, err := d.Token()
	if err == nil && got != expected {
		err = errNoList
	}
	return err
}

// maxPlain bounds a foreign name, in bytes; no media type in use is longer.
const maxPlain = 128

// plain returns at most maxPlain bytes of a foreign name, without characters for which JSON writes several
// bytes. It does not keep the name itself in memory.
func plain(name string) string {
	name = name[:min(len(name), 4*maxPlain)] // a character has at most four bytes
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) {
			return '?'
		}
		return r
	}, name)
	return strings.Clone(name[:min(len(name), maxPlain)])
}
