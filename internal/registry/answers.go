// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"errors"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

const (
	// MaxAnswers bounds the size of Answers in bytes, including the names of the answers. Twice the largest
	// configuration of a chart fits in it.
	MaxAnswers = 2 << 20
	// maxAnswerNames bounds the names of the answers, so that room for contents is left even after many
	// questions.
	maxAnswerNames = MaxAnswers / 2
	// maxAnswersJSON bounds Answers as JSON, which writes bytes in base64.
	maxAnswersJSON = 4 << 20
	// answerOverhead is counted for each answer on top of its bytes and names.
	answerOverhead = 256
)

// ErrNoAnswer is matched by the error for a question that Answers do not hold. The error is no verdict: a
// registry might have answered anything.
var ErrNoAnswer = errors.New("the stored signature material does not hold the answer")

// Answers are the answers that registries gave during one verification, so that the verification can be
// repeated without a network. The zero value holds no answers. Answers is an immutable value, and equal answers
// have equal JSON.
//
// Answers hold at most MaxAnswers bytes. If the registries answered with more, the largest contents were
// dropped: lists of referrers after all other contents, and the manifest of the subject last.
type Answers struct {
	held map[question]answer
	// full means that even the names of all answers exceeded their bound.
	full bool
}

// answer is the answer to one question.
type answer struct {
	question
	// At is the time at which the registry gave the answer; zero if the answer cannot change.
	At time.Time `json:"at,omitzero"`
	// Problem is the reason for the missing content; empty if there is content.
	Problem fault `json:"problem,omitempty"`
	// Digest is that of the manifest that a tag names.
	Digest digest.Digest `json:"digest,omitempty"`
	// MediaType is that of a manifest.
	MediaType string `json:"mediaType,omitempty"`
	// Dropped is the number of dropped bytes.
	Dropped int64 `json:"dropped,omitempty"`
	// Raw is nil if there is no content, and empty if the content is empty.
	Raw []byte `json:"raw"`
}

// fault is why an answer has no content. It still states a fact about the pushed files.
type fault string

const (
	faultNotFound   fault = "notFound"
	faultTooLarge   fault = "tooLarge"
	faultDescriptor fault = "descriptor"
	faultDropped    fault = "dropped"
)

// class returns the error that a fault matches, or nil.
func (f fault) class() error {
	switch f {
	case faultNotFound:
		return ErrNotFound
	case faultTooLarge:
		return ErrTooLarge
	case faultDescriptor:
		return ErrDescriptor
	}
	return nil
}

// faultOf returns the fault of an error, and reports whether the fault is to be recorded: an error of any other
// class states no fact about the pushed files.
func faultOf(err error) (fault, bool) {
	if err == nil {
		return "", true
	}
	for _, p := range []fault{faultNotFound, faultTooLarge, faultDescriptor} {
		if errors.Is(err, p.class()) {
			return p, true
		}
	}
	return "", false
}

// names returns the size in bytes of the part of an answer that is kept even if the content is dropped.
func (a answer) names() int {
	// JSON may write six bytes for one byte of a text that is not plain.
	return answerOverhead + len(a.Repository) + len(a.Ref) + len(a.Digest) + 6*len(a.MediaType)
}

// mayChange reports whether the answer to the same question may differ later.
func (a answer) mayChange() bool {
	switch a.Kind {
	case kindTag, kindReferrers, kindOutside, kindBeside:
		return true
	case kindManifest, kindBlob:
		return a.Problem == faultNotFound
	}
	return false
}

// At returns the oldest time at which a registry gave an answer that may change: the manifest of a tag, a list
// of referrers, a file outside of registries, or the absence of content. It is zero if there is no such
// answer.
func (a Answers) At() time.Time {
	var oldest time.Time
	for _, given := range a.held {
		if given.mayChange() && (oldest.IsZero() || given.At.Before(oldest)) {
			oldest = given.At
		}
	}
	return oldest
}

// Reader returns a Reader of one repository that answers from a alone. A question that a does not hold gives an
// error matching ErrNoAnswer; a question whose answer was dropped gives a *DroppedError. The Reader hashes
// contents each time.
func (a Answers) Reader(repository string) Reader {
	return stored{answers: a, repository: canonical(repository)}
}

// DroppedError is the error for an answer that was dropped, because Answers would
// have exceeded MaxAnswers. It matches ErrTooLarge.
type DroppedError struct {
	// Size of the answer in bytes; 0 if it is unknown.
	Size int64
	what string
}

// Error names the answer.
func (e *DroppedError) Error() string {
	return printable.String(e.what+": dropped from the stored signature material, which is too large", 1<<10)
}

// Is reports whether target is ErrTooLarge.
func (e *DroppedError) Is(target error) bool { return target == ErrTooLarge }
