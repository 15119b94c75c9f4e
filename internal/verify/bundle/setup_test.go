// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// The Sigstores of the rows are shared, because making them is slow.
var (
	public, small = New(), NewSmall()
	halfway       = NewExpiring(public.Epoch.Add(3 * time.Minute))
	ours, theirs  = NewKey(), NewKey()
	artifact      = []byte("manifest")
)

const (
	issuer  = "https://issuer.example"
	subject = "release@example.com"
)

// keyless returns the most common way to sign: with an identity.
func keyless(change ...func(*How)) How {
	how := How{Issuer: issuer, Subject: subject, Log: RekorV1, Stamped: true}
	for _, c := range change {
		c(&how)
	}
	return how
}

// byKey returns the way in which our key signs.
func byKey(change ...func(*How)) How {
	how := How{Key: ours}
	for _, c := range change {
		c(&how)
	}
	return how
}

func rootOf(s *Sigstore, without ...Part) *trustroot.Root {
	GinkgoHelper()
	root, err := trustroot.Parse(s.Root(without...))
	Expect(err).NotTo(HaveOccurred())
	return root
}

func keyOf(signer crypto.Signer) bundle.Key {
	GinkgoHelper()
	key, err := bundle.ParseKey("release.pub", PublicKey(signer))
	Expect(err).NotTo(HaveOccurred())
	return key
}

// trust builds a Trust when a row runs, because building may fail.
type trust func() bundle.Trust

func root(s *Sigstore, without ...Part) trust {
	return func() bundle.Trust { return bundle.Trust{Root: rootOf(s, without...)} }
}

func key(signer crypto.Signer) trust {
	return func() bundle.Trust { return bundle.Trust{Keys: []bundle.Key{keyOf(signer)}} }
}

func (t trust) with(change func(*bundle.Trust)) trust {
	return func() bundle.Trust {
		changed := t()
		change(&changed)
		return changed
	}
}

// loggedIn requires an entry in the log of a Sigstore.
func (t trust) loggedIn(s *Sigstore) trust {
	return t.with(func(t *bundle.Trust) { t.Root, t.Log = rootOf(s), bundle.LogRequired })
}

// validFor requires a time, proven by a root, within a period around the epoch.
func (t trust) validFor(s *Sigstore, from, until time.Duration) trust {
	return t.with(func(t *bundle.Trust) {
		t.Root, t.Log = rootOf(s), bundle.LogIgnored
		t.Keys = []bundle.Key{t.Keys[0].ValidFor(s.Epoch.Add(from), s.Epoch.Add(until))}
	})
}

func ignoringLogs(t trust) trust {
	return t.with(func(t *bundle.Trust) { t.Log = bundle.LogIgnored })
}

// verifyBundle reads and verifies a bundle, like its users.
func verifyBundle(raw []byte, t bundle.Trust) (bundle.Signature, error) {
	b, err := bundle.Parse(raw)
	if err != nil {
		return bundle.Signature{}, err
	}
	return b.Verify(bundle.Bytes(artifact), t)
}

func keyIDOf(signer *ecdsa.PrivateKey) string {
	key, err := bundle.ParseKey("k.pub", PublicKey(signer))
	if err != nil || signer.Curve != elliptic.P256() {
		panic(err)
	}
	return key.ID
}
