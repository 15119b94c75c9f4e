// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

// The client specification allows two kinds of Rekor v1 entries that sigstore-go
// v1.2.1 does not verify: a hashedrekord for an envelope, and one whose checkpoint
// does not name a tree.

// loggedAsHash reports whether an envelope was logged in Rekor v1 by the digest of the signed bytes, and not as
// an envelope.
func (b *Bundle) loggedAsHash() bool {
	if b.statement == nil {
		return false
	}
	for _, entry := range b.entity.entries {
		if _, _, ok := entry.GetHashedRekordDigest(); ok && !entry.IsRekorV2() {
			return true
		}
	}
	return false
}

// messageEntity is a bundle whose envelope is treated as a message signature, over the pre-authentication
// encoding of the envelope.
type messageEntity struct {
	parsed
	content *sigstore.MessageSignature
}

// SignatureContent implements verify.SignedEntity.
func (m messageEntity) SignatureContent() (verify.SignatureContent, error) { return m.content, nil }

// asMessage returns the bundle as a signature over a message, and the message.
func (b *Bundle) asMessage() (messageEntity, []byte, error) {
	content, err := b.entity.SignatureContent()
	if err != nil {
		return messageEntity{}, nil, err
	}
	envelope := content.EnvelopeContent().RawEnvelope()
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil || len(envelope.Signatures) != 1 {
		return messageEntity{}, nil, errors.New("an envelope must hold a payload and one signature")
	}
	pae := dsse.PAE(envelope.PayloadType, payload)
	sum, algorithm := digestBy(b.entity.entries, pae)
	return messageEntity{b.entity, sigstore.NewMessageSignature(sum, algorithm, content.Signature())}, pae, nil
}

// digestBy returns the digest of a message by the hash that its log entry names.
func digestBy(entries []*tlog.Entry, message []byte) ([]byte, string) {
	for _, entry := range entries {
		switch _, algorithm, _ := entry.GetHashedRekordDigest(); algorithm {
		case "sha384":
			sum := sha512.Sum384(message)
			return sum[:], algorithm
		case "sha512":
			sum := sha512.Sum512(message)
			return sum[:], algorithm
		}
	}
	sum := sha256.Sum256(message)
	return sum[:], "sha256"
}

// treeName matches the end of the origin of a Rekor v1 checkpoint.
var treeName = regexp.MustCompile(` - [0-9]+$`)

// plainEntry returns the only entry of a bundle if it is for an envelope in Rekor v1, and only a checkpoint
// without the name of a tree proves it. Such an entry proves no time.
func (b *Bundle) plainEntry() *tlog.Entry {
	entries := b.entity.entries
	if len(entries) != 1 || b.statement == nil {
		return nil
	}
	entry := entries[0]
	_, ofEnvelope := entry.GetDssePayloadHash()
	origin, _, _ := strings.Cut(entry.TransparencyLogEntry().GetInclusionProof().GetCheckpoint().GetEnvelope(), "\n")
	if !ofEnvelope || entry.HasInclusionPromise() || !entry.HasInclusionProof() || treeName.MatchString(origin) {
		return nil
	}
	return entry
}

// checkPlainEntry returns an error unless the entry is in a trusted log, and is for exactly this signature: by
// the same key, over the same payload, with the same bytes.
func (b *Bundle) checkPlainEntry(entry *tlog.Entry, m material) error {
	if err := tlog.ValidateEntry(entry); err != nil {
		return err
	}
	log, ok := m.RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]
	if !ok {
		return errors.New("the signature is in no log of the trusted root")
	}
	verifier, err := signature.LoadVerifier(log.PublicKey, log.SignatureHashFunc)
	if err != nil {
		return err
	}
	if err := tlog.VerifyInclusion(entry, verifier); err != nil {
		return err
	}
	return b.isEntered(entry, m)
}

func (b *Bundle) isEntered(entry *tlog.Entry, m material) error {
	content, err := b.entity.SignatureContent()
	if err != nil {
		return err
	}
	signer, err := b.entity.VerificationContent()
	if err != nil {
		return err
	}
	payload, err := base64.StdEncoding.DecodeString(content.EnvelopeContent().RawEnvelope().Payload)
	if err != nil {
		return err
	}
	logged, _ := entry.GetDssePayloadHash()
	sum := sha256.Sum256(payload)
	switch {
	case !bytes.Equal(entry.Signature(), content.Signature()):
		return errors.New("transparency log signature does not match")
	case !signer.CompareKey(entry.PublicKey(), m):
		return errors.New("transparency log certificate does not match")
	case !bytes.Equal(logged, sum[:]):
		return errors.New("transparency log entry is for a different payload")
	}
	return nil
}
