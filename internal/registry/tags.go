// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// tagPattern is that of the distribution specification. A text that does not match it cannot be requested.
var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// linkNext is the target of the RFC 8288 link to the next page.
var linkNext = regexp.MustCompile(`<([^<>]*)>\s*;\s*rel="?next\b`)

// Tags implements Reader. It leaves out listed texts that are no tags.
func (r *remote) Tags(ctx context.Context) ([]string, error) {
	var tags []string
	size := 0
	page := r.base + "/tags/list?n=1000"
	for pages := 1; page != ""; pages++ {
		if pages > MaxTagPages {
			return nil, r.failed("tags", fmt.Errorf("%w: more than %d pages", ErrTooLarge, MaxTagPages))
		}
		more, next, err := r.tagPage(ctx, page)
		if err != nil {
			return nil, r.failed("tags", err)
		}
		if len(tags)+len(more) > MaxTags {
			return nil, r.failed("tags", fmt.Errorf("%w: more than %d tags", ErrTooLarge, MaxTags))
		}
		for _, tag := range more {
			if !tagPattern.MatchString(tag) {
				continue
			}
			if size += len(tag); size > MaxTagBytes {
				return nil, r.failed("tags", fmt.Errorf("%w: more than %d bytes of tags", ErrTooLarge, MaxTagBytes))
			}
			tags = append(tags, tag)
		}
		page = next
	}
	return tags, nil
}

func (r *remote) tagPage(ctx context.Context, page string) (tags []string, next string, err error) {
	resp, err := r.get(ctx, page, "application/json")
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	raw, err := outbound.ReadAll(ctx, resp.Body, MaxManifestSize, ErrTooLarge)
	if err != nil {
		return nil, "", err
	}
	// Count before decoding into a slice, which would take many times the size of the page.
	if bytes.Count(raw, []byte(",")) > MaxTags {
		return nil, "", fmt.Errorf("%w: more than %d tags", ErrTooLarge, MaxTags)
	}
	var list struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, "", fmt.Errorf("%w: the list of tags is not JSON", ErrMalformed)
	}
	next, err = nextPage(page, resp.Header)
	return list.Tags, next, err
}

// nextPage returns the page that a Link header leads to. The page must be on the same host: a registry must not
// choose other hosts to call.
func nextPage(page string, h http.Header) (string, error) {
	var link []string
	for _, value := range h.Values("Link") {
		if link = linkNext.FindStringSubmatch(value); link != nil {
			break
		}
	}
	if link == nil {
		return "", nil
	}
	from, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	to, err := from.Parse(link[1])
	if err != nil {
		return "", fmt.Errorf("%w: a Link header leads to no URL", ErrMalformed)
	}
	if to.Scheme != from.Scheme || outbound.HostPort(to) != outbound.HostPort(from) || to.User != nil {
		return "", fmt.Errorf("%w: a Link header leads to another host", ErrMalformed)
	}
	return to.String(), nil
}
