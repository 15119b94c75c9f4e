package verify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ErrRejected is matched by every verdict that a Subject is not trusted.
var ErrRejected = errors.New("not trusted")

// Bounds of a Rejection's text.
const (
	// MaxCandidates is how many candidates one authority considers for one Subject.
	MaxCandidates = 50
	// maxListed is how many candidates the text of a Rejection lists.
	maxListed = 8
	// maxReason bounds the reason of one candidate in bytes.
	maxReason = 200
)

// Candidate is something that might have been the signature, and why it was not.
type Candidate struct {
	// Source is where the candidate was found, relative to the repository.
	Source string
	// Format is the format of the candidate, as "legacy".
	Format string
	// Reason says why it was refused.
	Reason string
}

// Rejection is the verdict of one authority: it does not vouch for the Subject. It matches ErrRejected.
type Rejection struct {
	// Authority is the name of the authority in the policy.
	Authority string
	// Looked says where signatures were looked for.
	Looked []string
	// Candidates are what was found there; empty where there was no signature at all.
	Candidates []Candidate
}

// Error lists the candidates, bounded.
func (r *Rejection) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "authority %q does not vouch: ", r.Authority)
	if len(r.Candidates) == 0 {
		fmt.Fprintf(&b, "no signature found, looked at %s", strings.Join(r.Looked, ", "))
		return b.String()
	}
	for i, c := range r.Candidates {
		if i == maxListed {
			fmt.Fprintf(&b, "; and %d more", len(r.Candidates)-maxListed)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s signature at %s: %s", c.Format, c.Source, printable.String(c.Reason, maxReason))
	}
	return b.String()
}

// Is makes a Rejection match ErrRejected.
func (r *Rejection) Is(target error) bool { return target == ErrRejected }
