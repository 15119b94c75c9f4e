// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// replayed is a registry with quirks, and what a client observes.
type replayed struct {
	preset registrytest.Option
	// noAPI means that there is no referrers API.
	noAPI bool
	// lists is the number of requests for a list of 1,100 tags.
	lists int
	// unchanged is the number of requests for a tag that did not move: 2 if an answer to HEAD names no digest.
	unchanged int
	// missing, tag and wrong are the classes of errors for a missing repository, a missing tag and wrong credentials.
	missing, tag, wrong error
	// pause is the pause that the registry asks for when it limits the rate.
	pause time.Duration
	// limitsPulls means that a limit does not stop a tag that did not move.
	limitsPulls bool
	// isPublic means that everybody may read.
	isPublic bool
}

// errDenied marks the classes of errors of token services, which know nothing about the content.
var errDenied = errors.New("ErrUnauthorized, and not ErrWithheld")

func beOf(class error) OmegaMatcher {
	if errors.Is(class, errDenied) {
		return And(MatchError(registry.ErrUnauthorized), Not(MatchError(registry.ErrWithheld)), Not(MatchError(registry.ErrNotFound)))
	}
	return MatchError(class)
}

// unnamed is the pause after a limit that names none.
const unnamed = 30 * time.Second

// replays are the registries that people use.
var replays = []TableEntry{
	Entry("GHCR", replayed{preset: registrytest.GHCR(), noAPI: true, lists: 2, unchanged: 1, missing: errDenied, tag: registry.ErrNotFound, wrong: errDenied, pause: time.Minute}),
	Entry("Docker Hub", replayed{preset: registrytest.DockerHub(), noAPI: true, lists: 11, unchanged: 1, missing: registry.ErrWithheld, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed, limitsPulls: true}),
	Entry("ECR", replayed{preset: registrytest.ECR(), lists: 2, unchanged: 2, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: registry.ErrWithheld, pause: unnamed}),
	Entry("ECR public", replayed{preset: registrytest.ECRPublic(), isPublic: true, noAPI: true, lists: 2, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed}),
	Entry("ACR", replayed{preset: registrytest.ACR(), lists: 11, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: errDenied, pause: 10 * time.Second}),
	Entry("Google Artifact Registry", replayed{preset: registrytest.GoogleArtifactRegistry(), lists: 2, unchanged: 1, missing: registry.ErrWithheld, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed}),
	Entry("Quay", replayed{preset: registrytest.Quay(), lists: 22, unchanged: 1, missing: registry.ErrWithheld, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed}),
	Entry("GitLab", replayed{preset: registrytest.GitLab(), noAPI: true, lists: 2, unchanged: 1, missing: registry.ErrWithheld, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed}),
	Entry("Harbor", replayed{preset: registrytest.Harbor(), lists: 2, unchanged: 1, missing: registry.ErrWithheld, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed}),
	Entry("Nexus", replayed{preset: registrytest.Nexus(), noAPI: true, lists: 2, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: registry.ErrWithheld, pause: unnamed}),
	Entry("JFrog", replayed{preset: registrytest.JFrog(), lists: 2, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrWithheld, wrong: errDenied, pause: unnamed}),
	Entry("Gitea", replayed{preset: registrytest.Gitea(), noAPI: true, lists: 2, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed}),
	Entry("zot", replayed{preset: registrytest.Zot(), lists: 2, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: registry.ErrWithheld, pause: unnamed}),
	Entry("distribution", replayed{preset: registrytest.Distribution(), noAPI: true, lists: 2, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: registry.ErrWithheld, pause: unnamed}),
	Entry("OpenShift", replayed{preset: registrytest.OpenShift(), noAPI: true, lists: 2, unchanged: 1, missing: registry.ErrNotFound, tag: registry.ErrNotFound, wrong: errDenied, pause: unnamed}),
}

