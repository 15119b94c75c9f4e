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

// maxKeySize is above the largest key that the parser accepts.
const maxKeySize = 1 << 20

// verify returns nil if the artifact is signed as the arguments demand.
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

// trust returns the constraints on the signature. The suite demands the transparency logs that the trusted root
// lists, and a log of certificates always.
func (p program) trust(ctx context.Context, a arguments) (bundle.Trust, error) {
	t := bundle.Trust{Log: bundle.LogAsRoot}
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
	if err == nil && !a.keyed() && !t.Root.HasCTLogs() {
		return t, errors.New("the trusted root names no log of certificates")
	}
	return t, err
}

// checkSigner compares the proven identity with the expected one, character by character.
func (a arguments) checkSigner(signature bundle.Signature) error {
	if a.keyed() || (signature.Subject == a.identity && signature.Issuer == a.issuer) {
		return nil
	}
	return fmt.Errorf("signed by %q of %q, not by %q of %q", signature.Subject, signature.Issuer, a.identity, a.issuer)
}

// artifactOf returns a digest if the argument has the form of a digest and no file has that name, as the
// protocol demands.
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

// readBounded reads a file, at most one byte more than limit, so that the parser detects a file that is too
// large.
func readBounded(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // no byte was written
	return io.ReadAll(io.LimitReader(file, limit+1))
}
