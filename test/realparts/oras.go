// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

// Oras is the oras command, which stores arbitrary files in a registry.
type Oras struct{ tool tool }

// NewOras returns an oras that keeps its files in dir.
func NewOras(dir string) (*Oras, error) {
	path, err := parts.Path(parts.Oras)
	if err != nil {
		return nil, err
	}
	dir, env, err := home(dir, parts.Oras)
	if err != nil {
		return nil, err
	}
	return &Oras{tool{name: parts.Oras, path: path, dir: dir, env: append(env, offline()...)}}, nil
}

// Push pushes the files as an artifact with the tag in ref. A file is a path, optionally followed by a colon
// and its media type.
func (o *Oras) Push(ctx context.Context, ref string, files ...string) error {
	_, err := o.tool.run(ctx, append([]string{"push", "--plain-http", "--disable-path-validation", ref}, files...)...)
	return err
}

// Attach pushes the files, given in the same form as for Push, as an artifact of the given type that refers to
// the manifest of ref.
func (o *Oras) Attach(ctx context.Context, ref, artifactType string, files ...string) error {
	_, err := o.tool.run(ctx, append([]string{"attach", "--plain-http", "--disable-path-validation", "--artifact-type=" + artifactType, ref}, files...)...)
	return err
}
