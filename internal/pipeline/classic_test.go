// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"strings"

	artifactconfig "github.com/fluxcd/pkg/artifact/config"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("The pipeline of a classic repository", Label("classic"), func() {
	var (
		ctx     = context.Background()
		server  *chartrepotest.Server
		charts  *chartrepo.Repository
		wanted  pipeline.Request
		archive = charttest.Archive("app", "1.0.0")
		d       digest.Digest
	)
	BeforeEach(func() {
		server = chartrepotest.New()
		DeferCleanup(server.Close)
		store, err := storage.New(&artifactconfig.Options{StoragePath: GinkgoT().TempDir(), StorageAddress: ":0", StorageAdvAddress: "artifacts.example"})
		Expect(err).NotTo(HaveOccurred())
		client := chartrepo.NewClient(chartrepo.Options{
			Downloads: download.NewClient(download.Options{AllowedHosts: []string{"127.0.0.0/8"}}),
			Stage:     func() (chartrepo.File, error) { return store.Stage() },
		})
		wanted = pipeline.Request{Repository: chartrepo.Name(server.Repository(), "app"), Name: "app", Tag: "1.0.0"}
		charts, err = client.Repository(chartrepo.Target{Repository: wanted.Repository, PlainHTTP: true})
		Expect(err).NotTo(HaveOccurred())
		d = digest.NewDigestFromEncoded(digest.SHA256, server.Add("app", "1.0.0", archive))
	})
	resolve := func() (pipeline.Resolved, *registry.CachingReader) {
		GinkgoHelper()
		found, err := pipeline.Find(ctx, charts, wanted, 0)
		Expect(err).NotTo(HaveOccurred())
		return pipeline.OfArchive(found, d), caching(charts.Reader(found, d, false))
	}
	accept := func(s verify.Subject, r registry.Reader) verify.Accepted {
		GinkgoHelper()
		accepted, err := verify.Check(ctx, verifytest.Accepts("release", "SHA256:00"), s, r)
		Expect(err).NotTo(HaveOccurred())
		return accepted
	}

	It("takes a version to the bytes of its archive", func() {
		resolved, reader := resolve()
		subject, err := pipeline.Manifest(wanted, resolved)
		Expect(err).NotTo(HaveOccurred())
		Expect(subject.IsArchive()).To(BeTrue())
		Expect(subject.Chart).To(And(HaveField("Name", "app"), HaveField("Version", "1.0.0"), HaveField("Archive.Digest", d)))
		var got bytes.Buffer
		layout, err := pipeline.Fetch(ctx, reader, accept(subject, reader), &got)
		Expect(err).NotTo(HaveOccurred())
		Expect(got.Bytes()).To(Equal(archive))
		metadata, err := pipeline.Inspect(&got)
		Expect(err).NotTo(HaveOccurred())
		Expect(pipeline.Validate(ctx, reader, metadata, layout, wanted, resolved)).To(Succeed())
	})

	DescribeTable("finds",
		func(change func(*pipeline.Request), version string) {
			for _, v := range []string{"1.1.0", "1.2.0-rc.1", "2.0.0", "v3.0.0"} {
				server.Add("app", v, charttest.Archive("app", strings.TrimPrefix(v, "v")))
			}
			wanted.Tag = ""
			change(&wanted)
			found, err := pipeline.Find(ctx, charts, wanted, 0)
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Version).To(Equal(version))
		},
		Entry("an exact version", func(w *pipeline.Request) { w.Tag = "1.1.0" }, "1.1.0"),
		Entry("a version that the index writes with a v", func(w *pipeline.Request) { w.Tag = "3.0.0" }, "v3.0.0"),
		Entry("the highest version in a range", func(w *pipeline.Request) { w.SemVer = ">=1.0.0 <3.0.0" }, "2.0.0"),
		Entry("the highest version in a range that a filter leaves", func(w *pipeline.Request) { w.SemVer, w.SemverFilter = "*", "^1[.]" }, "1.1.0"),
		Entry("a version by its digest alone", func(w *pipeline.Request) { w.Digest = d }, "1.0.0"),
		Entry("a version by its digest, whatever the tag", func(w *pipeline.Request) { w.Digest, w.Tag = d, "2.0.0" }, "1.0.0"),
		Entry("a version by its tag, if the index does not state the digest", func(w *pipeline.Request) {
			w.Digest, w.Tag = digest.FromString("rebuilt"), "2.0.0"
		}, "2.0.0"),
	)

	DescribeTable("does not find",
		func(change func(*pipeline.Request), class error) {
			wanted.Tag = ""
			change(&wanted)
			_, err := pipeline.Find(ctx, charts, wanted, 0)
			Expect(step(err)).To(Equal(pipeline.StepResolve))
			Expect(errors.Is(err, class)).To(BeTrue(), "%v", err)
		},
		Entry("a version that the index lacks", func(w *pipeline.Request) { w.Tag = "9.9.9" }, registry.ErrNotFound),
		Entry("a version in an empty range", func(w *pipeline.Request) { w.SemVer = ">9" }, registry.ErrNotFound),
		Entry("a digest that the index lacks", func(w *pipeline.Request) { w.Digest = digest.FromString("x") }, registry.ErrNotFound),
		Entry("a range that cannot be parsed", func(w *pipeline.Request) { w.SemVer = ">>" }, pipeline.ErrReference),
	)

	It("B14: does not fetch an archive with another digest than the one that was accepted", func() {
		resolved, reader := resolve()
		subject, err := pipeline.Manifest(wanted, resolved)
		Expect(err).NotTo(HaveOccurred())
		accepted := accept(subject, reader)
		server.Put("app-1.0.0.tgz", charttest.Archive("app", "1.0.0", charttest.File("README.md", "other")))
		_, err = pipeline.Fetch(ctx, reader, accepted, &bytes.Buffer{})
		Expect(step(err)).To(Equal(pipeline.StepFetch))
		Expect(err).To(MatchError(registry.ErrIntegrity))
	})

	DescribeTable("refuses an archive that is not the requested chart",
		func(name, version string) {
			other := charttest.Archive(name, version)
			metadata, err := pipeline.Inspect(bytes.NewReader(other))
			Expect(err).NotTo(HaveOccurred())
			resolved, reader := resolve()
			err = pipeline.Validate(ctx, reader, metadata, chart.Layout{}, wanted, resolved)
			Expect(step(err)).To(Equal(pipeline.StepValidate))
			Expect(err).To(MatchError(chart.ErrMismatch))
		},
		Entry("but an older version", "app", "0.9.0"),
		Entry("but a newer version", "app", "1.0.1"),
		Entry("but another chart", "other", "1.0.0"),
	)

	DescribeTable("turns a rejection into no verdict if the repository no longer has the archive",
		func(arrange func(), rejected bool) {
			resolved, reader := resolve()
			subject, err := pipeline.Manifest(wanted, resolved)
			Expect(err).NotTo(HaveOccurred())
			arrange()
			_, outcomes, err := pipeline.Verify(ctx, []verify.Named{{Verifier: verifytest.Rejects("release")}}, subject, reader)
			Expect(errors.Is(err, verify.ErrRejected)).To(Equal(rejected), "%v", err)
			Expect(outcomes).To(HaveLen(1))
		},
		Entry("but another one", func() {
			server.Put("app-1.0.0.tgz", charttest.Archive("app", "1.0.0", charttest.File("README.md", "rebuilt")))
		}, false),
		Entry("but nothing", func() { server.Delete("app-1.0.0.tgz") }, false),
		Entry("and keeps it if the archive is the same", func() {}, true),
	)
})
