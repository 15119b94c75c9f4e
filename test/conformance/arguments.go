// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// arguments are the arguments of verify-bundle.
type arguments struct {
	bundle string
	// key is the file of a public key; if there is none, identity and issuer are those of the certificate.
	key, identity, issuer string
	// root is the file of a trusted root; if empty, the root of the public-good Sigstore, or its staging
	// instance, is used.
	root    string
	staging bool
	// artifact is a file, or the digest of a file.
	artifact string
}

// parseArguments accepts the flags in any order, followed by the artifact.
func parseArguments(args []string) (arguments, error) {
	var a arguments
	flags := flag.NewFlagSet("verify-bundle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&a.bundle, "bundle", "", "")
	flags.StringVar(&a.key, "key", "", "")
	flags.StringVar(&a.identity, "certificate-identity", "", "")
	flags.StringVar(&a.issuer, "certificate-oidc-issuer", "", "")
	flags.StringVar(&a.root, "trusted-root", "", "")
	flags.BoolVar(&a.staging, "staging", false, "")
	if err := flags.Parse(args); err != nil {
		return arguments{}, err
	}
	if flags.NArg() != 1 {
		return arguments{}, fmt.Errorf("one artifact must follow the flags, and %d arguments do", flags.NArg())
	}
	a.artifact = flags.Arg(0)
	return a, a.check()
}

func (a arguments) check() error {
	switch {
	case a.bundle == "":
		return errors.New("--bundle is missing")
	case a.artifact == "":
		return errors.New("the artifact is empty")
	case a.keyed() && (a.identity != "" || a.issuer != ""):
		return errors.New("--key and an identity are given: a signature is by a key or with a certificate, not both")
	case !a.keyed() && (a.identity == "" || a.issuer == ""):
		return errors.New("--key, or both --certificate-identity and --certificate-oidc-issuer, must be given")
	}
	return nil
}

// keyed reports whether the signature must be by a key.
func (a arguments) keyed() bool { return a.key != "" }
