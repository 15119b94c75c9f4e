// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"errors"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

const (
	// MaxAnswers bounds Answers in bytes, what names the answers included. Twice the
	// largest configuration of a chart fits in.
	MaxAnswers = 2 << 20
	// maxAnswerNames bounds what names the answers, so that there is room for contents
	// however many questions were asked.
	maxAnswerNames = MaxAnswers / 2
	// maxAnswersJSON bounds Answers as JSON, which writes bytes in base64.
	maxAnswersJSON = 4 << 20
	// answerOverhead is counted for each answer on top of its bytes and names.
	answerOverhead = 256
)

// ErrNoAnswer is matched by the error for a question that Answers do not hold. It
// is no verdict: a registry might have answered anything.
var ErrNoAnswer = errors.New("the stored signature material does not hold the answer")

// Answers are what registries answered during one verification, so that it can be
// repeated without a network. The zero value holds nothing. It is a value: nothing
// changes it, and the same answers have the same JSON.
//
// Answers hold at most MaxAnswers bytes. If there were more, the largest contents
// were dropped, lists of referrers after all others, and the manifest of the subject last.
type Answers struct {
	held map[question]answer
	// full means that even the names of all answers were too many.
	full bool
}

// answer is the answer to one question.
type answer struct {
	question
	// At is when the registry gave it; zero if the answer cannot change.
	At time.Time `json:"at,omitzero"`
	// Problem says why there is no content; empty if there is.
	Problem fault `json:"problem,omitempty"`
	// Digest of the manifest that a tag names.
	Digest digest.Digest `json:"digest,omitempty"`
	// MediaType of a manifest.
	MediaType string `json:"mediaType,omitempty"`
	// Dropped is how many bytes were dropped.
	Dropped int64 `json:"dropped,omitempty"`
	// Raw is nil if there is no content, and empty if the content is.
	Raw []byte `json:"raw"`
}

// problem is an answer that is not content, and yet says something of what was pushed.
type fault string

const (
	faultNotFound   fault = "notFound"
	faultTooLarge   fault = "tooLarge"
	faultDescriptor fault = "descriptor"
	faultDropped    fault = "dropped"
)

// class returns the error that a recorded problem matches, or nil.
func (p fault) class() error {
	switch p {
	case faultNotFound:
		return ErrNotFound
	case faultTooLarge:
		return ErrTooLarge
	case faultDescriptor:
		return ErrDescriptor
	}
	return nil
}

// faultOf returns the fault of an error, and reports whether it is to be
// recorded: an error of any other class says nothing of what was pushed.
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

// names returns the bytes that are kept of an answer even if its content is dropped.
func (a answer) names() int {
	// JSON may write six bytes for one of a text that is not plain.
	return answerOverhead + len(a.Repository) + len(a.Ref) + len(a.Digest) + 6*len(a.MediaType)
}

// mayChange reports whether the same question may be answered differently later.
func (a answer) mayChange() bool {
	switch a.Kind {
	case kindTag, kindReferrers, kindOutside:
		return true
	case kindManifest, kindBlob:
		return a.Problem == faultNotFound
	}
	return false
}

// At returns the oldest moment at which a registry gave an answer that may change:
// the manifest of a tag, a list of referrers, an answer from outside of registries,
// or that there was nothing. It is zero if there is no such answer.
func (a Answers) At() time.Time {
	var oldest time.Time
	for _, given := range a.held {
		if given.mayChange() && (oldest.IsZero() || given.At.Before(oldest)) {
			oldest = given.At
		}
	}
	return oldest
}

// Reader returns a Reader of one repository that answers from a alone. A question
// that a does not hold gives an error matching ErrNoAnswer, one whose answer was
// dropped a *DroppedError. Contents are hashed each time.
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
