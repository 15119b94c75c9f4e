// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"errors"
	"os"
	"slices"
)

// Layout is a form in which cosign stores a signature in a registry.
type Layout int

const (
	// LegacyTag is a layer of the manifest with the tag `sha256-<hex>.sig`.
	LegacyTag Layout = iota
	// LegacyReferrer is the same layer, in a manifest that refers to the signed one.
	LegacyReferrer
	// Bundle is a Sigstore bundle in a manifest that refers to the signed one.
	Bundle
	// LoggedBundle is a Bundle with an entry in the transparency log.
	LoggedBundle
)

// SignAs signs a manifest, given by digest, with a key. A Sigstore adds a timestamp and, for a LoggedBundle, a
// log entry; a nil Sigstore adds nothing.
func (c *Cosign) SignAs(ctx context.Context, layout Layout, key Key, s *Sigstore, ref string, flags ...string) error {
	return c.sign(ctx, layout, s, ref, append([]string{"--key=" + key.PrivateFile}, flags...))
}

// SignKeyless signs a manifest, given by digest, with a key that the Sigstore certifies for an email address.
// It always adds a timestamp.
func (c *Cosign) SignKeyless(ctx context.Context, layout Layout, email string, s *Sigstore, ref string, flags ...string) error {
	token, err := s.Issuer.Token(email)
	if err != nil {
		return err
	}
	file, err := c.keep("token-*", []byte(token))
	if err != nil {
		return err
	}
	certified := []string{"--identity-token=" + file}
	if layout == LegacyTag || layout == LegacyReferrer {
		// For a bundle, the signing configuration sets these.
		root, err := c.keep("trusted_root-*.json", s.TrustedRoot())
		if err != nil {
			return err
		}
		certified = append(certified, "--fulcio-url="+s.Fulcio.URL, "--trusted-root="+root)
	}
	return c.sign(ctx, layout, s, ref, append(certified, flags...))
}

func (c *Cosign) sign(ctx context.Context, layout Layout, s *Sigstore, ref string, flags []string) error {
	args := []string{"sign", ref, "--allow-http-registry", "--allow-insecure-registry"}
	as, err := c.as(layout, s)
	if err != nil {
		return err
	}
	cosign := c.tool
	if layout == LegacyReferrer {
		cosign = cosign.with("COSIGN_EXPERIMENTAL=1")
	}
	_, err = cosign.run(ctx, slices.Concat(args, c.login.cosign(), as, flags)...)
	return err
}

// as returns the flags for a layout.
func (c *Cosign) as(layout Layout, s *Sigstore) ([]string, error) {
	alone := []string{"--use-signing-config=false", "--tlog-upload=false"}
	switch layout {
	case LegacyTag, LegacyReferrer:
		flags := append(alone, "--new-bundle-format=false")
		if s != nil {
			flags = append(flags, "--timestamp-server-url="+s.Timestamp.URL)
		}
		if layout == LegacyReferrer {
			flags = append(flags, "--registry-referrers-mode=oci-1-1")
		}
		return flags, nil
	case Bundle:
		if s == nil {
			return append(alone, "--new-bundle-format=true"), nil
		}
		return c.withServices(s, Log)
	case LoggedBundle:
		if s == nil {
			return nil, errors.New("an entry of a log needs a Sigstore")
		}
		return c.withServices(s)
	}
	return nil, errors.New("there is no such layout")
}

// withServices returns the flags for signing a bundle with the services of a Sigstore.
func (c *Cosign) withServices(s *Sigstore, without ...Service) ([]string, error) {
	config, err := c.keep("signing_config-*.json", s.SigningConfig(without...))
	if err != nil {
		return nil, err
	}
	root, err := c.keep("trusted_root-*.json", s.TrustedRoot())
	if err != nil {
		return nil, err
	}
	return []string{"--new-bundle-format=true", "--signing-config=" + config, "--trusted-root=" + root}, nil
}

// keep writes a new file into cosign's folder.
func (c *Cosign) keep(pattern string, content []byte) (string, error) {
	file, err := os.CreateTemp(c.tool.dir, pattern)
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	return file.Name(), errors.Join(err, file.Close())
}
