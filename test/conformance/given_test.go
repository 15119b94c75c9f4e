// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbrekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	pbtrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"

	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// The private Sigstores that the rows use; making them is the slow part.
var (
	ours, theirs = NewSmall(), NewSmall()
	key          = NewKey()
)

const (
	identity  = "https://github.com/example/charts/.github/workflows/release.yaml@refs/heads/main"
	issuer    = "https://token.actions.githubusercontent.com"
	predicate = "https://example.com/test"
)

// given is the input of the client.
type given struct {
	bundle *pbbundle.Bundle
	// edit changes the bundle's JSON; nil for no change.
	edit func([]byte) []byte
	// root is nil if there is no --trusted-root.
	root *pbtrustroot.TrustedRoot
	// key is nil if there is no --key.
	key              []byte
	identity, issuer string
	artifact         []byte
	// extra are additional flags.
	extra []string
}

// keyless returns the input for a signature with a certificate, and for the root of its issuer.
func keyless(change ...func(*How)) func() *given {
	return func() *given {
		signing := how()
		for _, c := range change {
			c(&signing)
		}
		return signedBy(ours, signing)
	}
}

// keyed returns the input for a signature by a key, and a root that names a log.
func keyed(change ...func(*How)) func() *given {
	return func() *given {
		how := How{Key: key, Log: RekorV1}
		for _, c := range change {
			c(&how)
		}
		return signedBy(ours, how, Authority, CTLog, TimestampAuthority)
	}
}

func signedBy(s *Sigstore, how How, without ...Part) *given {
	g := &given{artifact: []byte("artifact"), root: rootOf(s, without...)}
	g.bundle = bundleOf(s, g.artifact, how)
	if how.Key != nil {
		g.key = PublicKey(how.Key)
	} else {
		g.identity, g.issuer = identity, issuer
	}
	return g
}

func bundleOf(s *Sigstore, artifact []byte, how How) *pbbundle.Bundle {
	b := &pbbundle.Bundle{}
	Expect(protojson.Unmarshal(s.Bundle(artifact, how), b)).To(Succeed())
	return b
}

func rootOf(s *Sigstore, without ...Part) *pbtrustroot.TrustedRoot {
	r := &pbtrustroot.TrustedRoot{}
	Expect(protojson.Unmarshal(s.Root(without...), r)).To(Succeed())
	return r
}

// Changes of the way of signing.
func statement(h *How)    { h.Statement = predicate }
func stamped(h *How)      { h.Stamped = true }
func embedded(h *How)     { h.EmbedTSA = true }
func unlogged(h *How)     { h.Log = NoLog }
func unpromised(h *How)   { h.WithoutPromise = true }
func withRekorV2(h *How)  { h.Log, h.Stamped = RekorV2, true }
func rekorV2Alone(h *How) { h.Log = RekorV2 }

func version(v string) func(*How) { return func(h *How) { h.Version = v } }

func (g *given) material() *pbbundle.VerificationMaterial { return g.bundle.VerificationMaterial }

// entry returns the only log entry.
func (g *given) entry() *pbrekor.TransparencyLogEntry { return g.material().TlogEntries[0] }

func (g *given) proof() *pbrekor.InclusionProof { return g.entry().InclusionProof }

func (g *given) stamps() *pbbundle.TimestampVerificationData {
	return g.material().TimestampVerificationData
}

// signature returns the only signature in the bundle.
func (g *given) signature() []byte {
	if envelope := g.bundle.GetDsseEnvelope(); envelope != nil {
		return envelope.Signatures[0].Sig
	}
	return g.bundle.GetMessageSignature().Signature
}

func (g *given) json() []byte {
	raw, err := protojson.Marshal(g.bundle)
	Expect(err).NotTo(HaveOccurred())
	if g.edit != nil {
		edited := g.edit(bytes.Clone(raw))
		Expect(edited).NotTo(Equal(raw), "nothing was edited")
		return edited
	}
	return raw
}

// replacing returns the JSON edit that replaces text; the text must exist.
func replacing(old, replacement string) func([]byte) []byte {
	return func(raw []byte) []byte { return bytes.ReplaceAll(raw, []byte(old), []byte(replacement)) }
}

// arguments writes the input into dir, and returns the command line.
func (g *given) arguments(dir string, byDigest bool) []string {
	write := func(name string, raw []byte) string {
		path := filepath.Join(dir, name)
		Expect(os.WriteFile(path, raw, 0o600)).To(Succeed())
		return path
	}
	args := append([]string{"verify-bundle", "--bundle", write("bundle.sigstore.json", g.json())}, g.extra...)
	if g.key != nil {
		args = append(args, "--key", write("key.pub", g.key))
	}
	if g.identity != "" {
		args = append(args, "--certificate-identity", g.identity, "--certificate-oidc-issuer", g.issuer)
	}
	if g.root != nil {
		raw, err := protojson.Marshal(g.root)
		Expect(err).NotTo(HaveOccurred())
		args = append(args, "--trusted-root", write("trusted_root.json", raw))
	}
	if byDigest {
		return append(args, digest.FromBytes(g.artifact).String())
	}
	return append(args, write("artifact", g.artifact))
}

// offline is the client without a cache directory: it must not need one.
func offline(stderr *bytes.Buffer) program {
	return program{stderr: stderr, cacheDir: func() (string, error) { return "", errors.New("no cache in this test") }}
}

// run returns the client's exit status and output.
func (g *given) run(dir string, byDigest bool) (status int, said string) {
	var stderr bytes.Buffer
	status = offline(&stderr).run(context.Background(), g.arguments(dir, byDigest))
	return status, stderr.String()
}

// beOneLine matches the text of a rejection.
func beOneLine() OmegaMatcher {
	return And(MatchRegexp(`\Aconformance: [^\n]+\n\z`), WithTransform(func(s string) int { return len(s) }, BeNumerically("<", maxReason+64)))
}

// how is the usual way to sign.
func how() How { return How{Issuer: issuer, Subject: identity, Log: RekorV1} }
