// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbdsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	pbtrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"

	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

func flip(raw []byte) { raw[len(raw)/2] ^= 1 }

// checkpoint changes the lines of the checkpoint: origin, size, root hash, extension lines, an empty line, and
// signatures.
func checkpoint(change func(lines []string) []string) func(*given) {
	return func(g *given) {
		lines := strings.Split(strings.TrimSuffix(g.proof().Checkpoint.Envelope, "\n"), "\n")
		changed := change(slices.Clone(lines))
		Expect(changed).NotTo(Equal(lines))
		g.proof().Checkpoint.Envelope = strings.Join(changed, "\n") + "\n"
	}
}

// without drops a line.
func without(line int) func([]string) []string {
	return func(lines []string) []string { return slices.Delete(lines, line, line+1) }
}

// cosignature is a signature line of a checkpoint from an unknown witness.
func cosignature(name, keyHint string) string {
	return "— " + name + " " + base64.StdEncoding.EncodeToString(append([]byte(keyHint), make([]byte, 64)...))
}

func appended(more ...string) func([]string) []string {
	return func(lines []string) []string { return append(lines, more...) }
}

// last changes the last line, which is the log's signature.
func last(change func(string) string) func([]string) []string {
	return func(lines []string) []string {
		lines[len(lines)-1] = change(lines[len(lines)-1])
		return lines
	}
}

// corrupted flips a bit of the signature in a signature line, or of its key hint.
func corrupted(at int) func(string) string {
	return func(line string) string {
		space := strings.LastIndex(line, " ")
		raw, err := base64.StdEncoding.DecodeString(line[space+1:])
		Expect(err).NotTo(HaveOccurred())
		raw[at] ^= 1
		return line[:space+1] + base64.StdEncoding.EncodeToString(raw)
	}
}

// body changes the body of the log entry.
func body(change func(map[string]any)) func(*given) {
	return func(g *given) {
		var parsed map[string]any
		Expect(json.Unmarshal(g.entry().CanonicalizedBody, &parsed)).To(Succeed())
		change(parsed)
		changed, err := json.Marshal(parsed)
		Expect(err).NotTo(HaveOccurred())
		g.entry().CanonicalizedBody = changed
	}
}

// entryOf replaces the log entry by the entry of another signature.
func entryOf(other func() *given) func(*given) {
	return func(g *given) { g.material().TlogEntries = other().material().TlogEntries }
}

// repeat returns a list with its first element n times.
func repeat[T any](list []T, n int) []T { return slices.Repeat(list[:1], n) }

// envelopeOf replaces the envelope by the envelope of another signature.
func envelopeOf(other func() *given) func(*given) {
	return func(g *given) { g.bundle.Content = other().bundle.Content }
}

// signedTwice adds a second signature to the envelope.
func signedTwice(g *given) {
	envelope := g.bundle.GetDsseEnvelope()
	envelope.Signatures = append(envelope.Signatures, &pbdsse.Signature{Sig: envelope.Signatures[0].Sig})
}

// decoy returns a self-signed authority with the name of another.
func decoy(of *pbtrustroot.CertificateAuthority) *pbtrustroot.CertificateAuthority {
	real, err := x509.ParseCertificate(of.CertChain.Certificates[0].RawBytes)
	Expect(err).NotTo(HaveOccurred())
	key := newKey()
	return describeAuthority("https://decoy.test", certify(&x509.Certificate{
		RawSubject: real.RawSubject, NotBefore: real.NotBefore, NotAfter: real.NotAfter,
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}, nil, key, key))
}

const minute = time.Minute

type authorityPB = pbtrustroot.CertificateAuthority

// beforeLast puts lines before the log's signature.
func beforeLast(more ...string) func([]string) []string {
	return func(lines []string) []string { return slices.Insert(lines, len(lines)-1, more...) }
}

// addStamps adds timestamps to those of the bundle.
func addStamps(g *given, stamps ...[]byte) {
	if g.stamps() == nil {
		g.material().TimestampVerificationData = &pbbundle.TimestampVerificationData{}
	}
	for _, stamp := range stamps {
		g.stamps().Rfc3161Timestamps = append(g.stamps().Rfc3161Timestamps, &pbcommon.RFC3161SignedTimestamp{SignedTimestamp: stamp})
	}
}

func privatePEM(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// restate changes the statement, and signs it again with the key.
func restate(change func(map[string]any)) func(*given) {
	return func(g *given) {
		envelope := g.bundle.GetDsseEnvelope()
		var parsed map[string]any
		Expect(json.Unmarshal(envelope.Payload, &parsed)).To(Succeed())
		change(parsed)
		payload, err := json.Marshal(parsed)
		Expect(err).NotTo(HaveOccurred())
		Expect(payload).NotTo(MatchJSON(envelope.Payload))
		sum := sha256.Sum256(dsse.PAE(envelope.PayloadType, payload))
		envelope.Payload = payload
		envelope.Signatures[0].Sig, err = ecdsa.SignASN1(rand.Reader, key, sum[:])
		Expect(err).NotTo(HaveOccurred())
	}
}

// becomes replaces the whole input.
func becomes(other func() *given) func(*given) { return func(g *given) { *g = *other() } }

func asHash(h *How)        { h.LogAs = "hashedrekord" }
func asInToto(h *How)      { h.LogAs = "intoto" }
func asPlainInToto(h *How) { h.LogAs, h.PlainCheckpoint = "intoto", true }

// unloggedKey returns the input for a key and a root without entries.
func unloggedKey(change ...func(*How)) func() *given {
	return func() *given {
		how := How{Key: key}
		for _, c := range change {
			c(&how)
		}
		return signedBy(ours, how, Authority, CTLog, TimestampAuthority, Log)
	}
}

// managedKey returns the input for a key, and a root with every kind of entry.
func managedKey() *given { return signedBy(ours, How{Key: key, Log: RekorV1, Stamped: true}) }

// inLab returns the input for a signature that was logged at a time from the epoch on.
func inLab(after time.Duration) func() *given {
	return changed(keyless(), func(g *given) {
		l := usualLab()
		l.trustedBy(g.root)
		l.enterAgain(g, ours.Epoch.Add(after))
	})
}

// stampedByLab returns the input for a signature with a timestamp of an authority; its certificates are valid
// from some time before the epoch until some time after the test.
func stampedByLab(before, after time.Duration) func() *given {
	return changed(keyless(rekorV2Alone), func(g *given) {
		l := newLab(ours.Epoch.Add(-before), time.Now().Add(after))
		l.trustedBy(g.root)
		addStamps(g, l.stamp(g.signature(), ours.Epoch))
	})
}

// expiring returns the input for an authority with an intermediate certificate that ends at a time from the
// epoch on.
func expiring(after time.Duration) func() *given {
	return func() *given {
		s := NewExpiring(ours.Epoch.Add(after))
		return signedBy(s, How{Issuer: issuer, Subject: identity, Log: RekorV1, Time: ours.Epoch})
	}
}
