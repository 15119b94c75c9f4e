// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// genuine are the bundles to edit, one of each shape.
var genuine = []func() *given{
	keyless(stamped),
	keyless(stamped, statement),
	keyless(withRekorV2),
	keyless(version("0.1")),
	keyed(statement, rekorV2Alone),
	unloggedKey(),
}

// edited runs the client on an edited bundle.
type edited struct {
	given *given
	raw   []byte
	file  string
	args  []string
}

func newEdited(dir string, g *given) *edited {
	e := &edited{given: g, raw: g.json(), args: g.arguments(dir, true)}
	e.file = e.args[2]
	return e
}

// verdict returns an error if raw is trusted although it holds another signature, or by another signer, than
// its original.
func (e *edited) verdict(raw []byte) error {
	if err := os.WriteFile(e.file, raw, 0o600); err != nil {
		return err
	}
	var stderr bytes.Buffer
	if status := offline(&stderr).run(context.Background(), e.args); status != 0 {
		if ok, err := beOneLine().Match(stderr.String()); !ok || err != nil {
			return fmt.Errorf("it said %q", stderr.String())
		}
		return nil
	}
	var now pbbundle.Bundle
	if err := protojson.Unmarshal(raw, &now); err != nil {
		return fmt.Errorf("bytes that are no bundle are trusted: %w", err)
	}
	if !proto.Equal(signedPart(e.given.bundle), signedPart(&now)) {
		return fmt.Errorf("an unsigned artifact is trusted: %s", raw)
	}
	return nil
}

// signedPart is the signed content, the signature, and its certificate. The rest of a bundle proves them, or
// fails to: it states nothing by itself.
func signedPart(b *pbbundle.Bundle) *pbbundle.Bundle {
	part := proto.CloneOf(b)
	part.MediaType = ""
	if envelope := part.GetDsseEnvelope(); envelope != nil {
		for _, signature := range envelope.Signatures {
			signature.Keyid = ""
		}
	}
	if chain := part.VerificationMaterial.GetX509CertificateChain(); chain != nil && len(chain.Certificates) > 0 {
		leaf := chain.Certificates[0]
		part.VerificationMaterial = &pbbundle.VerificationMaterial{Content: &pbbundle.VerificationMaterial_Certificate{Certificate: leaf}}
	}
	switch part.VerificationMaterial.GetContent().(type) {
	case *pbbundle.VerificationMaterial_PublicKey: // a hint is not proof
		part.VerificationMaterial = nil
	default:
		part.VerificationMaterial = &pbbundle.VerificationMaterial{Content: part.VerificationMaterial.GetContent()}
	}
	return part
}

var _ = Describe("A bundle", func() {
	// The loop edits every place of one shape, and a few places of the others: all places would take minutes
	// under the race detector.
	It("is refused cut off at any place, and with anything after it", func() {
		for shape, given := range genuine {
			e := newEdited(GinkgoT().TempDir(), given())
			step := 1
			if shape > 0 {
				step = 7
			}
			for end := shape; end < len(e.raw); end += step {
				Expect(e.verdict(e.raw[:end])).To(Succeed())
			}
			for _, more := range []string{"x", "{}", "\x00", ",", "}"} {
				Expect(e.verdict(append(bytes.Clone(e.raw), more...))).To(Succeed())
			}
		}
	})

	It("is refused with a bit flipped, or trusted with its original meaning", func() {
		for shape, given := range genuine {
			e := newEdited(GinkgoT().TempDir(), given())
			for at := shape; at < len(e.raw); at += 9 {
				raw := bytes.Clone(e.raw)
				raw[at] ^= 1 << (at % 7)
				Expect(e.verdict(raw)).To(Succeed())
			}
		}
	})
})

// FuzzVerifyBundle edits genuine bundles at any place. Each process makes new bundles, with keys of its own, so
// the edits are the input and not the bundles.
func FuzzVerifyBundle(f *testing.F) {
	RegisterFailHandler(func(message string, _ ...int) { f.Fatal(message) })
	var targets []*edited
	for _, given := range genuine {
		targets = append(targets, newEdited(f.TempDir(), given()))
	}
	for i := range targets {
		f.Add(uint8(i), uint16(i*100), uint16(0), []byte(nil))
		f.Add(uint8(i), uint16(i*200), uint16(4), []byte("AAAA"))
		f.Add(uint8(i), uint16(0), uint16(1), []byte(`{"dsseEnvelope":{},`))
		f.Add(uint8(i), uint16(1), uint16(0), []byte(`"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1",`))
	}
	f.Fuzz(func(t *testing.T, target uint8, at, dropped uint16, inserted []byte) {
		e := targets[int(target)%len(targets)]
		start := int(at) % len(e.raw)
		end := min(start+int(dropped), len(e.raw))
		raw := append(append(bytes.Clone(e.raw[:start]), inserted...), e.raw[end:]...)
		if err := e.verdict(raw); err != nil {
			t.Fatal(err)
		}
	})
}
