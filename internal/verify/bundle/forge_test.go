// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"bytes"
	"encoding/hex"
	"time"

	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

func flip(raw []byte) { raw[len(raw)/2] ^= 1 }

func bytesOf(d digest.Digest) []byte {
	raw, err := hex.DecodeString(d.Encoded())
	Expect(err).NotTo(HaveOccurred())
	return raw
}

func made(s *Sigstore, over []byte, how How) *pbbundle.Bundle {
	var b pbbundle.Bundle
	Expect(protojson.Unmarshal(s.Bundle(over, how), &b)).To(Succeed())
	return &b
}

// swapEntry replaces the log entry by that of another signature by the same signer's name.
func swapEntry(b *pbbundle.Bundle, s *Sigstore, over []byte) {
	b.VerificationMaterial.TlogEntries = made(s, over, keyless()).VerificationMaterial.TlogEntries
}

// swapEntryOf is like swapEntry, for a signature that was made and logged differently.
func swapEntryOf(b *pbbundle.Bundle, s *Sigstore, over []byte, how How) {
	how.Alter = nil
	b.VerificationMaterial.TlogEntries = made(s, over, how).VerificationMaterial.TlogEntries
}

// forgeCheckpoint replaces the checkpoint with the checkpoint of another log.
func forgeCheckpoint(b *pbbundle.Bundle, s *Sigstore, over []byte, how How) {
	b.VerificationMaterial.TlogEntries[0].InclusionProof.Checkpoint = made(s, over, how).VerificationMaterial.TlogEntries[0].InclusionProof.Checkpoint
}

func repeatEntry(b *pbbundle.Bundle, times int) {
	entry := b.VerificationMaterial.TlogEntries[0]
	for range times - 1 {
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, entry)
	}
}

// stampAgain adds another timestamp of the signature.
func stampAgain(b *pbbundle.Bundle, s *Sigstore, at time.Time) {
	stamps := b.VerificationMaterial.TimestampVerificationData
	stamps.Rfc3161Timestamps = append(stamps.Rfc3161Timestamps, &pbcommon.RFC3161SignedTimestamp{
		SignedTimestamp: s.Stamp(b.GetMessageSignature().Signature, at),
	})
}

func repeatStamp(b *pbbundle.Bundle, times int) {
	stamps := b.VerificationMaterial.TimestampVerificationData
	for range times - 1 {
		stamps.Rfc3161Timestamps = append(stamps.Rfc3161Timestamps, stamps.Rfc3161Timestamps[0])
	}
}

// padEntry pads the body of the log entry to that length with white space.
func padEntry(b *pbbundle.Bundle, length int) {
	body := &b.VerificationMaterial.TlogEntries[0].CanonicalizedBody
	*body = append(*body, bytes.Repeat([]byte(" "), length-len(*body))...)
}

// padStamp pads the timestamp to that length.
func padStamp(b *pbbundle.Bundle, length int) {
	stamp := &b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps[0].SignedTimestamp
	*stamp = append(*stamp, make([]byte, length-len(*stamp))...)
}
