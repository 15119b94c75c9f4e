// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
)

var _ = Describe("the real oras", Label("registry"), Ordered, func() {
	const mediaType = "application/vnd.example.report+json"
	var (
		s    shelf
		oras *realparts.Oras
		file string
	)

	BeforeAll(func(ctx SpecContext) {
		s.set(ctx)
		var err error
		oras, err = realparts.NewOras(s.dir)
		Expect(err).NotTo(HaveOccurred())
		file = filepath.Join(s.dir, "report.json")
		Expect(os.WriteFile(file, []byte(`{"passed":true}`), 0o644)).To(Succeed())
	})

	DescribeTable("attaches a file to a chart in", func(ctx SpecContext, kind string) {
		pushed := s.push(ctx, kind)
		Expect(oras.Attach(ctx, pushed.Ref(), mediaType, file+":"+mediaType)).To(Succeed())
		referrers := listed(ctx, kind, pushed)
		Expect(referrers).To(HaveLen(1))
		manifest, contents := layers(ctx, pushed, referrers[0])
		Expect(manifest.ArtifactType).To(Equal(mediaType))
		Expect(manifest.Layers[0].MediaType).To(Equal(mediaType))
		Expect(contents).To(Equal([][]byte{[]byte(`{"passed":true}`)}))
	},
		Entry(nil, withReferrers),
		Entry(nil, withoutReferrers),
	)

	It("pushes a file as an artifact with a tag", func(ctx SpecContext) {
		repo := realparts.Pushed{Repository: s.hubs[withoutReferrers].Addr() + "/reports/of"}
		Expect(oras.Push(ctx, repo.Repository+":v1", file+":"+mediaType)).To(Succeed())
		manifest, err := repository(repo).Resolve(ctx, "v1")
		Expect(err).NotTo(HaveOccurred())
		Expect(string(manifest.Raw)).To(ContainSubstring(mediaType))
	})
})
