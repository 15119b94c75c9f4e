// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// tagPattern is that of the distribution specification. A text that does not match it cannot be requested.
var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// linkNext is the target of the RFC 8288 link to the next page.
var linkNext = regexp.MustCompile(`<([^<>]*)>\s*;\s*rel="?next\b`)

// withoutList tells users how to do without a list of tags.
const withoutList = "ref.tag needs no list"

// Tags implements Reader. It leaves out listed texts that are no tags. A list that may be incomplete is an error.
func (r *remote) Tags(ctx context.Context) ([]string, error) {
	var err error
	for _, size := range pageSizes(r.host) {
		l := tagList{remote: r, size: size}
		if err = l.read(ctx); err == nil {
			return l.tags, nil
		}
		if !refusesSize(err) || l.pages > 0 {
			break
		}
	}
	return nil, problem.Note(r.failed("tags", err), withoutList)
}

// pageSizes returns the sizes of pages to ask for, in order; 0 leaves the choice to the registry. Most registries
// allow at most 1,000 tags in a page. Those of Google cut a list at the size, without a link to the rest, and
// allow 10,000.
func pageSizes(host string) []int {
	if strings.HasSuffix(host, ".pkg.dev") || host == "gcr.io" || strings.HasSuffix(host, ".gcr.io") {
		return []int{10000, 1000, 0}
	}
	return []int{1000, 100, 0}
}

// refusesSize reports whether an answer may be about the size of the page.
func refusesSize(err error) bool {
	var answer *refusal
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.status {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge,
		http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return true
	}
	return false
}

// tagList reads a list of tags, page by page.
type tagList struct {
	*remote
	size  int // of a page; 0 if the registry chooses
	pages int // that were read

	tags  []string
	bytes int
}

func (l *tagList) read(ctx context.Context) error {
	var first string // of the last page
	for page, isGuess := l.page(""), false; page != ""; {
		if l.pages == MaxTagPages {
			return fmt.Errorf("%w: more than %d pages", ErrTooLarge, MaxTagPages)
		}
		listed, next, err := l.tagPage(ctx, page)
		if err != nil {
			return err
		}
		l.pages++
		if isGuess && len(listed) > 0 && listed[0] == first {
			return fmt.Errorf("%w: the list may be incomplete: its page %d repeats the last one", ErrMalformed, l.pages)
		}
		if err := l.add(listed); err != nil {
			return err
		}
		// A full page without a link may be a list that was cut, so ask for the rest.
		if isGuess = next == "" && l.size > 0 && len(listed) == l.size; isGuess {
			next = l.page(listed[len(listed)-1])
			first = listed[0]
		}
		page = next
	}
	return nil
}

// page returns the page of tags after the last one, or the first page.
func (l *tagList) page(last string) string {
	query := url.Values{}
	if l.size > 0 {
		query.Set("n", fmt.Sprint(l.size))
	}
	if last != "" {
		query.Set("last", last)
	}
	return strings.TrimSuffix(l.base+"/tags/list?"+query.Encode(), "?")
}

// add adds the tags of a page.
func (l *tagList) add(listed []string) error {
	if len(l.tags)+len(listed) > MaxTags {
		return fmt.Errorf("%w: more than %d tags", ErrTooLarge, MaxTags)
	}
	for _, tag := range listed {
		if !tagPattern.MatchString(tag) {
			continue
		}
		if l.bytes += len(tag); l.bytes > MaxTagBytes {
			return fmt.Errorf("%w: more than %d bytes of tags", ErrTooLarge, MaxTagBytes)
		}
		l.tags = append(l.tags, tag)
	}
	return nil
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

// nextPage returns the page that a Link header leads to. Of the link, only path and query count, below the path
// of the API: a registry behind a proxy may not know its own name, and must not choose other hosts to call.
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
		return "", fmt.Errorf("%w: the Link header of page %s leads to no URL", ErrMalformed, from.Path)
	}
	if !strings.Contains(to.Path, "/v2/") {
		return "", fmt.Errorf("%w: the Link header of page %s leads to %s, outside of the registry's API", ErrMalformed, from.Path, to.Path)
	}
	next := url.URL{Scheme: from.Scheme, Host: from.Host, Path: to.Path, RawPath: to.RawPath, RawQuery: to.RawQuery}
	return next.String(), nil
}
