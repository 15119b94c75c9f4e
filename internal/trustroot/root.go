// SPDX-License-Identifier: Apache-2.0

// Package trustroot holds what Sigstore signatures are judged by: trusted roots
// (trusted_root.json), and the one of a TUF repository kept current.
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
const MaxSize = 1 << 20

// MaxEntries bounds the entries of each kind in a trusted root. A signature may
// have to be tried with each; the public-good root has three of a kind at most.
const MaxEntries = 64

// ErrMalformed is matched by the error for bytes that are no usable trusted
// root: asking for them again is in vain.
var ErrMalformed = errors.New("not a usable trusted root")

// Root is a parsed trusted root. It does not change, and is safe for concurrent use.
type Root struct {
	id       string
	material *root.TrustedRoot
}

// Parse reads a trusted_root.json of at most MaxSize bytes.
//
// Each authority and log has to say since when it may be trusted
// (validFor.start). A root that names none is one all the same: signatures with
// a key may need nothing of it. Fields that are not known are skipped: the format
// grows by optional fields under the same media type, as it did by "operator",
// and a root that has one must still load. Any other deviation is refused with
// an error that matches ErrMalformed and has a text of at most 512 bytes.
func Parse(raw []byte) (*Root, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrMalformed, len(raw), MaxSize)
	}
	described := &trustrootpb.TrustedRoot{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, described); err != nil {
		return nil, failed(ErrMalformed, err)
	}
	if err := validate(described); err != nil {
		return nil, failed(ErrMalformed, err)
	}
	// sigstore-go reads all of it, but knows one name of the format only.
	described.MediaType = root.TrustedRootMediaType01
	material, err := root.NewTrustedRootFromProtobuf(described)
	if err != nil {
		return nil, failed(ErrMalformed, err)
	}
	sum := sha256.Sum256(raw)
	return &Root{id: "sha256:" + hex.EncodeToString(sum[:]), material: material}, nil
}

// ID is "sha256:" and the hexadecimal SHA-256 of the bytes that were parsed.
func (r *Root) ID() string { return r.id }

// Material is what sigstore-go verifies by. It must not be changed.
func (r *Root) Material() root.TrustedMaterial { return r.material }

// HasCertificateAuthorities says whether the root names a certificate authority (Fulcio).
func (r *Root) HasCertificateAuthorities() bool {
	return len(r.material.FulcioCertificateAuthorities()) > 0
}

// HasLogs says whether it names a transparency log (Rekor).
func (r *Root) HasLogs() bool { return len(r.material.RekorLogs()) > 0 }

// HasTimestampAuthorities says whether it names a timestamp authority (RFC 3161).
func (r *Root) HasTimestampAuthorities() bool { return len(r.material.TimestampingAuthorities()) > 0 }

// HasCTLogs says whether it names a certificate transparency log.
func (r *Root) HasCTLogs() bool { return len(r.material.CTLogs()) > 0 }
