// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Artifact is the data that a signature must be over. No signature can match the zero value.
type Artifact struct {
	raw       []byte
	algorithm string // of the digest, if the bytes are not known
	digest    []byte
}

// Bytes returns an artifact whose bytes are all known.
func Bytes(raw []byte) Artifact { return Artifact{raw: raw, algorithm: "bytes"} }

// Digest returns an artifact of which only a digest is known. It cannot verify signatures over the bytes
// themselves, such as those of Ed25519.
func Digest(d digest.Digest) (Artifact, error) {
	if err := d.Validate(); err != nil {
		return Artifact{}, err
	}
	sum, err := hex.DecodeString(d.Encoded())
	return Artifact{algorithm: string(d.Algorithm()), digest: sum}, err
}

func (a Artifact) isZero() bool { return a.algorithm == "" }

func (a Artifact) policy() verify.ArtifactPolicyOption {
	if a.digest != nil {
		return verify.WithArtifactDigest(a.algorithm, a.digest)
	}
	return verify.WithArtifact(bytes.NewReader(a.raw))
}

// maxSubjects bounds the subjects of a statement, as sigstore-go does (its issue 630).
const maxSubjects = 1024

// isSubjectOf returns an error unless the statement is about the artifact.
func (a Artifact) isSubjectOf(s *intoto.Statement) error {
	if n := len(s.GetSubject()); n > maxSubjects {
		return fmt.Errorf("too many subjects: %d > %d", n, maxSubjects)
	}
	digests := a.digests()
	for _, subject := range s.GetSubject() {
		for algorithm, expected := range subject.GetDigest() {
			got, known := digests[algorithm]
			if sum, err := hex.DecodeString(expected); known && err == nil && bytes.Equal(got, sum) {
				return nil
			}
		}
	}
	return errors.New("the statement is not about the artifact")
}

// digests returns the known digests of the artifact, by the names of in-toto digest sets.
func (a Artifact) digests() map[string][]byte {
	if a.digest != nil {
		return map[string][]byte{a.algorithm: a.digest}
	}
	sha2, sha3, sha5 := sha256.Sum256(a.raw), sha512.Sum384(a.raw), sha512.Sum512(a.raw)
	return map[string][]byte{"sha256": sha2[:], "sha384": sha3[:], "sha512": sha5[:]}
}
