// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"encoding/binary"
	"errors"
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

// keyboxBlobs returns the OpenPGP keys in a keybox. Blobs of other types, such as those
// of X.509 certificates and of deleted keys, are passed over.
func keyboxBlobs(content []byte) (blobs [][]byte, problems []error) {
	for len(content) > 0 {
		length := uint64(0)
		if len(content) >= 4 {
			length = uint64(binary.BigEndian.Uint32(content))
		}
		if length <= blobTypeAt || length > uint64(len(content)) {
			return blobs, append(problems, errors.New("the keybox is broken, and not read further"))
		}
		blob := content[:length]
		content = content[length:]
		if blob[blobTypeAt] != blobOpenPGP {
			continue
		}
		if keyblock, ok := keyblockOf(blob); ok {
			blobs = append(blobs, keyblock)
		} else {
			problems = append(problems, errors.New("a key in the keybox is broken"))
		}
	}
	return blobs, problems
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
