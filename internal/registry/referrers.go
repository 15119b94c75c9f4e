// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

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
			if lacksAPI(err) {
				err = fmt.Errorf("%w: the registry has no referrers API: %w", ErrNotFound, err)
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

// errNoIndex is the error for an answer to a request for referrers that is not an image index.
var errNoIndex = errors.New("the answer is not an image index")

// lacksAPI reports whether an answer means that the registry has no referrers API. Registries that do not know
// the path answer with different statuses, with a redirect to a web page, or with the page.
func lacksAPI(err error) bool {
	var answer *refusal
	if !errors.As(err, &answer) {
		return errors.Is(err, errNoIndex)
	}
	switch answer.status {
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented:
		return true
	}
	return answer.status >= 300 && answer.status < 400
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
	// A registry that limits requests for referrers must not delay other requests, and one without the API may
	// redirect them to its web pages.
	origin := r.origin
	origin.Tenant += "\nreferrers of " + r.base
	origin.NoOtherHost = true
	resp, err := r.getFrom(ctx, origin, page, ocispec.MediaTypeImageIndex)
	if err == nil && mediaTypeIn(resp.Header) != ocispec.MediaTypeImageIndex {
		_ = resp.Body.Close()
		err = errNoIndex
	}
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
