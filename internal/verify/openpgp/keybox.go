// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"encoding/binary"
)

// GnuPG's keybox (kbx/keybox-blob.c): blobs, each of which starts with its length and
// its type. The second version of a blob has longer fingerprints, which are not read here.
const (
	keyboxMagicAt  = 8
	blobTypeAt     = 4
	blobVersionAt  = 5
	blobKeyblockAt = 8 // its offset in the blob, and its length
	blobMinimum    = 16
	blobOpenPGP    = 2
	blobVersions   = 2
)

var keyboxMagic = []byte("KBXf")

func isKeybox(content []byte) bool {
	return len(content) >= keyboxMagicAt+len(keyboxMagic) &&
		bytes.Equal(content[keyboxMagicAt:keyboxMagicAt+len(keyboxMagic)], keyboxMagic)
}

// keybox reads the OpenPGP keys in a keybox. It skips blobs of other types, such as X.509 certificates and
// deleted keys.
func (o *opener) keybox(content []byte) {
	for len(content) > 0 && !o.interrupted() {
		length := uint64(0)
		if len(content) >= 4 {
			length = uint64(binary.BigEndian.Uint32(content))
		}
		if length <= blobTypeAt || length > uint64(len(content)) {
			o.unreadable("the keybox is broken: export the keys instead (gpg --export)")
			return
		}
		blob := content[:length]
		content = content[length:]
		if blob[blobTypeAt] != blobOpenPGP {
			continue
		}
		keyblock, ok := keyblockOf(blob)
		if !ok {
			o.unreadable("a key in the keybox is broken: export the keys instead (gpg --export)")
			continue
		}
		o.packets(keyblock, true)
	}
}

func keyblockOf(blob []byte) ([]byte, bool) {
	if len(blob) < blobMinimum || blob[blobVersionAt] > blobVersions {
		return nil, false
	}
	offset := uint64(binary.BigEndian.Uint32(blob[blobKeyblockAt:]))
	length := uint64(binary.BigEndian.Uint32(blob[blobKeyblockAt+4:]))
	if offset+length > uint64(len(blob)) || length == 0 {
		return nil, false
	}
	return blob[offset : offset+length], true
}
