// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// maxKeySize is more than any key that is not refused for its size.
const maxKeySize = 1 << 20

// verify returns nil if the artifact is signed as the arguments ask for.
func (p program) verify(ctx context.Context, a arguments) error {
	raw, err := readBounded(a.bundle, bundle.MaxSize)
	if err != nil {
		return err
	}
	b, err := bundle.Parse(raw)
	if err != nil {
		return err
	}
	signed, err := artifactOf(a.artifact)
	if err != nil {
		return err
	}
	trust, err := p.trust(ctx, a)
	if err != nil {
		return err
	}
	signature, err := b.Verify(signed, trust)
	if err != nil {
		return err
	}
	return a.checkSigner(signature)
}

// trust is what the signature must be proven by. Of transparency logs the suite
// asks what the trusted root says; certificates are always to be logged.
func (p program) trust(ctx context.Context, a arguments) (bundle.Trust, error) {
	t := bundle.Trust{Log: bundle.LogAsRoot, RequireSCT: true}
	if a.keyed() {
		raw, err := readBounded(a.key, maxKeySize)
		if err != nil {
			return t, err
		}
		key, err := bundle.ParseKey(filepath.Base(a.key), raw)
		if err != nil {
			return t, err
		}
		t.Keys = []bundle.Key{key}
	}
	var err error
	t.Root, err = p.root(ctx, a)
	return t, err
}

// checkSigner compares the identity that is proven with the one that is wanted, letter by letter.
func (a arguments) checkSigner(signature bundle.Signature) error {
	if a.keyed() || (signature.Subject == a.identity && signature.Issuer == a.issuer) {
		return nil
	}
	return fmt.Errorf("signed by %q of %q, not by %q of %q", signature.Subject, signature.Issuer, a.identity, a.issuer)
}

// artifactOf takes a digest for one if it has the form of one and no file is called so, as the protocol says.
func artifactOf(name string) (bundle.Artifact, error) {
	if d, ok := digestOf(name); ok {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return bundle.Digest(d)
		}
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return bundle.Artifact{}, err
	}
	return bundle.Bytes(raw), nil
}

func digestOf(name string) (digest.Digest, bool) {
	d := digest.Digest(strings.ToLower(name))
	return d, strings.HasPrefix(name, "sha256:") && d.Validate() == nil
}

// readBounded reads a file, at most one byte more than limit: so the parser sees that it is too large.
func readBounded(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(file, limit+1))
}
