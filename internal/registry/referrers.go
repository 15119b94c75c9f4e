package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Referrers is what a registry says refers to a manifest. Nothing of it is proven.
type Referrers struct {
	// Descriptors of the referrers, in the order of the registry.
	Descriptors []ocispec.Descriptor `json:"descriptors"`
	// More says that there are more than the limits allow to read.
	More bool `json:"more,omitempty"`
}

// Referrers implements Reader by the referrers API of the distribution
// specification 1.1 ("Listing Referrers"). The answer is not filtered: what a
// registry writes as artifactType is its own opinion.
func (r *remote) Referrers(ctx context.Context, d digest.Digest) (Referrers, error) {
	if err := checkDigest(d); err != nil {
		return Referrers{}, r.failed("referrers", err)
	}
	var all Referrers
	page, left := r.base+"/referrers/"+d.String(), int64(MaxManifestSize)
	for pages := 1; page != ""; pages++ {
		raw, next, err := r.referrersPage(ctx, page, left)
		if err != nil {
			return Referrers{}, r.failed("referrers of "+d.String(), err)
		}
		more, err := parseReferrers(raw, MaxReferrers-len(all.Descriptors))
		if err != nil {
			return Referrers{}, r.failed("referrers of "+d.String(), err)
		}
		all.Descriptors = append(all.Descriptors, more.Descriptors...)
		left -= int64(len(raw))
		if all.More = more.More; all.More {
			break
		}
		if page = next; page != "" && (pages == MaxReferrerPages || left <= 0) {
			all.More = true
			break
		}
	}
	return all, nil
}

func (r *remote) referrersPage(ctx context.Context, page string, limit int64) (raw []byte, next string, err error) {
	resp, err := r.get(ctx, page, ocispec.MediaTypeImageIndex)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	if raw, err = readAll(resp.Body, limit); err != nil {
		return nil, "", err
	}
	next, err = nextPage(page, resp.Header)
	return raw, next, err
}

// ParseReferrers reads the referrers from an image index: that of the referrers
// API, or that under the referrers tag. At most MaxReferrers are read. The error matches ErrMalformed.
func ParseReferrers(raw []byte) (Referrers, error) { return parseReferrers(raw, MaxReferrers) }

// parseReferrers reads them one by one, so that a list of a million empty
// entries costs no more memory than its bytes.
func parseReferrers(raw []byte, limit int) (Referrers, error) {
	var index struct {
		Manifests json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		return Referrers{}, fmt.Errorf("%w: the list of referrers is not an image index", ErrMalformed)
	}
	if len(index.Manifests) == 0 || string(index.Manifests) == "null" {
		return Referrers{}, nil
	}
	entries := json.NewDecoder(bytes.NewReader(index.Manifests))
	if start, err := entries.Token(); err != nil || start != json.Delim('[') {
		return Referrers{}, fmt.Errorf("%w: the manifests of the list of referrers are no list", ErrMalformed)
	}
	var list Referrers
	for entries.More() {
		if len(list.Descriptors) >= limit {
			list.More = true
			return list, nil
		}
		var d ocispec.Descriptor
		if err := entries.Decode(&d); err != nil {
			return Referrers{}, fmt.Errorf("%w: an entry of the list of referrers is no descriptor", ErrMalformed)
		}
		list.Descriptors = append(list.Descriptors, d)
	}
	return list, nil
}
