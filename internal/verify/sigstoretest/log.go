// SPDX-License-Identifier: Apache-2.0

package sigstoretest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/digitorus/timestamp"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbrekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	pbtiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	tilesnote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

// origin is the name of the log.
const origin = "rekor.test"

// signed is the content of a log entry: the signed bytes, the signer, and the signature.
type signed struct {
	how       How
	message   []byte // of which the digest is logged
	payload   []byte // of a statement, else nil
	signature []byte
	verifier  []byte // PEM
	// entry for Rekor v2
	v2 *pbtiles.Verifier
}

// enter returns the log entry of a signature.
func (s *Sigstore) enter(what signed) *pbrekor.TransparencyLogEntry {
	if what.how.Log == RekorV2 {
		return s.enterV2(what)
	}
	return s.enterV1(what)
}

func (s *Sigstore) enterV1(what signed) *pbrekor.TransparencyLogEntry {
	kind, version, spec := what.entryV1()
	// Go encodes maps as canonical JSON: sorted keys and no spaces.
	body, err := json.Marshal(map[string]any{"apiVersion": version, "kind": kind, "spec": spec})
	must(err)
	entry := s.entry(what, body, kind, version)
	entry.IntegratedTime = s.at(what.how).Unix()
	if !what.how.WithoutPromise {
		entry.InclusionPromise = &pbrekor.InclusionPromise{SignedEntryTimestamp: s.promiseEntry(entry)}
	}
	entry.InclusionProof = s.prove(body, func(rootHash []byte) string {
		signer, err := signature.LoadECDSASigner(s.log, crypto.SHA256)
		must(err)
		name := origin + " - 1"
		if what.how.PlainCheckpoint {
			name = origin
		}
		checkpoint, err := util.CreateSignedCheckpoint(util.Checkpoint{Origin: name, Size: 1, Hash: rootHash})
		must(err)
		_, err = checkpoint.Sign(origin, signer, options.WithContext(context.Background()))
		must(err)
		raw, err := checkpoint.MarshalText()
		must(err)
		return string(raw)
	})
	return entry
}

// entryV1 returns the content of a Rekor v1 entry for a signature.
func (what signed) entryV1() (kind, version string, spec map[string]any) {
	switch {
	case what.payload == nil || what.how.LogAs == "hashedrekord":
		return "hashedrekord", "0.0.1", map[string]any{
			"data":      map[string]any{"hash": hashOf(what.how.hash(), what.message)},
			"signature": map[string]any{"content": what.signature, "publicKey": map[string]any{"content": what.verifier}},
		}
	case what.how.LogAs == "intoto":
		encoded := base64.StdEncoding.EncodeToString(what.signature)
		return "intoto", "0.0.2", map[string]any{"content": map[string]any{
			"envelope": map[string]any{"payloadType": statementMediaType, "signatures": []any{
				map[string]any{"publicKey": what.verifier, "sig": []byte(encoded)},
			}},
			"hash": hashOf(crypto.SHA256, what.message), "payloadHash": hashOf(crypto.SHA256, what.payload),
		}}
	}
	return "dsse", "0.0.1", map[string]any{
		"envelopeHash": hashOf(crypto.SHA256, what.message), "payloadHash": hashOf(crypto.SHA256, what.payload),
		"signatures": []any{map[string]any{"signature": base64.StdEncoding.EncodeToString(what.signature), "verifier": what.verifier}},
	}
}

// promiseEntry returns the signed entry timestamp of an entry.
func (s *Sigstore) promiseEntry(entry *pbrekor.TransparencyLogEntry) []byte {
	promised, err := json.Marshal(map[string]any{
		"body": entry.CanonicalizedBody, "integratedTime": entry.IntegratedTime,
		"logID": hex.EncodeToString(entry.LogId.KeyId), "logIndex": entry.LogIndex,
	})
	must(err)
	sum := sha256.Sum256(promised)
	promise, err := ecdsa.SignASN1(rand.Reader, s.log, sum[:])
	must(err)
	return promise
}

