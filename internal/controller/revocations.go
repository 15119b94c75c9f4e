// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// RevokedKey is the entry of the ConfigMap that lists what is revoked for the whole cluster.
const RevokedKey = "revoked.yaml"

// Revocations reads what is revoked for the whole cluster from a ConfigMap, each
// version of which is parsed once. A nil one revokes nothing. It is safe for concurrent use.
type Revocations struct {
	objects *Objects
	name    types.NamespacedName

	mu      sync.Mutex
	version types.NamespacedName // UID and resource version of what is parsed
	parsed  policy.Revocations
	err     error
}

// NewRevocations returns the Revocations in a ConfigMap.
func NewRevocations(objects *Objects, name types.NamespacedName) *Revocations {
	return &Revocations{objects: objects, name: name}
}

// current returns what is revoked now. Where the list is missing or malformed the
// error matches verify.ErrTrustUnavailable: it is not known then what is revoked.
func (r *Revocations) current(ctx context.Context) (policy.Revocations, error) {
	if r == nil {
		return policy.Revocations{}, nil
	}
	config, err := r.objects.in(r.name.Namespace).configMap(ctx, r.name.Name)
	if err != nil {
		return policy.Revocations{}, fmt.Errorf("the revocations of the cluster: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	version := types.NamespacedName{Namespace: string(config.UID), Name: config.ResourceVersion}
	if version != r.version {
		list, ok := config.Data[RevokedKey]
		r.version = version
		r.parsed, r.err = policy.ParseRevocations("ConfigMap "+r.name.String(), []byte(list))
		if !ok {
			r.err = fmt.Errorf("%w: ConfigMap %s has no entry %s", verify.ErrTrustMalformed, r.name, RevokedKey)
		}
	}
	return r.parsed, r.err
}

// is says whether the list is in the ConfigMap of that name.
func (r *Revocations) is(name types.NamespacedName) bool { return r != nil && r.name == name }
