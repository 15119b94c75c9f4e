// SPDX-License-Identifier: Apache-2.0

// Package trustroottest serves a TUF repository that tests make: an honest repository that publishes trusted
// roots, with all the faults of a hostile or broken mirror.
//
// It does not know the contents of trusted roots, and production code must not use it.
package trustroottest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Validity is the time for which metadata is valid, unless an Edit changes it. Roots are valid for ten years.
const Validity = 24 * time.Hour

// Repository is a TUF repository. Its root role needs two signatures by three keys; each other role has one
// key. Its methods panic if a test makes them fail, and are safe for concurrent use.
type Repository struct {
	mu       sync.Mutex
	keys     keys
	root     *metadata.Metadata[metadata.RootType]
	initial  []byte
	targets  map[string]*metadata.TargetFiles
	version  int64             // of targets, snapshot and timestamp
	files    map[string][]byte // the served files, by path
	previous map[string][]byte // the served files before the last change
	requests []string
	fault    Fault
	server   *httptest.Server
}

// New returns a repository that has not published a trusted root yet.
func New() *Repository { return newRepository(true) }

// NewWithoutConsistentSnapshots returns a repository whose paths have neither versions nor hashes.
func NewWithoutConsistentSnapshots() *Repository { return newRepository(false) }

func newRepository(consistent bool) *Repository {
	r := &Repository{keys: newKeys(), targets: map[string]*metadata.TargetFiles{}, files: map[string][]byte{}}
	r.root = metadata.Root(time.Now().UTC().AddDate(10, 0, 0))
	r.root.Signed.ConsistentSnapshot = consistent
	r.keys.install(&r.root.Signed)
	r.publishRoot(r.root, r.keys.root[:threshold]...)
	r.initial = r.files["1.root.json"]
	r.publish(Edit{})
	return r
}

// RootJSON returns the initial root.json, from which clients start.
func (r *Repository) RootJSON() []byte { return slices.Clone(r.initial) }

// SetTrustedRoot publishes raw as trusted_root.json, with new metadata.
func (r *Repository) SetTrustedRoot(raw []byte) { r.SetTarget("trusted_root.json", raw) }

// SetTarget publishes a target under any path, with new metadata.
func (r *Repository) SetTarget(path string, raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember()
	r.targets[path] = must(metadata.TargetFile().FromBytes(path, raw))
	if r.root.Signed.ConsistentSnapshot {
		sum := sha256.Sum256(raw)
		name := strings.LastIndex(path, "/") + 1
		path = path[:name] + hex.EncodeToString(sum[:]) + "." + path[name:]
	}
	r.files["targets/"+path] = slices.Clone(raw)
	r.publish(Edit{})
}

// Edit changes metadata before it is signed. Nil fields stay correct.
type Edit struct {
	Targets   func(*metadata.TargetsType)
	Snapshot  func(*metadata.SnapshotType)
	Timestamp func(*metadata.TimestampType)
	// Forged are the roles ("targets", …) that a foreign key signs.
	Forged []string
}

// Publish publishes new metadata, with the next version.
func (r *Repository) Publish(e Edit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember()
	r.publish(e)
}

// ExpireIn publishes a timestamp that is valid for d from now; if d is negative, the timestamp has expired.
func (r *Repository) ExpireIn(d time.Duration) {
	r.Publish(Edit{Timestamp: func(t *metadata.TimestampType) { t.Expires = time.Now().UTC().Add(d) }})
}

// Expire publishes a timestamp that has expired.
func (r *Repository) Expire() { r.ExpireIn(-time.Minute) }

// Rollback serves all files of the state before the last change.
func (r *Repository) Rollback() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files, r.previous = r.previous, r.files
}

// RotateRoot publishes a new root, signed by the old keys and the new keys, that gives each role new keys, and
// new metadata signed by them.
func (r *Repository) RotateRoot() { r.rotate(threshold, nil) }

// EditRoot is RotateRoot with a root that is changed before it is signed.
func (r *Repository) EditRoot(change func(*metadata.RootType)) { r.rotate(threshold, change) }

// ForgeRoot publishes the same as RotateRoot, but signed by too few of the old keys.
func (r *Repository) ForgeRoot() { r.rotate(threshold-1, nil) }

func (r *Repository) rotate(signatures int, change func(*metadata.RootType)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember()
	old := r.keys
	r.keys = newKeys()
	next := metadata.Root(r.root.Signed.Expires)
	next.Signed.Version = r.root.Signed.Version + 1
	next.Signed.ConsistentSnapshot = r.root.Signed.ConsistentSnapshot
	r.keys.install(&next.Signed)
	edit(change, &next.Signed)
	r.publishRoot(next, slices.Concat(old.root[:signatures], r.keys.root[:threshold])...)
	r.publish(Edit{})
}

// Tamper applies change to the file that is served under path. Metadata other than the timestamp is served
// under "<version>.<role>.json"; see Paths.
func (r *Repository) Tamper(path string, change func([]byte) []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	raw, ok := r.files[path]
	if !ok {
		panic(fmt.Sprintf("nothing is served under %q", path))
	}
	r.remember()
	r.files[path] = change(slices.Clone(raw))
}

// Paths returns the paths of all served files, in order.
func (r *Repository) Paths() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.files))
}

func (r *Repository) remember() { r.previous = maps.Clone(r.files) }

func (r *Repository) publishRoot(root *metadata.Metadata[metadata.RootType], signers ...key) {
	r.root = root
	r.files[fmt.Sprintf("%d.root.json", root.Signed.Version)] = signed(root, signers...)
}

func (r *Repository) publish(e Edit) {
	r.version++
	expires := time.Now().UTC().Add(Validity)

	targets := metadata.Targets(expires)
	targets.Signed.Version = r.version
	targets.Signed.Targets = maps.Clone(r.targets)
	edit(e.Targets, &targets.Signed)
	raw := signed(targets, r.signer(e, metadata.TARGETS))
	r.serve("targets.json", raw)

	snapshot := metadata.Snapshot(expires)
	snapshot.Signed.Version = r.version
	snapshot.Signed.Meta["targets.json"] = described(r.version, raw)
	edit(e.Snapshot, &snapshot.Signed)
	raw = signed(snapshot, r.signer(e, metadata.SNAPSHOT))
	r.serve("snapshot.json", raw)

	timestamp := metadata.Timestamp(expires)
	timestamp.Signed.Version = r.version
	timestamp.Signed.Meta["snapshot.json"] = described(r.version, raw)
	edit(e.Timestamp, &timestamp.Signed)
	r.files["timestamp.json"] = signed(timestamp, r.signer(e, metadata.TIMESTAMP))
}

func (r *Repository) serve(name string, raw []byte) {
	if r.root.Signed.ConsistentSnapshot {
		name = fmt.Sprintf("%d.%s", r.version, name)
	}
	r.files[name] = raw
}

func (r *Repository) signer(e Edit, role string) key {
	if slices.Contains(e.Forged, role) {
		return newKey()
	}
	return r.keys.online[role]
}

func edit[T any](change func(*T), it *T) {
	if change != nil {
		change(it)
	}
}

// described returns all facts about a file that a client can check.
func described(version int64, raw []byte) *metadata.MetaFiles {
	sum := sha256.Sum256(raw)
	file := metadata.MetaFile(version)
	file.Length = int64(len(raw))
	file.Hashes["sha256"] = sum[:]
	return file
}
