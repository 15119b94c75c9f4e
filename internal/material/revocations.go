// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// RevokedKey is the entry of the ConfigMap with the revocation list of the cluster.
const RevokedKey = "revoked.yaml"

// noVersion is the version if no list is in force.
const noVersion = "none"

// RevocationSource is the revocation list of the whole cluster, in a ConfigMap. The last
// good list stays in force until another good list replaces it, also after a restart.
// A nil *RevocationSource is the list of a cluster without a configured list: it revokes
// nothing. It is safe for concurrent use.
type RevocationSource struct {
	source Source
	name   types.NamespacedName
	stored *lastGood

	mu    sync.Mutex
	begun uint64 // how many reads of the ConfigMap have begun
	// latest is the result of parsing the latest version of the ConfigMap.
	latest struct {
		version string
		list    *revocationList
		err     error
	}
	inForce *revocationList
	// read is the number of the read that found the list in force.
	read uint64
	// onDisk is the version of the stored list.
	onDisk string
}

// revocationList is a good list.
type revocationList struct {
	list    policy.Revoked
	text    []byte
	version string
}

// NewRevocationSource returns the revocation list in the ConfigMap of that name. It keeps
// the last good list in lastGoodFile, or only in memory if that is empty.
func NewRevocationSource(source Source, name types.NamespacedName, lastGoodFile string) *RevocationSource {
	return &RevocationSource{source: source, name: name, stored: newLastGood(lastGoodFile)}
}

// Named reports whether the list is in the ConfigMap of that name.
func (r *RevocationSource) Named(name types.NamespacedName) bool { return r != nil && r.name == name }

// Current returns the list in force and its version, a string that differs if the
// list differs. If ok is false, no list is in force, so the revocations are unknown. The
// fault, a message for users, explains why the ConfigMap has no good list now, or why the
// list in force could not be stored.
func (r *RevocationSource) Current(ctx context.Context) (list policy.Revoked, version string, ok bool, fault error) {
	if r == nil {
		return policy.Revoked{}, "", true, nil
	}
	read := r.begin()
	config, err := r.source.ConfigMap(ctx, r.name.Namespace, r.name.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if read > r.read {
		fault = r.take(read, config, err)
	} // else a list that was read later is in force: this answer may be older
	if r.inForce == nil {
		return policy.Revoked{}, noVersion, false, fault
	}
	return r.inForce.list, r.inForce.version, true, fault
}

// begin returns the number of a read that begins now.
func (r *RevocationSource) begin() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
	return r.begun
}

// take puts the list that was read in force if it is good. If no list is in force, it
// falls back to the stored list. It returns the fault.
func (r *RevocationSource) take(read uint64, config *corev1.ConfigMap, err error) error {
	list, err := r.parse(config, err)
	if err == nil {
		r.inForce, r.read = list, read
		return r.store()
	}
	var lost error
	if r.inForce == nil {
		lost = r.recover()
	}
	if lost == nil {
		return problem.Note(err, "the last good list stays in force")
	}
	return problem.Note(err, "%v: nothing new is published until the ConfigMap holds a good list", lost)
}

// parse returns the list in a ConfigMap. It parses each version once.
func (r *RevocationSource) parse(config *corev1.ConfigMap, err error) (*revocationList, error) {
	object := configMapKind + " " + r.name.String()
	switch {
	case apierrors.IsNotFound(err):
		return nil, unavailable("%s not found", object).Fix("create the ConfigMap with the entry %s", RevokedKey)
	case err != nil:
		return nil, unread(object, err, "")
	}
	if version := configVersion(config); version != r.latest.version {
		r.latest.version = version
		r.latest.list, r.latest.err = nil, malformed("%s has no entry %s", object, RevokedKey).Fix("add the entry; to revoke nothing, write {}")
		if text, ok := entryOf(config, RevokedKey); ok {
			r.latest.list, r.latest.err = parseList(r.name, text)
		}
	}
	return r.latest.list, r.latest.err
}

// store stores the list in force, unless it is stored already. After an error the
// next call tries again.
func (r *RevocationSource) store() error {
	if r.onDisk == r.inForce.version {
		return nil
	}
	if err := r.stored.store(r.inForce.text); err != nil {
		return problem.New(err, "the revocation list in force cannot be stored: %v", err).
			Fix("make room on the disk: until then, a restart forgets the list if ConfigMap %s is broken", r.name)
	}
	r.onDisk = r.inForce.version
	return nil
}

// recover puts the stored list in force. The error explains why there is none.
func (r *RevocationSource) recover() error {
	text, err := r.stored.load()
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no good list was ever read")
	}
	if err == nil {
		r.inForce, err = parseList(r.name, text)
	}
	if err != nil {
		return fmt.Errorf("the stored list cannot be used (%w)", err)
	}
	r.onDisk = r.inForce.version
	return nil
}
