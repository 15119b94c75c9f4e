// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// The files of a repository and their limits in bytes. The public-good repository
// needs 6, 1, 1 and 7 KiB.
const (
	timestampFile = "timestamp.json"
	snapshotFile  = "snapshot.json"
	targetsFile   = "targets.json"
	// target must be a top-level target, as it is in each Sigstore repository.
	target = "trusted_root.json"

	maxRoot      = 512 << 10
	maxTimestamp = 16 << 10
	maxSnapshot  = 2 << 20
	maxTargets   = 4 << 20

	// maxRotations bounds the new roots of one update. The next update goes on from there.
	maxRotations = 256
)

// fetchFunc downloads the file at a path, of at most limit bytes. If it is nil, the workflow reads only the store.
type fetchFunc func(path string, limit int64) ([]byte, error)

// workflow is one run of the client workflow.
type workflow struct {
	store   *store
	fetch   fetchFunc
	trusted *trustedmetadata.TrustedMetadata
	// proven are the files to keep if all of them are verified.
	proven map[string][]byte
}

// download fetches a file, or returns errNotFound if fetch is nil.
func (w *workflow) download(path string, limit int64) ([]byte, error) {
	if w.fetch == nil {
		return nil, fmt.Errorf("%s: %w in the cache", path, errNotFound)
	}
	return w.fetch(path, limit)
}

// roots follows the chain of roots to its end. It keeps each root at once: the keys
// that a root revokes must stay revoked even if this run fails.
func (w *workflow) roots() error {
	for fetched := 0; fetched < maxRotations; {
		name := fmt.Sprintf("%d.root.json", w.trusted.Root.Signed.Version+1)
		if raw := w.store.get(name, maxRoot); raw != nil {
			if _, err := w.trusted.UpdateRoot(raw); err == nil {
				continue
			}
		}
		raw, err := w.download(name, maxRoot)
		if errors.Is(err, errNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := w.trusted.UpdateRoot(raw); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := w.store.put(name, raw); err != nil {
			return fmt.Errorf("keep %s in %s: %w", name, w.store.dir, err)
		}
		fetched++
	}
	return nil
}

func (w *workflow) timestamp() error {
	// The kept timestamp bars older ones, even if it has expired.
	err := errNotFound
	if raw := w.store.get(timestampFile, maxTimestamp); raw != nil {
		_, err = w.trusted.UpdateTimestamp(raw)
	}
	if w.fetch != nil {
		err = w.newTimestamp()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", timestampFile, err)
	}
	return nil
}

func (w *workflow) newTimestamp() error {
	raw, err := w.download(timestampFile, maxTimestamp)
	if err != nil {
		return err
	}
	_, err = w.trusted.UpdateTimestamp(raw)
	if errors.Is(err, &metadata.ErrEqualVersionNumber{}) {
		return nil
	}
	w.proven[timestampFile] = raw
	return err
}

func (w *workflow) snapshot() error {
	// The kept snapshot bars older targets, even if there is a newer snapshot.
	if raw := w.store.get(snapshotFile, maxSnapshot); raw != nil {
		_, err := w.trusted.UpdateSnapshot(raw, true)
		if err == nil && w.trusted.Timestamp.Signed.Meta[snapshotFile].VerifyLengthHashes(raw) == nil {
			return nil
		}
	}
	raw, err := w.described(snapshotFile, w.trusted.Timestamp.Signed.Meta, maxSnapshot)
	if err == nil {
		_, err = w.trusted.UpdateSnapshot(raw, false)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", snapshotFile, err)
	}
	return nil
}

func (w *workflow) targets() error {
	if raw := w.store.get(targetsFile, maxTargets); raw != nil {
		if _, err := w.trusted.UpdateTargets(raw); err == nil {
			return nil
		}
	}
	raw, err := w.described(targetsFile, w.trusted.Snapshot.Signed.Meta, maxTargets)
	if err == nil {
		_, err = w.trusted.UpdateTargets(raw)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", targetsFile, err)
	}
	return nil
}

// described downloads metadata of the version and length that other metadata lists.
func (w *workflow) described(name string, by map[string]*metadata.MetaFiles, limit int64) ([]byte, error) {
	description := by[name]
	if description == nil {
		return nil, errors.New("no metadata describes it")
	}
	if description.Length > 0 {
		limit = min(limit, description.Length)
	}
	path := name
	if w.trusted.Root.Signed.ConsistentSnapshot {
		path = fmt.Sprintf("%d.%s", description.Version, name)
	}
	raw, err := w.download(path, limit)
	if err != nil {
		return nil, err
	}
	w.proven[name] = raw
	return raw, nil
}

func (w *workflow) target() (*Root, error) {
	listed := w.trusted.Targets[metadata.TARGETS].Signed.Targets
	for path := range listed {
		// The path is harmless here, but no honest repository signs it.
		if !fs.ValidPath(path) {
			return nil, fmt.Errorf("%s: the target path %q leads out of the repository", targetsFile, path)
		}
	}
	info := listed[target]
	if info == nil {
		return nil, fmt.Errorf("%s: the repository has no such target", target)
	}
	raw := w.store.get(target, MaxSize)
	if raw == nil || info.VerifyLengthHashes(raw) != nil {
		var err error
		if raw, err = w.newTarget(info); err != nil {
			return nil, err
		}
	}
	parsed, err := Parse(raw)
	if err != nil {
		// The error must not match ErrMalformed: the repository may publish a better root.
		return nil, fmt.Errorf("%s: %v", target, err) //nolint:errorlint // see above
	}
	return parsed, nil
}

func (w *workflow) newTarget(info *metadata.TargetFiles) ([]byte, error) {
	if info.Length > MaxSize {
		return nil, fmt.Errorf("%s: it has %d bytes, more than %d", target, info.Length, MaxSize)
	}
	path := "targets/" + target
	if w.trusted.Root.Signed.ConsistentSnapshot {
		hash, ok := info.Hashes["sha256"]
		if !ok {
			hash = info.Hashes["sha512"]
		}
		path = "targets/" + hex.EncodeToString(hash) + "." + target
	}
	raw, err := w.download(path, max(info.Length, 0))
	if err != nil {
		return nil, err
	}
	if err := info.VerifyLengthHashes(raw); err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	w.proven[target] = raw
	return raw, nil
}

// keep writes the proven files, the timestamp last: it means that the others are
// complete. It writes known files too, because the directory may have lost them.
func (w *workflow) keep() error {
	for _, name := range []string{target, targetsFile, snapshotFile, timestampFile} {
		raw, ok := w.proven[name]
		if !ok {
			raw = w.store.get(name, maxTargets)
		}
		if err := w.store.put(name, raw); err != nil {
			return err
		}
	}
	return nil
}

// expires returns the earliest expiry of the metadata.
func (w *workflow) expires() time.Time {
	first := w.trusted.Root.Signed.Expires
	for _, other := range []time.Time{
		w.trusted.Timestamp.Signed.Expires,
		w.trusted.Snapshot.Signed.Expires,
		w.trusted.Targets[metadata.TARGETS].Signed.Expires,
	} {
		if other.Before(first) {
			first = other
		}
	}
	return first
}
