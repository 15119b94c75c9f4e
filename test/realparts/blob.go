// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"fmt"
)

// Suffixes of the files in which cosign stores a signature of a file beside it.
const (
	// BundleFile is a Sigstore bundle.
	BundleFile = ".sigstore.json"
	// OldBundleFile is a bundle in cosign 2's own format.
	OldBundleFile = ".cosign.bundle"
	// SignatureFile is the signature alone.
	SignatureFile = ".sig"
)

// SignBlob signs a file with a key, without a log, and writes the file with the suffix beside it.
func (c *Cosign) SignBlob(ctx context.Context, key Key, file, suffix string) error {
	args := []string{"sign-blob", file, "--key=" + key.PrivateFile, "--tlog-upload=false", "--use-signing-config=false"}
	switch suffix {
	case BundleFile:
		args = append(args, "--new-bundle-format=true", "--bundle="+file+suffix)
	case OldBundleFile:
		args = append(args, "--new-bundle-format=false", "--bundle="+file+suffix)
	case SignatureFile:
		args = append(args, "--new-bundle-format=false", "--output-signature="+file+suffix)
	default:
		return fmt.Errorf("cosign writes no file %s", suffix)
	}
	_, err := c.tool.run(ctx, args...)
	return err
}

// SignBlobKeyless signs a file with a key that the Sigstore certifies for an email address, with an entry in its
// log, and writes a BundleFile beside it.
func (c *Cosign) SignBlobKeyless(ctx context.Context, email string, s *Sigstore, file string) error {
	token, err := s.Issuer.Token(email)
	if err != nil {
		return err
	}
	identity, err := c.keep("token-*", []byte(token))
	if err != nil {
		return err
	}
	services, err := c.withServices(s)
	if err != nil {
		return err
	}
	_, err = c.tool.run(ctx, append([]string{"sign-blob", file, "--identity-token=" + identity, "--bundle=" + file + BundleFile}, services...)...)
	return err
}
