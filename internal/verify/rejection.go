// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ErrRejected is matched by every verdict that a Subject is not trusted.
var ErrRejected = errors.New("not trusted")

// Bounds on the candidates of one authority, and on the text of a Rejection.
const (
	// MaxCandidates is the maximum number of candidates that one authority considers for one Subject.
	MaxCandidates = 64
	// MaxMaterial bounds the bytes that are read to consider the candidates.
	MaxMaterial = 16 << 20
	// maxListed is the maximum number of candidates in the text of a Rejection.
	maxListed = 8
	// maxReason bounds the reason of one candidate in bytes, maxSigner its signer.
	maxReason, maxSigner = 200, 300
)

// Signer is the signer that a signature names.
type Signer struct {
	// KeyID is "SHA256:" and the hexadecimal digest of the key's SPKI; empty if it is not known.
	KeyID string
	// Issuer and Subject are those of an identity; empty for a key.
	Issuer, Subject string
	// Verified is true if the signer is proven; otherwise anybody may have written it.
	Verified bool
}

// String names the signer; empty if none is known.
func (s Signer) String() string {
	who := s.KeyID
	if s.Subject != "" {
		who = Identity(s.Issuer, s.Subject)
	}
	return printable.String(who, maxSigner)
}

// Identity returns the name of an identity as a signer.
func Identity(issuer, subject string) string { return subject + " (" + issuer + ")" }

// Candidate is a possible signature, and the reason if it was refused.
type Candidate struct {
	// Policy is the name of the policy that asked; empty for that of the object itself.
	Policy string
	// Authority is the name of the authority that considered it.
	Authority string
	// Source is where the candidate was found, relative to the repository.
	Source string
	// Format is the format of the candidate, for example "legacy" or "bundle".
	Format string
	// Signer is the signer that the candidate names.
	Signer Signer
	// Reason is why the candidate was refused; empty if it was not. Short is the same in a few words; empty if
	// Reason is short.
	Reason, Short string
	// Until is when a refused candidate may count; zero if it never will.
	Until time.Time
	// Withheld means that the registry refuses to show whether there is a candidate at Source.
	Withheld bool
}

// String describes the candidate, and why it was refused.
func (c Candidate) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s", c.Format, c.Source)
	if who := c.Signer.String(); who != "" {
		claim := "said to be signed by"
		if c.Signer.Verified {
			claim = "signed by"
		}
		fmt.Fprintf(&b, ", %s %s", claim, who)
	}
	fmt.Fprintf(&b, ": %s", printable.String(c.Reason, maxReason))
	return b.String()
}

// AuthorityIn returns the display name of an authority: "policy/authority", or only the authority if the policy
// is the object's own.
func AuthorityIn(policy, authority string) string {
	if policy == "" {
		return authority
	}
	return policy + "/" + authority
}

// Rejection is the verdict of one authority: it does not accept the Subject. It matches ErrRejected.
type Rejection struct {
	// Policy is the name of the policy that asked; empty for that of the object itself.
	Policy string
	// Authority is the name of the authority in the policy.
	Authority string
	// Searched lists the searched locations.
	Searched []string
	// Candidates are the candidates found there; empty if there was no signature at all.
	Candidates []Candidate
	// Otherwise describes a signature of a different method on the chart; empty if none was seen.
	Otherwise string
	// Fix tells the user what to do if there is no candidate.
	Fix string
	// SkippedKeys lists keys of the authority that are not used, and why: a few, bounded and safe to display.
	SkippedKeys []string
}

// Brief returns in one clause why the authority does not accept.
func (r *Rejection) Brief() string {
	switch {
	case len(r.Candidates) > 0 && r.Candidates[0].Short != "":
		return r.Candidates[0].Short
	case len(r.Candidates) > 0:
		return r.Candidates[0].Reason
	case r.Otherwise != "":
		return r.Otherwise
	}
	return "not signed"
}

// Error lists the candidates, and the skipped keys, which might have verified them. The text is bounded.
func (r *Rejection) Error() string {
	text := fmt.Sprintf("authority %q: %s", AuthorityIn(r.Policy, r.Authority), r.found())
	if len(r.SkippedKeys) > 0 {
		text += "; keys that are not used: " + strings.Join(r.SkippedKeys, ", ")
	}
	return text
}

// found lists the candidates.
func (r *Rejection) found() string {
	if len(r.Candidates) == 0 {
		text := fmt.Sprintf("%s: searched %s", r.Brief(), strings.Join(r.Searched, ", "))
		if r.Fix != "" {
			text += ": " + r.Fix
		}
		return text
	}
	var b strings.Builder
	for i, c := range r.Candidates {
		if i == maxListed {
			fmt.Fprintf(&b, "; and %d more", len(r.Candidates)-maxListed)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.String())
	}
	return b.String()
}

// Is reports whether target is ErrRejected.
func (r *Rejection) Is(target error) bool { return target == ErrRejected }

// Seen returns the candidates of every Rejection in err, including joined errors.
func Seen(err error) []Candidate {
	var all []Candidate
	for r := range rejections(err) {
		all = append(all, r.Candidates...)
	}
	return all
}

// InPolicy sets the policy of every Rejection in err.
func InPolicy(err error, name string) {
	for r := range rejections(err) {
		r.Policy = name
		for i := range r.Candidates {
			r.Candidates[i].Policy = name
		}
	}
}

// rejections yields every Rejection in err, including joined errors.
func rejections(err error) iter.Seq[*Rejection] {
	return func(yield func(*Rejection) bool) { eachRejection(err, yield) }
}

func eachRejection(err error, yield func(*Rejection) bool) bool {
	switch e := err.(type) { //nolint:errorlint // every branch of the tree is walked
	case nil:
		return true
	case *Rejection:
		return yield(e)
	case interface{ Unwrap() []error }:
		for _, joined := range e.Unwrap() {
			if !eachRejection(joined, yield) {
				return false
			}
		}
		return true
	}
	return eachRejection(errors.Unwrap(err), yield)
}

// isWithheld reports whether a registry refused to show a location to an authority that rejects in err.
func isWithheld(err error) bool {
	return slices.ContainsFunc(Seen(err), func(c Candidate) bool { return c.Withheld })
}

// Until returns the first moment at which a candidate that is refused in err may count, or zero if there is
// none.
func Until(err error) (first time.Time) {
	for _, c := range Seen(err) {
		if !c.Until.IsZero() && (first.IsZero() || c.Until.Before(first)) {
			first = c.Until
		}
	}
	return first
}
