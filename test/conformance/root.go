// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

// root returns the trusted root: from the file, or from the TUF repository.
func (p program) root(ctx context.Context, a arguments) (*trustroot.Root, error) {
	if a.root == "" {
		return p.fetchedRoot(ctx, a.staging)
	}
	raw, err := readBounded(a.root, trustroot.MaxSize)
	if err != nil {
		return nil, err
	}
	return trustroot.Parse(raw)
}

func (p program) fetchedRoot(ctx context.Context, staging bool) (*trustroot.Root, error) {
	options, name := p.production, "public-good"
	if staging {
		options, name = p.staging, "staging"
	}
	cache, err := p.cacheDir()
	if err != nil {
		return nil, fmt.Errorf("there is no directory to keep the trusted root in: %w", err)
	}
	options.CacheDir = filepath.Join(cache, name)
	repository, err := trustroot.NewTUF(options)
	if err != nil {
		return nil, err
	}
	r, err := repository.Root(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w (the network may be out of reach: give --trusted-root)", err)
	}
	return r, nil
}
