// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// presets are the registries that people use.
var presets = []TableEntry{
	Entry("GHCR", registrytest.GHCR(), 1), Entry("Docker Hub", registrytest.DockerHub(), 1), Entry("ECR", registrytest.ECR(), 2),
	Entry("ECR public", registrytest.ECRPublic(), 1), Entry("ACR", registrytest.ACR(), 1), Entry("Google Artifact Registry", registrytest.GoogleArtifactRegistry(), 1),
	Entry("Quay", registrytest.Quay(), 1), Entry("GitLab", registrytest.GitLab(), 1), Entry("Harbor", registrytest.Harbor(), 1),
	Entry("Nexus", registrytest.Nexus(), 1), Entry("JFrog", registrytest.JFrog(), 1), Entry("Gitea", registrytest.Gitea(), 1),
	Entry("zot", registrytest.Zot(), 1), Entry("distribution", registrytest.Distribution(), 1), Entry("OpenShift", registrytest.OpenShift(), 1),
}

var _ = Describe("A chart in a replayed registry", Label("registry", "network"), func() {
	var (
		ctx     = context.Background()
		config  = charttest.ConfigJSON("app", "1.0.0")
		archive = charttest.Archive("app", "1.0.0")
		ours    = verifytest.P256()
		served  *registrytest.Registry
		repo    *registrytest.Repository
		pushed  ocispec.Descriptor
		target  registry.Target
		client  *registry.Client
		cache   *registry.Cache
	)
	serve := func(preset registrytest.Option) {
		GinkgoHelper()
		served = registrytest.New(preset)
		DeferCleanup(served.Close)
		repo = served.Repository("charts/app")
		pushed = repo.PushChart("1.0.0", config, archive)
		login := base64.StdEncoding.EncodeToString([]byte(registrytest.User + ":" + registrytest.Password))
		credentials, err := registry.ParseDockerConfig(fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, served.Host(), login))
		Expect(err).NotTo(HaveOccurred())
		target = registry.Target{Repository: served.Host() + "/charts/app", PlainHTTP: true, Credentials: credentials, Scope: "apps"}
		client = registry.NewClient(registry.ClientOptions{AllowedHosts: []string{"127.0.0.0/8"}, RetryPause: time.Millisecond})
		cache = registry.NewCache(1<<20, time.Hour, time.Now)
	}
	// reader returns a reader as a new attempt makes one.
	reader := func() *registry.CachingReader {
		GinkgoHelper()
		remote, err := client.Repository(target)
		Expect(err).NotTo(HaveOccurred())
		return cache.Reader(registry.Scope{Object: "app"}, target.Repository, remote)
	}
	request := func(r pipeline.Request) pipeline.Request {
		r.Repository, r.Name = target.Repository, "app"
		return r
	}
	policies := func() []verify.Named {
		GinkgoHelper()
		key, err := bundle.ParseKey("a.pub", ours.Public)
		Expect(err).NotTo(HaveOccurred())
		verifier, err := cosign.New(cosign.Authority{Name: "release", Trust: bundle.Trust{Keys: []bundle.Key{key}}})
		Expect(err).NotTo(HaveOccurred())
		return []verify.Named{{Verifier: verifier}}
	}
	// verified resolves and verifies a request.
	verified := func(w pipeline.Request, r *registry.CachingReader) (pipeline.Resolved, verify.Accepted, error) {
		resolved, err := pipeline.Resolve(ctx, r, w)
		if err != nil {
			return resolved, verify.Accepted{}, err
		}
		subject, err := pipeline.Manifest(w, resolved)
		if err != nil {
			return resolved, verify.Accepted{}, err
		}
		accepted, _, err := pipeline.Verify(ctx, policies(), subject, r)
		return resolved, accepted, err
	}

	DescribeTable("is verified, and its archive is read:", func(preset registrytest.Option, unchanged int) {
		serve(preset)
		for i := range 1099 {
			repo.PushManifest(fmt.Sprintf("0.1.%d", i), repo.Raw("1.0.0"))
		}
		verifytest.SignDigest(repo, pushed.Digest, ours)
		w := request(pipeline.Request{SemVer: "*"})
		r := reader()
		resolved, accepted, err := verified(w, r)
		Expect(err).NotTo(HaveOccurred())
		Expect(resolved.Tag).To(Equal("1.0.0"))
		var fetched bytes.Buffer
		layout, err := pipeline.Fetch(ctx, r, accepted, &fetched)
		Expect(err).NotTo(HaveOccurred())
		Expect(fetched.Bytes()).To(Equal(archive))
		metadata, err := pipeline.Inspect(&fetched)
		Expect(err).NotTo(HaveOccurred())
		Expect(pipeline.Validate(ctx, r, metadata, layout, w, resolved)).To(Succeed())

		served.Reset()
		_, _, err = verified(request(pipeline.Request{Tag: "1.0.0"}), reader())
		Expect(err).NotTo(HaveOccurred())
		Expect(served.Requests()).To(HaveLen(unchanged), "%v", served.Requests())
		Expect(served.Requests()).NotTo(ContainElement(ContainSubstring("elsewhere/-/")), "no web page is read")
	}, presets)

	DescribeTable("is rejected if it has no signature:", func(preset registrytest.Option, _ int) {
		serve(preset)
		_, accepted, err := verified(request(pipeline.Request{Tag: "1.0.0"}), reader())
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(accepted).To(BeZero())
	}, presets)

	DescribeTable("gets no verdict if the rate of requests is limited after its manifest:", func(preset registrytest.Option, _ int) {
		serve(preset)
		w, r := request(pipeline.Request{Tag: "1.0.0"}), reader()
		resolved, err := pipeline.Resolve(ctx, r, w)
		Expect(err).NotTo(HaveOccurred())
		subject, err := pipeline.Manifest(w, resolved)
		Expect(err).NotTo(HaveOccurred())
		served.Limit(true)
		_, _, err = pipeline.Verify(ctx, policies(), subject, r)
		Expect(err).To(And(HaveOccurred(), Not(MatchError(verify.ErrRejected))))
		var limited *outbound.RateLimitedError
		Expect(errors.As(err, &limited)).To(BeTrue())
	}, presets)

	DescribeTable("is not found, or not shown, under a missing tag and in a missing repository:", func(preset registrytest.Option, _ int) {
		serve(preset)
		lacking := Or(MatchError(registry.ErrNotFound), MatchError(registry.ErrUnauthorized))
		_, _, err := verified(request(pipeline.Request{Tag: "2.0.0"}), reader())
		Expect(err).To(lacking)
		target.Repository = served.Host() + "/charts/missing"
		for _, w := range []pipeline.Request{{Tag: "1.0.0"}, {SemVer: "*"}} {
			_, _, err = verified(request(w), reader())
			Expect(err).To(lacking)
			Expect(step(err)).To(Equal(pipeline.StepResolve))
		}
	}, presets)
})
