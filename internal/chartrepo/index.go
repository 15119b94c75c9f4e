// SPDX-License-Identifier: Apache-2.0

package chartrepo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/helmindex"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// maxIndexes and maxIndexBytes bound the indexes that are kept on the disk: their number, and their total size. The one
// that was used last is always kept.
const maxIndexes, maxIndexBytes = 256, 512 << 20

// index is one version of an index.yaml.
type index struct {
	file       File
	hash       string // of its content
	validators download.Validators
	isInside   bool
	at         time.Time // when the server was asked last
}

func (i *index) discard() {
	if i != nil {
		i.file.Discard()
	}
}

// place holds the last index of one repository, as one set of credentials sees it.
type place struct {
	// busy holds one token while somebody uses the place: an index is downloaded once, however many ask for it.
	busy    chan struct{}
	current *index
	// at is the end of the last download, and failed why it failed.
	at     time.Time
	failed error
}

// lock waits for the place.
func (p *place) lock(ctx context.Context) error {
	select {
	case p.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *place) unlock() { <-p.busy }

// indexes holds places.
type indexes struct {
	mu     sync.Mutex
	places *simplelru.LRU[string, *place]
}

func newIndexes() *indexes {
	places, err := simplelru.NewLRU[string, *place](maxIndexes+1, nil)
	if err != nil {
		panic(err)
	}
	return &indexes{places: places}
}

// lock returns the place for a key, which the caller unlocks.
func (x *indexes) lock(ctx context.Context, key string) (*place, error) {
	for {
		x.mu.Lock()
		p, ok := x.places.Get(key)
		if !ok {
			p = &place{busy: make(chan struct{}, 1)}
			x.places.Add(key, p)
		}
		x.mu.Unlock()
		if err := p.lock(ctx); err != nil {
			return nil, err
		}
		x.mu.Lock()
		kept, ok := x.places.Peek(key)
		x.mu.Unlock()
		if ok && kept == p {
			return p, nil
		}
		p.unlock() // it was evicted meanwhile
	}
}

// tidy evicts places until the bounds hold, the least recently used first. It leaves a place that is in use.
func (x *indexes) tidy() {
	x.mu.Lock()
	defer x.mu.Unlock()
	total := int64(0)
	sizes := map[string]int64{}
	for _, key := range x.places.Keys() {
		p, _ := x.places.Peek(key)
		if p.lockNow() {
			if p.current != nil {
				sizes[key] = p.current.file.Reader().Size()
			}
			p.unlock()
		}
		total += sizes[key]
	}
	for _, key := range x.places.Keys() {
		if total <= maxIndexBytes && x.places.Len() <= maxIndexes {
			return
		}
		if p, _ := x.places.Peek(key); p.lockNow() {
			p.current.discard()
			p.current = nil
			x.places.Remove(key)
			p.unlock()
			total -= sizes[key]
		}
	}
}

func (p *place) lockNow() bool {
	select {
	case p.busy <- struct{}{}:
		return true
	default:
		return false
	}
}

// chartKey names a chart in one version of an index.
type chartKey struct{ index, chart string }

// find returns the chart's part of the index, and whether only hosts on an internal network were asked for it. The server is asked
// again if the index is older than maxAge.
func (r *Repository) find(ctx context.Context, maxAge time.Duration) (helmindex.Chart, bool, error) {
	place, err := r.client.indexes.lock(ctx, r.key(ctx))
	if err != nil {
		return helmindex.Chart{}, false, err
	}
	defer r.client.indexes.tidy()
	defer place.unlock()
	if err := r.refresh(ctx, place, maxAge); err != nil {
		return helmindex.Chart{}, false, err
	}
	chart, err := r.parse(place.current)
	return chart, place.current.isInside, err
}

// key is equal for all who see the same index.
func (r *Repository) key(ctx context.Context) string {
	route := outbound.Route{Trust: r.target.Trust, Proxy: outbound.ProxyOf(ctx)}
	return fmt.Sprintf("%s %s %s", r.url, r.target.Credentials.Fingerprint(), route.Fingerprint())
}

// refresh asks the server for the index if the last one is too old. If the caller waited for another download, its result counts.
func (r *Repository) refresh(ctx context.Context, p *place, maxAge time.Duration) error {
	asked := askedAt(ctx)
	switch {
	case p.current != nil && r.client.now().Sub(p.current.at) < maxAge:
		return nil
	case p.at.After(asked) && (p.failed != nil || p.current != nil):
		return p.failed
	}
	next, err := r.download(ctx, p.current)
	if ctx.Err() == nil { // otherwise nothing is known for those who wait
		p.at, p.failed = r.client.now(), err
	}
	if err != nil {
		return err
	}
	if next != p.current {
		p.current.discard()
	}
	p.current = next
	return nil
}

type askedKey struct{}

// asked returns a context that remembers the moment.
func (c *Client) asked(ctx context.Context) context.Context {
	return context.WithValue(ctx, askedKey{}, c.now())
}

func askedAt(ctx context.Context) time.Time {
	at, _ := ctx.Value(askedKey{}).(time.Time)
	return at
}

// download returns the present index: the last one, with a new date, if it is unchanged.
func (r *Repository) download(ctx context.Context, last *index) (*index, error) {
	at := r.url.JoinPath("index.yaml")
	request := r.request(at, nil, r.client.maxIndex)
	request.Gzip = true
	if last != nil {
		request.Known = last.validators
	}
	asked := r.client.now()
	stream, err := r.client.downloads.Open(ctx, request)
	if errors.Is(err, download.ErrUnchanged) {
		last.at = asked
		return last, nil
	}
	if err != nil {
		return nil, r.indexFailed(r.failed("index.yaml", at, err))
	}
	defer stream.Close() //nolint:errcheck // everything was read, or the error below explains why not
	file, err := r.client.stage()
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	if err := r.copyTo(io.MultiWriter(file, hash), stream, "index.yaml", at); err != nil {
		file.Discard()
		return nil, r.indexFailed(err)
	}
	return &index{file: file, hash: hex.EncodeToString(hash.Sum(nil)), validators: stream.Validators, isInside: stream.StayedInside, at: asked}, nil
}

// indexFailed returns the error about the index with a better fix, if there is one.
func (r *Repository) indexFailed(err error) error {
	switch {
	case errors.Is(err, download.ErrNotFound):
		return problem.New(registry.ErrNotFound, "%s has no index.yaml", r.url).
			Fix("correct url: a classic repository has its index at url/index.yaml, and an OCI registry has a URL oci://…").Because(err)
	case errors.Is(err, download.ErrTooLarge):
		return problem.New(registry.ErrTooLarge, "index.yaml of %s has more than %d bytes", r.url, r.client.maxIndex).
			Fix("remove old versions from the index, or raise --helm-index-max-size").Because(err)
	}
	return err
}

// parse returns the chart's part of an index. It parses a part once.
func (r *Repository) parse(i *index) (helmindex.Chart, error) {
	key := chartKey{index: i.hash, chart: r.chart}
	if chart, ok := r.client.charts.Get(r.target.Scope, key); ok {
		return chart, nil
	}
	content := i.file.Reader()
	chart, err := helmindex.Find(content, content.Size(), r.chart)
	if err == nil {
		r.client.charts.Add(r.target.Scope, key, chart, sizeOf(chart))
	}
	return chart, err
}

// entryOverhead is counted for each entry on top of its texts.
const entryOverhead = 128

func sizeOf(chart helmindex.Chart) int {
	size := 0
	for _, e := range chart.Entries {
		size += entryOverhead + len(e.Name) + len(e.Version) + len(e.Digest)
		for _, u := range e.URLs {
			size += len(u)
		}
	}
	return size
}
