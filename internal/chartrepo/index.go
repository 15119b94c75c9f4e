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

	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/helmindex"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// AnyAge accepts the last index, however old it is.
const AnyAge = time.Duration(1<<63 - 1)

// find returns the chart's part of the index, and whether only hosts on an internal network were asked for it. The server is asked
// again if the index is older than maxAge.
func (r *Repository) find(ctx context.Context, maxAge time.Duration) (helmindex.Chart, bool, error) {
	i, err := r.index(ctx, maxAge)
	if err != nil {
		return helmindex.Chart{}, false, err
	}
	defer r.client.indexes.release(i)
	chart, err := r.parse(ctx, i)
	return chart, r.client.indexes.insideOf(i), err
}

// index returns an index that is young enough, which the caller releases. Many who ask at the same time share one download. Nobody waits
// who may use the last index.
func (r *Repository) index(ctx context.Context, maxAge time.Duration) (*index, error) {
	x, asked, key := r.client.indexes, r.client.now(), r.key(ctx)
	p := x.visit(key, r.target.Scope, asked)
	defer x.leave(key, p)
	if i := x.take(p, asked, r.client.now(), maxAge); i != nil {
		return i, nil
	}
	if err := p.lock(ctx); err != nil {
		return nil, err
	}
	defer p.unlock()
	if i := x.take(p, asked, r.client.now(), maxAge); i != nil {
		return i, nil
	}
	if err := x.failure(p, r.target.Scope, asked); err != nil {
		return nil, err
	}
	began := r.client.now()
	i, err := r.download(ctx, p, began)
	if err != nil && ctx.Err() == nil { // otherwise nothing is known for those who wait
		x.fail(p, r.target.Scope, began, err)
	}
	return i, err
}

// key is equal for all who see the same index.
func (r *Repository) key(ctx context.Context) string {
	route := outbound.Route{Trust: r.target.Trust, Proxy: outbound.ProxyOf(ctx)}
	return fmt.Sprintf("%s %s %s", r.url, r.target.Credentials.Fingerprint(), route.Fingerprint())
}

// download asks the server for the index, and returns it: the last one if it is unchanged.
func (r *Repository) download(ctx context.Context, p *place, began time.Time) (*index, error) {
	x, at := r.client.indexes, r.url.JoinPath("index.yaml")
	request := r.request(at, nil, r.client.maxIndex)
	request.Gzip = true
	last := x.last(p)
	if last != nil {
		request.Known = last.validators
	}
	stream, err := r.client.downloads.Open(ctx, request)
	var unchanged *download.UnchangedError
	if errors.As(err, &unchanged) && last != nil {
		x.confirm(last, began, unchanged.StayedInside)
		return last, nil
	}
	if last != nil {
		x.release(last)
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
	i := &index{
		file: file, size: file.Reader().Size(), hash: hex.EncodeToString(hash.Sum(nil)), validators: stream.Validators, isInside: stream.StayedInside, at: began,
	}
	x.put(p, i)
	return i, nil
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

// chartKey names a chart in one version of an index.
type chartKey struct{ index, chart string }

// parsed is the chart's part of an index, or why there is none.
type parsed struct {
	chart helmindex.Chart
	err   error
}

// parse returns the chart's part of an index. It parses a part once, also if the index lacks the chart.
func (r *Repository) parse(ctx context.Context, i *index) (helmindex.Chart, error) {
	key := chartKey{index: i.hash, chart: r.chart}
	if known, ok := r.client.charts.Get(r.target.Scope, key); ok {
		return known.chart, known.err
	}
	if err := r.client.parsing.begin(ctx, r.target.Scope); err != nil {
		return helmindex.Chart{}, err
	}
	defer r.client.parsing.end(r.target.Scope)
	if known, ok := r.client.charts.Get(r.target.Scope, key); ok {
		return known.chart, known.err
	}
	chart, err := helmindex.Find(i.file.Reader(), i.size, r.chart)
	if err == nil || errors.Is(err, helmindex.ErrNotFound) || errors.Is(err, helmindex.ErrMalformed) || errors.Is(err, helmindex.ErrTooLarge) {
		r.client.charts.Add(r.target.Scope, key, parsed{chart, err}, sizeOf(chart))
	}
	return chart, err
}

// entryOverhead is counted for each entry on top of its texts, chartOverhead for each chart.
const entryOverhead, chartOverhead = 128, 2 << 10

func sizeOf(chart helmindex.Chart) int {
	size := chartOverhead
	for _, e := range chart.Entries {
		size += entryOverhead + len(e.Name) + len(e.Version) + len(e.Digest)
		for _, u := range e.URLs {
			size += len(u)
		}
	}
	return size
}

// maxParsing is how many indexes are parsed at a time, because a parser takes some 60 MB for the worst of them.
const maxParsing = 2

// parsing bounds how many indexes are parsed at a time: maxParsing in all, one for each scope.
type parsing struct {
	all    chan struct{}
	mu     sync.Mutex
	scopes map[string]*turn
}

// turn is held by the one who parses for a scope.
type turn struct {
	held    chan struct{}
	waiting int
}

func newParsing() *parsing {
	return &parsing{all: make(chan struct{}, maxParsing), scopes: map[string]*turn{}}
}

// begin waits for the turn of a scope, and then for a place among all.
func (p *parsing) begin(ctx context.Context, scope string) error {
	p.mu.Lock()
	t := p.scopes[scope]
	if t == nil {
		t = &turn{held: make(chan struct{}, 1)}
		p.scopes[scope] = t
	}
	t.waiting++
	p.mu.Unlock()
	select {
	case t.held <- struct{}{}:
	case <-ctx.Done():
		p.leave(scope, t)
		return ctx.Err()
	}
	select {
	case p.all <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-t.held
		p.leave(scope, t)
		return ctx.Err()
	}
}

func (p *parsing) end(scope string) {
	<-p.all
	p.mu.Lock()
	t := p.scopes[scope]
	p.mu.Unlock()
	<-t.held
	p.leave(scope, t)
}

func (p *parsing) leave(scope string, t *turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.waiting--; t.waiting == 0 {
		delete(p.scopes, scope)
	}
}
