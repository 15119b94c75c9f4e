// SPDX-License-Identifier: Apache-2.0

// Package verify holds the contract of verification: the manifest or archive to verify (Subject), the verifier that
// decides (Verifier), the signatures and exceptions that it found (Result), and the proof of acceptance
// (Accepted). Rejections and outcomes name formats and locations as texts.
//
// The package parses no signature format, speaks no registry protocol and knows no Kubernetes type.
package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Subject is the object of a signature, pinned by digest, never by tag: one manifest in a registry, or one archive
// in a classic repository.
type Subject struct {
	// Repository is the name of the repository: host and path in a registry, a URL if it is classic.
	Repository string
	// Manifest describes Raw; for an archive, it is Chart.Archive.
	Manifest ocispec.Descriptor
	// Raw is the manifest as the registry stores it; it hashes to Manifest.Digest. It is nil for an archive.
	Raw []byte
	// Sources are the locations of the signatures that were accepted last. They are searched first, which
	// affects only the order.
	Sources []string
	// Chart is the expected chart, for signatures over the parts of the manifest.
	Chart Chart
}

// Chart is the requested chart, and the location of its parts in the manifest.
type Chart struct {
	// Name is the requested name; Version is empty unless the reference holds a version.
	Name, Version string
	// Archive and Config describe the archive and Helm's configuration, which a classic repository does not have.
	Archive, Config ocispec.Descriptor
	// Provenance describes the provenance file in the manifest; nil if it has none.
	Provenance *ocispec.Descriptor
}

// Result is the proof that a Verifier found for a Subject. The zero value accepts nothing.
type Result struct {
	// Signatures holds one verified signature for each authority that accepts, in the order of the policy.
	Signatures []VerifiedSignature
	// Unread is why some material that might hold more signatures could not be read; nil if everything was
	// read. While it is set, a policy that needs more signatures has no verdict.
	Unread error
	// Exceptions are the rules that admit the Subject although it is not proven, in the order of the policies;
	// usually there are none.
	Exceptions []Exception
	// Seen lists all signatures that were read, with their signers, including the verified ones.
	Seen []Candidate
}

// IsZero reports whether nothing accepts the Subject.
func (r Result) IsZero() bool { return len(r.Signatures) == 0 && len(r.Exceptions) == 0 }

// IsProof reports whether a signature accepts the Subject and no exception was needed.
func (r Result) IsProof() bool { return len(r.Signatures) > 0 && len(r.Exceptions) == 0 }

// Exception is an explicit rule of a policy that admits a Subject that the policy does not trust.
type Exception struct {
	// Policy is the name of the policy; empty for that of the object itself.
	Policy string
	// Rule is the kind of rule.
	Rule Rule
	// Reason is the reason stated in the rule; may be empty.
	Reason string
	// Until is when the rule ends; zero if it does not.
	Until time.Time
	// Verdict is why the Subject would not be admitted otherwise; nil if that was not verified.
	Verdict error
}

// Rule is the kind of an Exception.
type Rule string

const (
	// Audit admits a refused Subject, and reports it.
	Audit Rule = "Audit"
	// Exemption admits one digest for a limited time.
	Exemption Rule = "Exemption"
)

// VerifiedSignature is a signature for a Subject that one authority accepts.
type VerifiedSignature struct {
	// Policy is the name of the policy that asked; empty for that of the object itself.
	Policy string
	// Authority is the name of the authority in the policy.
	Authority string
	// Provider is the kind of signature, for example "cosign".
	Provider string
	// Signer identifies the signer. It is always the same for the same signer: for a key "SHA256:" and the
	// hexadecimal digest of its SPKI, for an identity its subject and issuer. Distinct signers are counted by
	// it.
	Signer string
	// Issuer and Subject are those of an identity; empty for a key.
	Issuer, Subject string
	// Key is the name of the signer's key in the policy, if there is one.
	Key string
	// UserID is the primary user id of an OpenPGP key, safe to display; empty otherwise.
	UserID string
	// SigningKey is the fingerprint of the OpenPGP key that signed: a subkey of the signer, or its primary key.
	SigningKey string
	// Ends is the first moment at which the proof is no longer valid by the clock, for example when the key
	// expires; zero if there is none.
	Ends time.Time
	// Format is the format of the signature, for example "legacy" or "bundle".
	Format string
	// Source is where the signature was found, relative to the repository.
	Source string
	// Time is a proven signing time, or zero if the signature proves none.
	Time time.Time
	// ClaimedTime is the signing time that the signer claims, or zero. It proves nothing.
	ClaimedTime time.Time
	// LogIndex is the index of the entry in a trusted transparency log; nil if none is proven.
	LogIndex *int64
	// SkippedKeys lists keys of the authority that are not used, and why: a few, bounded and safe to display.
	SkippedKeys []string
}

// Verifier decides whether a Subject is trusted.
//
// A nil error comes only with a non-zero Result. An error matching ErrRejected is a verdict: the Subject is
// proven not to be trusted. Any other error means that there is no verdict, and proves nothing about the
// Subject.
type Verifier interface {
	Verify(ctx context.Context, s Subject, r registry.Reader) (Result, error)
}

// Accepted proves that a Subject was accepted. Only Check and CheckEach create one. The zero value proves
// nothing, and every function that takes an Accepted refuses it.
type Accepted struct {
	subject Subject
	result  Result
}

// Subject returns the accepted Subject, and false for the zero Accepted.
func (a Accepted) Subject() (Subject, bool) { return a.subject, !a.result.IsZero() }

// Result returns the basis of the acceptance; zero for the zero Accepted.
func (a Accepted) Result() Result { return a.result }

// ErrSubject is matched by the error of Check and CheckEach for a Subject whose Raw does not match its
// descriptor.
var ErrSubject = errors.New("the manifest does not match its descriptor")

// Check verifies s with v. An answer that breaks the contract of Verifier (a result with an error, or neither)
// is not an acceptance.
func Check(ctx context.Context, v Verifier, s Subject, r registry.Reader) (Accepted, error) {
	if err := s.check(); err != nil {
		return Accepted{}, err
	}
	result, err := v.Verify(ctx, s, r)
	if err != nil {
		return Accepted{}, err
	}
	if result.IsZero() {
		return Accepted{}, fmt.Errorf("verifier %T accepted %s without a result", v, s.Manifest.Digest)
	}
	return Accepted{subject: s, result: result}, nil
}

// IsArchive reports whether the Subject is the archive itself, and not the manifest of a chart.
func (s Subject) IsArchive() bool {
	return s.Raw == nil && s.Manifest.Digest != "" && s.Manifest.Digest == s.Chart.Archive.Digest
}

// check returns an error that matches ErrSubject if Raw does not hash to the digest. The bytes of an archive are
// not known yet.
func (s Subject) check() error {
	if err := s.Manifest.Digest.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrSubject, err)
	}
	if s.IsArchive() {
		return nil
	}
	if got := s.Manifest.Digest.Algorithm().FromBytes(s.Raw); got != s.Manifest.Digest {
		return fmt.Errorf("%w: descriptor %s, bytes %s", ErrSubject, s.Manifest.Digest, got)
	}
	return nil
}
