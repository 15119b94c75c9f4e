// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/rekor/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

// roots are those of an inclusion proof and of the signed checkpoint.
type roots struct {
	proven, signed []byte
	accepted       bool
}

// rekor 1.5.2 compared roots as text and ignored case. Then all bytes that are not UTF-8 are equal, so an entry that is
// in no log could pass as one that is. sigstore-go calls this function for the checkpoints of Rekor v1.
var _ = DescribeTable("J7: The root of an inclusion proof is that of the checkpoint", Label("keyless"),
	func(r roots) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		Expect(err).NotTo(HaveOccurred())
		signer, err := signature.LoadECDSASignerVerifier(key, 5)
		Expect(err).NotTo(HaveOccurred())
		checkpoint, err := util.CreateAndSignCheckpoint(context.Background(), "rekor.example", 1, 1, r.signed, signer)
		Expect(err).NotTo(HaveOccurred())
		root, note, index := hex.EncodeToString(r.proven), string(checkpoint), int64(0)
		entry := &models.LogEntryAnon{
			LogIndex:     &index,
			Verification: &models.LogEntryAnonVerification{InclusionProof: &models.InclusionProof{RootHash: &root, Checkpoint: &note, TreeSize: &index, LogIndex: &index}},
		}
		err = verify.VerifyCheckpointSignature(entry, signer)
		if r.accepted {
			Expect(err).NotTo(HaveOccurred())
		} else {
			Expect(err).To(HaveOccurred())
		}
	},
	Entry("the same", roots{proven: bytes.Repeat([]byte{0x80}, 32), signed: bytes.Repeat([]byte{0x80}, 32), accepted: true}),
	Entry("different, only in bytes that are not UTF-8", roots{proven: bytes.Repeat([]byte{0x80}, 32), signed: bytes.Repeat([]byte{0x81}, 32)}),
	Entry("different, only in the last such byte", roots{proven: append(bytes.Repeat([]byte{0xff}, 31), 0xfe), signed: bytes.Repeat([]byte{0xff}, 32)}),
	Entry("different, only in the case of a letter", roots{proven: bytes.Repeat([]byte{'a'}, 32), signed: bytes.Repeat([]byte{'A'}, 32)}),
	Entry("different, only in letters with the same folded case", roots{
		proven: append([]byte("ſ"), bytes.Repeat([]byte{'s'}, 30)...),
		signed: append([]byte("S\x00"), bytes.Repeat([]byte{'s'}, 30)...),
	}),
)
