// SPDX-License-Identifier: Apache-2.0

// Package trustroot reads the trusted roots (trusted_root.json) that Sigstore
// signatures are verified with, and keeps the root of a TUF repository current.
//
// It does not know signatures, policies or Kubernetes.
package trustroot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	trustrootpb "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"
)

// MaxSize bounds a trusted root in bytes; the public-good one takes 7 KiB.
const MaxSize = 256 << 10

// MaxCertificates bounds the certificates in a trusted root, of all authorities
// together; the public-good one has five.
const MaxCertificates = 100

// MaxEntries bounds the entries of each kind in a trusted root, because a signature
// may be tried with each. The public-good root has at most three of a kind.
const MaxEntries = 64

// ErrMalformed is matched by the error for bytes that are not a usable trusted
// root. Reading the same bytes again cannot help.
var ErrMalformed = errors.New("not a usable trusted root")

// Root is a parsed trusted root. It does not change, and is safe for concurrent use.
type Root struct {
	id       string
	material *root.TrustedRoot
}

// Parse reads a trusted_root.json of at most MaxSize bytes.
//
// Each authority and log needs the start of its validity (validFor.start). A root
// may name no authority and no log, because signatures with a key may need none.
// Parse skips unknown fields: the format grows by optional fields, such as
// "operator", under the same media type. It rejects every other deviation with
// an error that matches ErrMalformed and has a text of at most 512 bytes.
func Parse(raw []byte) (*Root, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, more than the %d allowed", ErrMalformed, len(raw), MaxSize)
	}
	described := &trustrootpb.TrustedRoot{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, described); err != nil {
		return nil, failed(ErrMalformed, err)
	}
	if err := validate(described); err != nil {
		return nil, failed(ErrMalformed, err)
	}
	// sigstore-go reads every version of the format, but accepts the name of one only.
	described.MediaType = root.TrustedRootMediaType01
	material, err := root.NewTrustedRootFromProtobuf(described)
	if err != nil {
		return nil, failed(ErrMalformed, err)
	}
	sum := sha256.Sum256(raw)
	return &Root{id: "sha256:" + hex.EncodeToString(sum[:]), material: material}, nil
}

// ID returns "sha256:" and the hexadecimal SHA-256 of the parsed bytes.
func (r *Root) ID() string { return r.id }

// Material returns the root in the form that sigstore-go verifies with. Callers must not change it.
func (r *Root) Material() root.TrustedMaterial { return r.material }

// HasCertificateAuthorities reports whether the root names a certificate authority (Fulcio).
func (r *Root) HasCertificateAuthorities() bool {
	return len(r.material.FulcioCertificateAuthorities()) > 0
}

// HasLogs reports whether the root names a transparency log (Rekor).
func (r *Root) HasLogs() bool { return len(r.material.RekorLogs()) > 0 }

// HasTimestampAuthorities reports whether the root names a timestamp authority (RFC 3161).
func (r *Root) HasTimestampAuthorities() bool { return len(r.material.TimestampingAuthorities()) > 0 }

// HasCTLogs reports whether the root names a certificate transparency log.
func (r *Root) HasCTLogs() bool { return len(r.material.CTLogs()) > 0 }
