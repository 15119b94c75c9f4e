// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// Referrers is the registry's list of manifests that refer to a manifest. The list proves nothing.
type Referrers struct {
	// Descriptors of the referrers, in the registry's order. They have a media type and an artifact type of at
	// most maxPlain plain bytes, a digest and a size, and no other field. Entries with a malformed digest are
	// left out.
	Descriptors []ocispec.Descriptor `json:"descriptors"`
	// More means that the list has more referrers than the limits allow to read.
	More bool `json:"more,omitempty"`
	// Omitted is the number of bytes of the registry's list that are not in Descriptors, such as annotations
	// and long names. They count towards the bound on reads.
	Omitted int `json:"omitted,omitempty"`
}

// Referrers implements Reader by the referrers API of the distribution specification 1.1 ("Listing Referrers").
// The answer is not filtered, because artifactType is only the registry's opinion. Referrers over the limits
// are left out without an error: a publisher of many referrers must not be able to block reading the others.
func (r *remote) Referrers(ctx context.Context, d digest.Digest) (Referrers, error) {
	if err := checkDigest(d); err != nil {
		return Referrers{}, r.failed("referrers", err)
	}
	var all Referrers
	page, left := r.base+"/referrers/"+d.String(), bounds{size: MaxManifestSize, entries: MaxReferrers}
	for pages := 1; page != "" && !all.More; pages++ {
		list, next, err := r.referrersPage(ctx, page, &left)
		if err == nil {
			r.client.lacksReferrers.Delete(r.origin.HostPort)
		}
		if err != nil {
			if errors.Is(err, ErrNotFound) {
				r.client.lacksReferrers.Store(r.origin.HostPort, true)
			}
			return Referrers{}, r.failed("referrers of "+d.String(), err)
		}
		all.Descriptors = append(all.Descriptors, list.Descriptors...)
		all.Omitted += list.Omitted
		page = next
		all.More = list.More || (page != "" && (pages == MaxReferrerPages || left.size <= 0))
	}
	return all, nil
}

// LacksReferrers implements Reader.
func (r *remote) LacksReferrers() bool {
	_, lacks := r.client.lacksReferrers.Load(r.origin.HostPort)
	return lacks
}

// bounds are the remaining limits for a list of referrers.
type bounds struct{ size, entries int }

// referrersPage reads a page within the bounds, and subtracts its size from them.
func (r *remote) referrersPage(ctx context.Context, page string, left *bounds) (list Referrers, next string, err error) {
	resp, err := r.get(ctx, page, ocispec.MediaTypeImageIndex)
	if err != nil {
		return list, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	raw, err := outbound.ReadAtMost(ctx, resp.Body, int64(left.size)+1)
	if err != nil {
		return list, "", err
	}
	list, entries, err := parseReferrers(raw, left.entries, len(raw) > left.size)
	if err != nil {
		return list, "", err
	}
	left.size -= len(raw)
	left.entries -= entries
	next, err = nextPage(page, resp.Header)
	return list, next, err
}