func (s *Sigstore) enterV2(what signed) *pbrekor.TransparencyLogEntry {
	h := what.how.hash().New()
	h.Write(what.message)
	serialized, err := protojson.Marshal(&pbtiles.Entry{
		ApiVersion: "0.0.2", Kind: "hashedrekord",
		Spec: &pbtiles.Spec{Spec: &pbtiles.Spec_HashedRekordV002{HashedRekordV002: &pbtiles.HashedRekordLogEntryV002{
			Data:      &pbcommon.HashOutput{Algorithm: protoHash(what.how.hash()), Digest: h.Sum(nil)},
			Signature: &pbtiles.Signature{Content: what.signature, Verifier: what.v2},
		}}},
	})
	must(err)
	body, err := jsoncanonicalizer.Transform(serialized)
	must(err)
	entry := s.entry(what, body, "hashedrekord", "0.0.2")
	entry.LogIndex = 0
	entry.InclusionProof = s.prove(body, func(rootHash []byte) string {
		signer, err := signature.LoadECDSASignerVerifier(s.log, crypto.SHA256)
		must(err)
		noteSigner, err := tilesnote.NewNoteSigner(context.Background(), origin, signer)
		must(err)
		checkpoint, err := note.Sign(&note.Note{Text: string(log.Checkpoint{Origin: origin, Size: 1, Hash: rootHash}.Marshal())}, noteSigner)
		must(err)
		return string(checkpoint)
	})
	return entry
}

func (s *Sigstore) entry(what signed, body []byte, kind, version string) *pbrekor.TransparencyLogEntry {
	s.entries++
	return &pbrekor.TransparencyLogEntry{
		LogIndex: s.entries, LogId: &pbcommon.LogId{KeyId: logID(s.log)},
		KindVersion: &pbrekor.KindVersion{Kind: kind, Version: version}, CanonicalizedBody: body,
	}
}

// prove returns the proof that an entry is the only one of a log.
func (s *Sigstore) prove(body []byte, checkpoint func(rootHash []byte) string) *pbrekor.InclusionProof {
	leaf := sha256.Sum256(append([]byte{0}, body...)) // RFC 6962 §2.1
	return &pbrekor.InclusionProof{
		LogIndex: 0, TreeSize: 1, RootHash: leaf[:], Hashes: [][]byte{},
		Checkpoint: &pbrekor.Checkpoint{Envelope: checkpoint(leaf[:])},
	}
}

// Stamp returns a timestamp of a signature.
func (s *Sigstore) Stamp(signature []byte, at time.Time) []byte { return s.stamp(How{}, at, signature) }

// stamp returns the RFC 3161 timestamp of a signature.
func (s *Sigstore) stamp(how How, at time.Time, signature []byte) []byte {
	sum := sha256.Sum256(signature)
	stamp := timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Time: at, Policy: []int{1, 3, 6, 1, 4, 1, 57264, 2},
		AddTSACertificate: how.EmbedTSA,
	}
	response, err := stamp.CreateResponseWithOpts(s.tsa.chain[0], s.tsa.key, crypto.SHA256)
	must(err)
	return response
}

func hashOf(hash crypto.Hash, message []byte) map[string]any {
	h := hash.New()
	h.Write(message)
	return map[string]any{"algorithm": hashName(hash), "value": hex.EncodeToString(h.Sum(nil))}
}

func hashName(hash crypto.Hash) string {
	return map[crypto.Hash]string{crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512"}[hash]
}

func protoHash(hash crypto.Hash) pbcommon.HashAlgorithm {
	return map[crypto.Hash]pbcommon.HashAlgorithm{
		crypto.SHA256: pbcommon.HashAlgorithm_SHA2_256, crypto.SHA384: pbcommon.HashAlgorithm_SHA2_384, crypto.SHA512: pbcommon.HashAlgorithm_SHA2_512,
	}[hash]
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
