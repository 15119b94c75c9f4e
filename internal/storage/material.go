// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// MaxMaterial is the size limit of the signature material for one digest, in bytes.
	MaxMaterial = 4 << 20

	// materialFolder is not a valid first segment of a path, so the server never serves a file in it.
	materialFolder = ".material"
	// materialFormat begins every file of material. It changes if the layout of the file does.
	materialFormat = "verifiedchart-material/1 "
	// materialHeader is the length of the header: the format, a checksum in hex and a line break.
	materialHeader = len(materialFormat) + 2*sha256.Size + 1
)

// ErrTooLarge is matched by the error for material above MaxMaterial.
var ErrTooLarge = errors.New("the signature material is too large to store")

// WriteMaterial stores the signature material of the object's chart with the digest
// d, so that the chart can be verified after a restart without its registry. A crash
// at any moment leaves the old material, the new material whole, or, if the old
// material was damaged, none. Once WriteMaterial has returned nil after a write, the
// new material survives a crash. If the same bytes are stored already, it writes
// nothing. An error matches ErrTooLarge or ErrStorage.
func (s *Storage) WriteMaterial(obj metav1.Object, d digest.Digest, raw []byte) error {
	if len(raw) > MaxMaterial {
		return fmt.Errorf("%w: %d bytes; the limit is %d", ErrTooLarge, len(raw), MaxMaterial)
	}
	p, err := materialPath(obj, d)
	if err != nil {
		return failed("write signature material", err)
	}
	stored, err := s.ReadMaterial(obj, d)
	if err == nil && bytes.Equal(stored, raw) {
		return nil
	}
	if errors.Is(err, ErrDamaged) { // it may be a folder, which no file can replace
		if err := s.remove(path.Dir(p), path.Base(p)); err != nil {
			return err
		}
	}
	staged, err := s.Stage()
	if err != nil {
		return err
	}
	defer staged.Discard()
	for _, part := range [][]byte{header(obj, d, raw), raw} {
		if _, err := staged.Write(part); err != nil {
			return err
		}
	}
	if err := s.put(staged, p, stagedMode); err != nil {
		return failed("write signature material", err)
	}
	return nil
}

// MaterialSize returns how many bytes ReadMaterial would read. Errors are those of ReadMaterial.
func (s *Storage) MaterialSize(obj metav1.Object, d digest.Digest) (int64, error) {
	f, err := s.openMaterial(obj, d)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return 0, failed("read signature material", err)
	}
	return info.Size(), nil
}

// openMaterial opens the file of signature material.
func (s *Storage) openMaterial(obj metav1.Object, d digest.Digest) (*os.File, error) {
	p, err := materialPath(obj, d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	folder, err := openFolder(s.flux.BasePath, path.Dir(p))
	if err != nil {
		return nil, err
	}
	defer folder.Close() //nolint:errcheck // only read
	return openRegular(folder, path.Base(p))
}

// ReadMaterial returns the signature material that WriteMaterial stored. An error
// matches ErrMissing if there is none, ErrDamaged if it is not the material that was
// stored for this object and digest, and ErrStorage if it cannot be read.
func (s *Storage) ReadMaterial(obj metav1.Object, d digest.Digest) ([]byte, error) {
	f, err := s.openMaterial(obj, d)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	// Read one byte above the limit: for a longer file the checksum then fails.
	content, err := io.ReadAll(io.LimitReader(f, int64(materialHeader+MaxMaterial+1)))
	if err != nil {
		return nil, failed("read signature material", err)
	}
	if len(content) < materialHeader {
		return nil, fmt.Errorf("%w: signature material of %d bytes", ErrDamaged, len(content))
	}
	head, raw := content[:materialHeader], content[materialHeader:]
	if !bytes.Equal(head, header(obj, d, raw)) {
		return nil, fmt.Errorf("%w: signature material does not have its checksum", ErrDamaged)
	}
	return raw, nil
}

// KeepOnlyMaterial removes the object's signature material for every digest but d. It
// is no error if there is none. An error matches ErrStorage.
func (s *Storage) KeepOnlyMaterial(obj metav1.Object, d digest.Digest) error {
	p, err := materialPath(obj, d)
	if err != nil {
		return failed("remove old signature material", err)
	}
	if err := s.keepOnly(context.Background(), p); err != nil {
		return failed("remove old signature material", err)
	}
	return nil
}

// materialPath returns the path of the material, relative to the storage folder.
func materialPath(obj metav1.Object, d digest.Digest) (string, error) {
	namespace, name := obj.GetNamespace(), obj.GetName()
	if !validSegment(namespace) || !validSegment(name) {
		return "", fmt.Errorf("not the name of an object: %s", bounded(path.Join(namespace, name)))
	}
	if err := d.Validate(); err != nil {
		return "", fmt.Errorf("%s is not a digest: %w", bounded(string(d)), err)
	}
	return path.Join(materialFolder, namespace, name, d.Encoded()), nil
}

// header returns the header of a file. Its checksum covers the object and the digest
// too: the material of another chart looks like a bad signature, and not like damage.
func header(obj metav1.Object, d digest.Digest, raw []byte) []byte {
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%s/%s\n%s\n", obj.GetNamespace(), obj.GetName(), d))
	h.Write(raw)
	return []byte(materialFormat + hex.EncodeToString(h.Sum(nil)) + "\n")
}
