// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
// registry writes as artifactType is its own opinion. What is over the limits is
// left out and not an error: whoever may push referrers must not be able to keep
// the others from being read.
func (r *remote) Referrers(ctx context.Context, d digest.Digest) (Referrers, error) {
	if err := checkDigest(d); err != nil {
		return Referrers{}, r.failed("referrers", err)
	}
	var all Referrers
	page, left := r.base+"/referrers/"+d.String(), MaxManifestSize
	for pages := 1; page != "" && !all.More; pages++ {
		list, size, next, err := r.referrersPage(ctx, page, left, MaxReferrers-len(all.Descriptors))
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
		left -= size
		page = next
		all.More = list.More || (page != "" && (pages == MaxReferrerPages || left <= 0))
	}
	return all, nil
}

// LacksReferrers implements Reader.
func (r *remote) LacksReferrers() bool {
	_, lacks := r.client.lacksReferrers.Load(r.origin.HostPort)
	return lacks
}

// referrersPage reads a page of at most size bytes, and of it at most count referrers.
func (r *remote) referrersPage(ctx context.Context, page string, size, count int) (list Referrers, read int, next string, err error) {
	resp, err := r.get(ctx, page, ocispec.MediaTypeImageIndex)
	if err != nil {
		return list, 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	raw, err := io.ReadAll(io.LimitReader(resp.Body, int64(size)+1))
	if err != nil {
		return list, 0, "", err
	}
	if list, err = parseReferrers(raw, count, len(raw) > size); err != nil {
		return list, 0, "", err
	}
	next, err = nextPage(page, resp.Header)
	return list, len(raw), next, err
}

// ParseReferrers reads the referrers from an image index: that of the referrers
// API, or that under the referrers tag. At most MaxReferrers are read. The error matches ErrMalformed.
func ParseReferrers(raw []byte) (Referrers, error) { return parseReferrers(raw, MaxReferrers, false) }

// parseReferrers reads at most limit referrers, one by one, so that a list of a
// million empty entries costs no more memory than its bytes. Of a list that was
// cut it reads what is whole.
func parseReferrers(raw []byte, limit int, cut bool) (Referrers, error) {
	list, err := decodeReferrers(json.NewDecoder(bytes.NewReader(raw)), limit)
	if err != nil && !cut {
		return Referrers{}, fmt.Errorf("%w: the list of referrers is not an image index", ErrMalformed)
	}
	list.More = list.More || cut
	return list, nil
}

func decodeReferrers(index *json.Decoder, limit int) (list Referrers, err error) {
	if err := expect(index, json.Delim('{')); err != nil {
		return list, err
	}
	for index.More() {
		key, err := index.Token()
		if err != nil {
			return list, err
		}
		if key != "manifests" {
			var other json.RawMessage
			if err := index.Decode(&other); err != nil {
				return list, err
			}
			continue
		}
		// The first such list is the list: what comes after it is not read.
		return decodeDescriptors(index, limit)
	}
	return list, expect(index, json.Delim('}'))
}

func decodeDescriptors(index *json.Decoder, limit int) (list Referrers, err error) {
	start, err := index.Token()
	if err != nil || start == nil { // null is an empty list
		return list, err
	}
	if start != json.Delim('[') {
		return list, errNoList
	}
	for index.More() {
		if len(list.Descriptors) == limit {
			list.More = true
			return list, nil
		}
		var d ocispec.Descriptor
		if err := index.Decode(&d); err != nil {
			return list, err
		}
		list.Descriptors = append(list.Descriptors, d)
	}
	return list, expect(index, json.Delim(']'))
}

var errNoList = errors.New("not what a list of referrers is made of")

func expect(d *json.Decoder, want json.Token) error {
	got, err := d.Token()
	if err == nil && got != want {
		err = errNoList
	}
	return err
}
