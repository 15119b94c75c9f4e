// SPDX-License-Identifier: Apache-2.0

package cosign

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"slices"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// Suffixes of the files beside an archive: a bundle, as cosign sign-blob --bundle writes it, under the usual names; and
// a signature, as --output-signature writes it, with its certificate.
const (
	bundleSuffix      = ".sigstore.json"
	oldBundleSuffix   = ".cosign.bundle"
	signatureSuffix   = ".sig"
	certificateSuffix = ".pem"
)

// beside finds the possible signatures of an archive in the files beside it.
type beside struct {
	subject verify.Subject
	reader  registry.Reader
	places  []string
}

func (b *beside) searched() []string { return b.places }

func placeBeside(suffix string) string { return "file " + suffix + " beside the archive" }

// candidates implements places. The files in which signatures were accepted last are read first.
func (b *beside) candidates(ctx context.Context) iter.Seq[candidate] {
	suffixes := []string{bundleSuffix, oldBundleSuffix, signatureSuffix}
	rank := func(suffix string) int {
		if slices.Contains(b.subject.Sources, placeBeside(suffix)) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(suffixes, func(x, y string) int { return rank(x) - rank(y) })
	return func(yield func(candidate) bool) {
		for _, suffix := range suffixes {
			if c, ok := b.candidate(ctx, suffix); ok && !yield(c) {
				return
			}
		}
	}
}

// candidate returns the signature in the file with a suffix, if there is such a file.
func (b *beside) candidate(ctx context.Context, suffix string) (candidate, bool) {
	place := placeBeside(suffix)
	b.places = append(b.places, place)
	raw, err := b.reader.Beside(ctx, b.subject.Manifest.Digest, suffix, bundle.MaxSize)
	c := candidate{source: place, format: bundleFormat, file: raw}
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return c, false
	case err != nil:
		c.problem = attached.Unread("", err)
	case suffix == signatureSuffix:
		b.detached(ctx, &c)
	default:
		b.local(&c)
	}
	return c, true
}

// local reads the file that cosign sign-blob --bundle wrote before it wrote Sigstore bundles. Any other file is a
// Sigstore bundle.
func (b *beside) local(c *candidate) {
	var old struct {
		Signature   string          `json:"base64Signature"`
		Certificate string          `json:"cert"`
		Rekor       json.RawMessage `json:"rekorBundle"`
	}
	if err := json.Unmarshal(c.file, &old); err != nil || old.Signature == "" {
		return
	}
	c.sign(b.subject, bundle.Legacy{Signature: old.Signature, Certificate: plainPEM([]byte(old.Certificate)), RekorBundle: jsonText(old.Rekor)})
}

// jsonText returns a JSON value as text; nothing for null.
func jsonText(raw json.RawMessage) string {
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// detached reads a file with a signature, and the certificate in a file of its own.
func (b *beside) detached(ctx context.Context, c *candidate) {
	signature := bytes.TrimSpace(c.file)
	if _, err := base64.StdEncoding.DecodeString(string(signature)); err != nil {
		signature = []byte(base64.StdEncoding.EncodeToString(c.file)) // as --b64=false writes it
	}
	certificate, err := b.reader.Beside(ctx, b.subject.Manifest.Digest, certificateSuffix, maxProof)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		c.problem = attached.Unread("", err)
		return
	}
	c.sign(b.subject, bundle.Legacy{Signature: string(signature), Certificate: plainPEM(certificate)})
}

// sign sets the signature of the candidate, unless it exceeds the bounds.
func (c *candidate) sign(s verify.Subject, signed bundle.Legacy) {
	c.format = blobFormat
	switch {
	case len(signed.Signature) > maxSignature:
		c.problem = verify.Refuse("the signature has %d bytes, more than %d", len(signed.Signature), maxSignature)
	case len(signed.Certificate) > maxProof, len(signed.RekorBundle) > maxProof:
		c.problem = verify.Refuse("its certificate or log entry has more than %d bytes", maxProof)
	}
	signed.Digest = s.Manifest.Digest
	c.signed = &signed
}

// plainPEM returns a certificate in PEM, which cosign writes in base64.
func plainPEM(certificate []byte) string {
	certificate = bytes.TrimSpace(certificate)
	if decoded, err := base64.StdEncoding.DecodeString(string(certificate)); err == nil {
		return string(decoded)
	}
	return string(certificate)
}