// replay is a chart in a replayed registry, and a client that may read it.
type replay struct {
	pushed
	repo   *registrytest.Repository
	client *registry.Client
	target registry.Target
	cache  *registry.Cache
}

func newReplay(opts ...registrytest.Option) replay {
	p := push(opts...)
	r := replay{pushed: p, repo: p.Repository(app), client: newClient(), target: p.target(), cache: registry.NewCache(1<<20, time.Hour, time.Now)}
	r.target.Credentials = credentials(p.Host(), login(registrytest.User, registrytest.Password))
	return r
}

// reader returns a reader as a new attempt makes one: tokens and the cache are those of earlier attempts.
func (r replay) reader() *registry.CachingReader {
	return r.cache.Reader(registry.Scope{}, r.target.Repository, open(r.client, r.target))
}

// as returns the target for somebody else.
func (r replay) as(c registry.Credentials) registry.Reader {
	t := r.target
	t.Scope, t.Credentials = "stranger", c
	return open(r.client, t)
}

var _ = Describe("A replayed registry", Label("registry", "network"), func() {
	ctx := context.Background()

	DescribeTable("gives a tag, a manifest and an archive:", func(q replayed) {
		r := newReplay(q.preset)
		m, err := r.reader().Current(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor.Digest).To(Equal(r.manifest.Digest))
		Expect(open(r.client, r.target).Manifest(ctx, r.manifest.Digest)).To(Equal(m))
		body, err := r.reader().Open(ctx, r.archive)
		Expect(err).NotTo(HaveOccurred())
		Expect(io.ReadAll(body)).To(Equal(archive))
	}, replays)

	DescribeTable("lists all tags:", func(q replayed) {
		r := newReplay(q.preset)
		for i := range 1099 {
			r.repo.PushManifest(fmt.Sprintf("0.1.%d", i), r.repo.Raw("1.0.0"))
		}
		_, err := r.reader().Current(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred(), "the token is known from now on")
		r.Reset()
		Expect(r.reader().Tags(ctx)).To(HaveLen(1100))
		Expect(r.Requests()).To(HaveLen(q.lists), "%v", r.Requests())
	}, replays)

	DescribeTable("lists signatures, by its referrers API or under a tag:", func(q replayed) {
		r := newReplay(q.preset)
		signature := r.repo.PushReferrer("application/vnd.example", r.manifest, r.repo.PushBlob("text/plain", []byte("signature")))
		list, err := r.reader().Referrers(ctx, r.manifest.Digest)
		Expect(r.reader().LacksReferrers()).To(Equal(q.noAPI))
		if q.noAPI {
			Expect(err).To(MatchError(registry.ErrNotFound))
			var index registry.Manifest
			index, err = r.reader().Resolve(ctx, registrytest.ReferrersTag(r.manifest.Digest))
			Expect(err).NotTo(HaveOccurred())
			list, err = registry.ParseReferrers(index.Raw)
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(list.Descriptors).To(ConsistOf(HaveField("Digest", signature.Digest)))
		Expect(r.reader().Manifest(ctx, signature.Digest)).To(HaveField("Raw", r.repo.Raw(signature.Digest.String())))
		Expect(r.Requests()).NotTo(ContainElement(ContainSubstring("elsewhere/-/")), "no web page is read")
	}, replays)

	DescribeTable("is asked whether a tag moved:", func(q replayed) {
		r := newReplay(q.preset)
		before, err := r.reader().Current(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		r.Reset()
		Expect(r.reader().Current(ctx, "1.0.0")).To(Equal(before))
		Expect(r.Requests()).To(HaveLen(q.unchanged), "%v", r.Requests())
		moved := r.repo.PushChart("1.0.0", []byte(`{"name":"app","version":"1.0.0"}`), archive)
		Expect(r.reader().Current(ctx, "1.0.0")).To(HaveField("Descriptor.Digest", moved.Digest))
	}, replays)

	DescribeTable("gives a new token for one that expired:", func(q replayed) {
		r := newReplay(q.preset)
		for range 3 {
			for _, ask := range []question{tags, resolve, manifest, blob} {
				Expect(ask(ctx, r.pushed, open(r.client, r.target))).To(Succeed())
			}
			r.ExpireTokens()
		}
	}, replays)

	DescribeTable("lacks a repository:", func(q replayed) {
		r := newReplay(q.preset)
		r.target.Repository = r.Host() + "/charts/missing"
		for _, ask := range []question{tags, resolve, manifest, blob} {
			Expect(ask(ctx, r.pushed, r.reader())).To(beOf(q.missing))
		}
	}, replays)

	DescribeTable("lacks a tag:", func(q replayed) {
		r := newReplay(q.preset)
		_, err := r.reader().Resolve(ctx, "9.9.9")
		Expect(err).To(beOf(q.tag))
		_, err = r.reader().Current(ctx, "9.9.9")
		Expect(err).To(beOf(q.tag))
	}, replays)

	DescribeTable("lacks a signature:", func(q replayed) {
		r := newReplay(q.preset)
		list, err := r.reader().Referrers(ctx, r.manifest.Digest)
		Expect(list.Descriptors).To(BeEmpty())
		Expect(errors.Is(err, registry.ErrNotFound)).To(Equal(q.noAPI))
		Expect(err != nil).To(Equal(q.noAPI))
		_, err = r.reader().Resolve(ctx, registrytest.ReferrersTag(r.manifest.Digest))
		Expect(err).To(beOf(q.tag))
		Expect(r.Requests()).NotTo(ContainElement(ContainSubstring("elsewhere/-/")), "no web page is read")
	}, replays)

	DescribeTable("refuses wrong credentials, for good charts too:", func(q replayed) {
		r := newReplay(q.preset)
		for _, ask := range []question{tags, resolve, manifest, blob} {
			Expect(ask(ctx, r.pushed, r.as(credentials(r.Host(), login(registrytest.User, "wrong"))))).To(beOf(q.wrong))
		}
		Expect(resolve(ctx, r.pushed, r.reader())).To(Succeed(), "others have tokens of their own")
	}, replays)

	DescribeTable("shows a private chart to nobody else, and a public chart to everybody:", func(q replayed) {
		for _, ask := range []question{tags, resolve, manifest, blob} {
			if private := newReplay(q.preset); !q.isPublic {
				Expect(ask(ctx, private.pushed, private.as(registry.Credentials{}))).To(And(MatchError(registry.ErrUnauthorized), Not(MatchError(registry.ErrNotFound))))
			}
			public := newReplay(q.preset, registrytest.Public, registrytest.TokenWithoutLogin)
			Expect(ask(ctx, public.pushed, public.as(registry.Credentials{}))).To(Succeed())
		}
	}, replays)

	DescribeTable("limits the rate, and gets the pause that it asks for:", func(q replayed) {
		r := newReplay(q.preset)
		before, err := r.reader().Current(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		r.Limit(true)
		m, err := r.reader().Current(ctx, "1.0.0")
		Expect(err == nil).To(Equal(q.limitsPulls))
		if q.limitsPulls {
			Expect(m).To(Equal(before), "a HEAD is no pull")
		}
		var limited *outbound.RateLimitedError
		Expect(errors.As(manifest(ctx, r.pushed, open(r.client, r.target)), &limited)).To(BeTrue())
		Expect(limited.RetryAfter).To(BeNumerically("~", q.pause, 5*time.Second))
		r.Reset()
		Expect(manifest(ctx, r.pushed, open(r.client, r.target))).NotTo(Succeed())
		Expect(r.Requests()).To(BeEmpty())
		Expect(manifest(ctx, r.pushed, r.as(r.target.Credentials))).NotTo(Succeed())
		Expect(r.Requests()).NotTo(BeEmpty(), "another scope has limits of its own")
	}, replays)
})
