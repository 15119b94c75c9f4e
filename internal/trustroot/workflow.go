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

// The files of a repository that are read, and how long each may be in bytes.
// The public-good repository's take 6, 1, 1 and 7 KiB.
const (
	timestampFile = "timestamp.json"
	snapshotFile  = "snapshot.json"
	targetsFile   = "targets.json"
	// target is looked for among the top-level targets only, where each Sigstore repository has it.
	target = "trusted_root.json"

	maxRoot      = 512 << 10
	maxTimestamp = 16 << 10
	maxSnapshot  = 2 << 20
	maxTargets   = 4 << 20

	// maxRotations is how many new roots one update follows; the next one goes on from there.
	maxRotations = 256
)

// fetchFunc downloads the file at a path of at most limit bytes. Where it is nil, only the store is read.
type fetchFunc func(path string, limit int64) ([]byte, error)

// workflow is one run through the client workflow.
type workflow struct {
	store   *store
	fetch   fetchFunc
	trusted *trustedmetadata.TrustedMetadata
	// proven are the files to keep if all of them hold.
	proven map[string][]byte
}

// download is fetch, or errNotFound where nothing is to be fetched.
func (w *workflow) download(path string, limit int64) ([]byte, error) {
	if w.fetch == nil {
		return nil, fmt.Errorf("%s: %w in the cache", path, errNotFound)
	}
	return w.fetch(path, limit)
}

// roots follows the chain of roots to its end. A root is kept at once: what it
// revokes must stay revoked whatever becomes of this run.
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
	// The one at hand bars older ones, even where it is itself expired.
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
	// The one at hand bars older targets, even where there is a newer one.
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

// described downloads metadata as other metadata describes it.
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
		// Harmless here, but nobody who means well signs such a path.
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
		// Not to be matched by ErrMalformed: the repository may mend it.
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

// keep keeps what was proven; the timestamp last, which makes the others count.
// Files are written even if they were at hand, as the directory may have lost them.
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

// expires is when the first of the metadata ends.
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
