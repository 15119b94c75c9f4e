// SPDX-License-Identifier: Apache-2.0

package trustroottest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// threshold is the number of signatures that a root needs.
const threshold = 2

type key struct {
	public crypto.PublicKey
	signer signature.Signer
}

func newKey() key {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key{public, must(signature.LoadSigner(private, crypto.Hash(0)))}
}

// keys are the keys of the root role, and the key of each other role.
type keys struct {
	root   []key
	online map[string]key
}

func newKeys() keys {
	return keys{
		root: []key{newKey(), newKey(), newKey()},
		online: map[string]key{
			metadata.TIMESTAMP: newKey(), metadata.SNAPSHOT: newKey(), metadata.TARGETS: newKey(),
		},
	}
}

// install sets the keys of the roles.
func (k keys) install(root *metadata.RootType) {
	for _, one := range k.root {
		add(root, metadata.ROOT, one)
	}
	root.Roles[metadata.ROOT].Threshold = threshold
	for role, one := range k.online {
		add(root, role, one)
	}
}

func add(root *metadata.RootType, role string, k key) {
	if err := root.AddKey(must(metadata.KeyFromPublicKey(k.public)), role); err != nil {
		panic(err)
	}
}

func signed[T metadata.Roles](m *metadata.Metadata[T], signers ...key) []byte {
	for _, one := range signers {
		must(m.Sign(one.signer))
	}
	return must(m.ToBytes(false))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
