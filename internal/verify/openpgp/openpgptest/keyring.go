// SPDX-License-Identifier: Apache-2.0

package openpgptest

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Public returns the binary public keys, one after the other.
func Public(keys ...*openpgp.Entity) []byte {
	var b bytes.Buffer
	for _, k := range keys {
		must(k.Serialize(&b))
	}
	return b.Bytes()
}

// Private returns the binary private key.
func Private(key *openpgp.Entity) []byte {
	var b bytes.Buffer
	must(key.SerializePrivateWithoutSigning(&b, nil))
	return b.Bytes()
}

// Armored returns the binary data in an ASCII-armored public key block.
func Armored(binary []byte) []byte { return armored(openpgp.PublicKeyType, binary) }

// ArmoredPrivate returns the binary data in an ASCII-armored private key block.
func ArmoredPrivate(binary []byte) []byte { return armored(openpgp.PrivateKeyType, binary) }

func armored(blockType string, binary []byte) []byte {
	var b bytes.Buffer
	w, err := armor.Encode(&b, blockType, nil)
	must(err)
	_, err = w.Write(binary)
	must(err)
	must(w.Close())
	return append(b.Bytes(), '\n')
}

// Types of keybox blobs.
const (
	blobHeader  = 1
	blobOpenPGP = 2
	blobX509    = 3
)

// Keybox returns the public keys in the format of GnuPG, with an X.509 certificate among them.
func Keybox(keys ...*openpgp.Entity) []byte {
	header := make([]byte, 27)
	copy(header[3:], "KBXf")
	box := blob(blobHeader, header)
	box = append(box, blob(blobX509, make([]byte, 64))...)
	for _, k := range keys {
		box = append(box, KeyboxBlob(Public(k))...)
	}
	return box
}

// KeyboxBlob returns the blob of one key, with the checksum, but without the index of fingerprints and user ids
// that GnuPG adds.
func KeyboxBlob(key []byte) []byte {
	const at = 16
	b := []byte{1, 0, 0}
	b = binary.BigEndian.AppendUint32(b, at)
	b = binary.BigEndian.AppendUint32(b, uint32(len(key)))
	b = append(append(b, key...), make([]byte, sha1.Size)...)
	sealed := blob(blobOpenPGP, b)
	sum := sha1.Sum(sealed[:len(sealed)-sha1.Size])
	return append(sealed[:len(sealed)-sha1.Size], sum[:]...)
}

func blob(blobType byte, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+1+len(content)))
	return append(append(b, blobType), content...)
}
