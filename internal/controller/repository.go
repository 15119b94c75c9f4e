// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// repositoryOf returns the name of the repository in a spec. The error matches registry.ErrURL.
func repositoryOf(spec v1alpha1.VerifiedChartSpec) (string, error) {
	isClassic := location.IsClassic(spec.URL)
	switch {
	case isClassic && spec.Chart == "":
		return "", problem.New(registry.ErrURL, "a classic repository needs chart").Fix("set chart to the name of the chart in index.yaml")
	case !isClassic && spec.Chart != "":
		return "", problem.New(registry.ErrURL, "chart is for classic repositories").Fix("remove chart, and end url with the name of the chart")
	case isClassic:
		url, err := chartrepo.ParseURL(spec.URL)
		return chartrepo.Name(url, spec.Chart), err
	}
	return registry.ParseURL(spec.URL)
}

// credentials returns the credentials of an object for a repository, and their scope, for requests over a route. If lenient
// is true and the spec's credentials are faulty, there are none: a faulty spec must not keep the published chart from being
// verified.
func (e *errands) credentials(ctx context.Context, obj *v1alpha1.VerifiedChart, repository string, lenient bool) (registry.Credentials, string, error) {
	on := routeIn(ctx)
	if on.err != nil {
		return registry.Credentials{}, "", on.err // even if lenient: a request must not bypass the proxy
	}
	c, scope, err := e.material.Credentials(ctx, accessOf(obj, repository, on.route.Proxy))
	if err != nil {
		if !lenient {
			return registry.Credentials{}, "", err
		}
		c, scope = registry.Credentials{}, obj.Namespace+"/"
	}
	return c, scope + on.route.Fingerprint(), nil
}

// renew drops the passwords of clouds in an object's namespace if the error is that one has expired. It reports whether it did.
func (e *errands) renew(obj *v1alpha1.VerifiedChart, err error) bool {
	if !obj.Spec.UsesCloud() || !errors.Is(err, registry.ErrExpired) {
		return false
	}
	e.material.Renew(obj.Namespace)
	return true
}

// reader returns a reader of a repository in a registry for an object. See credentials.
func (e *errands) reader(ctx context.Context, obj *v1alpha1.VerifiedChart, repository string, lenient bool) (*registry.CachingReader, string, error) {
	credentials, scope, err := e.credentials(ctx, obj, repository, lenient)
	if err != nil {
		return nil, "", err
	}
	reader, err := e.registries.Repository(registry.Target{
		Repository: repository, PlainHTTP: obj.Spec.Insecure && e.allowHTTP, Credentials: credentials, Scope: scope, Route: routeIn(ctx).route,
	})
	if err != nil {
		return nil, "", err
	}
	return e.cached(obj, scope, repository, reader), scope, nil
}

// cached returns a reader of a repository that keeps answers for an object.
func (e *errands) cached(obj *v1alpha1.VerifiedChart, scope, repository string, r registry.Reader) *registry.CachingReader {
	return e.cache.Reader(registry.Scope{Namespace: obj.Namespace, Object: string(obj.UID), Credentials: scope}, repository, r)
}

// classic returns a reader of a classic repository for an object. See credentials.
func (e *errands) classic(ctx context.Context, obj *v1alpha1.VerifiedChart, repository string, lenient bool) (*chartrepo.Repository, string, error) {
	credentials, scope, err := e.credentials(ctx, obj, repository, lenient)
	if err != nil {
		return nil, "", err
	}
	username, password := credentials.Basic(location.WithoutScheme(repository))
	if isCleartext(repository) && !isCleartext(obj.Spec.URL) {
		username, password = "", "" // a password for the URL in the spec must not go to an older URL in cleartext
	}
	r, err := e.charts.Repository(chartrepo.Target{
		Repository: repository, PlainHTTP: obj.Spec.Insecure && e.allowHTTP, Credentials: download.Basic(username, password),
		PassCredentials: obj.Spec.PassCredentials, Trust: routeIn(ctx).route.Trust, Scope: obj.Namespace,
	})
	return r, scope, err
}

func isCleartext(url string) bool { return strings.HasPrefix(strings.ToLower(url), "http://") }

