// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// answersVersion is the version of the JSON form below. This program rejects any other version as malformed.
const answersVersion = 1

// storedAnswers is the JSON form of Answers.
type storedAnswers struct {
	Version int        `json:"version"`
	Full    bool       `json:"full,omitempty"`
	Answers answerList `json:"answers"`
}

// MarshalJSON implements json.Marshaler. Equal answers give equal bytes.
func (a Answers) MarshalJSON() ([]byte, error) {
	list := slices.SortedFunc(maps.Values(a.held), func(x, y answer) int {
		return cmp.Or(cmp.Compare(x.Repository, y.Repository), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Ref, y.Ref))
	})
	if list == nil {
		list = answerList{}
	}
	return json.Marshal(storedAnswers{Version: answersVersion, Full: a.full, Answers: list})
}

// UnmarshalJSON implements json.Unmarshaler, as ParseAnswers does.
func (a *Answers) UnmarshalJSON(raw []byte) (err error) {
	*a, err = ParseAnswers(raw)
	return err
}

// ParseAnswers reads the output of json.Marshal for Answers, at most 4 MiB. The error matches ErrMalformed.
// ParseAnswers does not hash the contents: a Reader does.
func ParseAnswers(raw []byte) (Answers, error) {
	if len(raw) > maxAnswersJSON {
		return Answers{}, fmt.Errorf("%w: stored signature material of more than %d bytes", ErrMalformed, maxAnswersJSON)
	}
	var s storedAnswers
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return Answers{}, errAnswers
	}
	if rest := bytes.TrimSpace(raw[decoder.InputOffset():]); len(rest) > 0 || s.Version != answersVersion || s.Answers == nil {
		return Answers{}, errAnswers
	}
	a := Answers{held: make(map[question]answer, len(s.Answers)), full: s.Full}
	for _, given := range s.Answers {
		a.held[given.question] = given
	}
	if len(a.held) != len(s.Answers) {
		return Answers{}, fmt.Errorf("%w: it answers a question twice", errAnswers)
	}
	return a, nil
}

var errAnswers = fmt.Errorf("%w: not stored signature material", ErrMalformed)

// answerList reads answers one by one, so that a list of a million empty answers takes only as much memory as
// its bytes.
type answerList []answer

// UnmarshalJSON implements json.Unmarshaler.
func (l *answerList) UnmarshalJSON(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := expect(decoder, json.Delim('[')); err != nil {
		return err
	}
	*l = answerList{}
	for size := 0; decoder.More(); {
		var given answer
		if err := decoder.Decode(&given); err != nil {
			return err
		}
		if size += given.names() + len(given.Raw); size > MaxAnswers || !given.isPossible() {
			return errAnswers
		}
		*l = append(*l, given)
	}
	return expect(decoder, json.Delim(']'))
}

// isPossible reports whether a recorder could have recorded the answer.
func (a answer) isPossible() bool {
	if a.Repository == "" || a.mayChange() == a.At.IsZero() || a.Dropped < 0 {
		return false
	}
	if a.Problem != "" {
		return a.Kind != kindLacks && a.Raw == nil && isKind(a.Kind) && (a.Problem == faultDropped || a.Problem.class() != nil)
	}
	if a.Kind == kindTag {
		return checkDigest(a.Digest) == nil
	}
	return isKind(a.Kind)
}

func isKind(k kind) bool {
	return slices.Contains([]kind{kindTag, kindReferrers, kindManifest, kindBlob, kindOutside, kindBeside, kindLacks}, k)
}