// accessOf returns the access of an object to a repository. The credentials are for the host of the URL in the spec, also if the
// repository is the published chart's on another host: a new URL comes with a new password, which is not for the old host.
func accessOf(obj *v1alpha1.VerifiedChart, repository string, proxy outbound.Proxy) material.Access {
	requested, err := repositoryOf(obj.Spec)
	if err != nil {
		requested = ""
	}
	if !location.SameHost(requested, repository) {
		repository = requested
	}
	return material.Access{
		Namespace: obj.Namespace, Repository: location.WithoutScheme(repository),
		Provider: obj.Spec.Provider, SecretRef: obj.Spec.SecretRef, ServiceAccount: obj.Spec.ServiceAccountName,
		Proxy: proxy.URL(),
	}
}

// indexAge returns the age up to which the index of a classic repository is used. All charts of a repository with the same interval
// share a download, and each chart alone causes one at each of its intervals, which differ a little.
func indexAge(interval time.Duration) time.Duration { return interval * 9 / 10 }

// resolveArchive resolves the reference in a classic repository, by the index and, if it states no digest, by the archive.
func (t *try) resolveArchive(ctx context.Context, wanted pipeline.Request) error {
	age := indexAge(t.now.facts.Interval)
	if t.isRequestedNow() {
		age = 0
	}
	found, err := pipeline.Find(ctx, t.charts, wanted, age)
	if err != nil {
		return err
	}
	d, isMeasured := cmp.Or(wanted.Digest, found.Digest), false
	if d == "" {
		if d, err = t.measure(ctx, found); err != nil {
			return err
		}
		isMeasured = true
	}
	t.resolved, t.place = pipeline.OfArchive(found, d), placeOf(found)
	t.reader = t.cached(t.obj, t.scope, wanted.Repository, t.charts.Reader(found, d, isMeasured))
	return nil
}

// placeOf returns the place of an archive, or nil if it must not be stored.
func placeOf(a chartrepo.Archive) *chartrepo.Place {
	if place, ok := a.Place(); ok {
		return &place
	}
	return nil
}

// measure stages the archive to learn its digest, unless the server has the version that was measured last.
func (t *try) measure(ctx context.Context, a chartrepo.Archive) (digest.Digest, error) {
	staged, err := t.storage.Stage()
	if err != nil {
		return "", &pipeline.Failure{Step: pipeline.StepStore, Err: err}
	}
	d, written, err := t.charts.Measure(ctx, a, staged)
	if err != nil || !written {
		staged.Discard()
	} else {
		t.staged = staged
	}
	if err != nil {
		return "", &pipeline.Failure{Step: pipeline.StepResolve, Err: err}
	}
	return d, nil
}

// isRequestedNow reports whether somebody requests a reconcile that was not handled yet.
func (t *try) isRequestedNow() bool {
	token := requestToken(t.obj)
	return token != "" && token != t.obj.GetLastHandledReconcileRequest()
}

// locateArchive finds the published chart in its classic repository by the index: the archive of its version, and the files beside it.
func (e *errands) locateArchive(ctx context.Context, p published) (located, error) {
	return e.archiveAt(ctx, p, func(charts *chartrepo.Repository, wanted pipeline.Request) (chartrepo.Archive, error) {
		return pipeline.Find(ctx, charts, wanted, indexAge(p.now.facts.Interval))
	})
}

// locateAgain finds the published chart where it was when it was last verified, without the index. A slow index must not delay the answer
// to a question about the files beside the archive.
func (e *errands) locateAgain(ctx context.Context, p published) (located, error) {
	return e.archiveAt(ctx, p, func(charts *chartrepo.Repository, _ pipeline.Request) (chartrepo.Archive, error) {
		return charts.At(*p.now.place)
	})
}

func (e *errands) archiveAt(ctx context.Context, p published, find func(*chartrepo.Repository, pipeline.Request) (chartrepo.Archive, error)) (at located, err error) {
	charts, scope, err := e.classic(ctx, p.obj, p.repository, true)
	at.scope = scope
	if err != nil {
		return at, err
	}
	wanted := pipeline.Request{Repository: p.repository, Name: p.chart.Name, Digest: p.chart.Digest, Tag: p.chart.Version}
	found, err := find(charts, wanted)
	if err != nil {
		return at, err
	}
	at.place = placeOf(found)
	at.reader = e.cached(p.obj, scope, p.repository, charts.Reader(found, p.chart.Digest, false))
	at.reader.Bypass()
	at.subject, err = pipeline.Manifest(wanted, pipeline.OfArchive(found, p.chart.Digest))
	return at, err
}
