// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"encoding/json"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/test/process"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// The kinds of registry.
const (
	withReferrers    = "a registry with the referrers API"
	withoutReferrers = "the distribution registry"
)

// shelf is a registry of each kind and the tools that put charts and signatures into them, for the specs of one
// ordered container.
type shelf struct {
	dir     string
	group   process.Group
	hubs    map[string]realparts.OCIRegistry
	helm    *realparts.Helm
	cosign2 *realparts.Cosign
	cosign3 *realparts.Cosign
	charts  int
}

// set sets the shelf up until the end of the container.
func (s *shelf) set(ctx SpecContext) {
	GinkgoHelper()
	s.dir = GinkgoT().TempDir()
	DeferCleanup(s.group.Stop)
	distribution, err := realparts.StartDistribution(ctx, s.dir, &s.group)
	Expect(err).NotTo(HaveOccurred())
	s.hubs = map[string]realparts.OCIRegistry{withReferrers: realparts.StartReferrersRegistry(), withoutReferrers: distribution}
	for _, hub := range s.hubs {
		DeferCleanup(hub.Close)
	}
	s.helm, err = realparts.NewHelm(s.dir)
	Expect(err).NotTo(HaveOccurred())
	s.cosign2, err = realparts.NewCosign(s.dir)
	Expect(err).NotTo(HaveOccurred())
	s.cosign3, err = realparts.NewCosign3(s.dir)
	Expect(err).NotTo(HaveOccurred())
}

// These are the major versions of cosign.
const cosign2, cosign3 = 2, 3

// cosign returns the cosign of a major version.
func (s *shelf) cosign(major int) *realparts.Cosign {
	if major == cosign2 {
		return s.cosign2
	}
	return s.cosign3
}

// push pushes a new chart into a kind of registry, and then clears the list of requests.
func (s *shelf) push(ctx SpecContext, kind string) realparts.Pushed {
	GinkgoHelper()
	s.charts++
	chart, err := s.helm.Package(ctx, fmt.Sprintf("chart%d", s.charts), "1.0.0", "signed")
	Expect(err).NotTo(HaveOccurred())
	pushed, err := s.helm.Push(ctx, chart, s.hubs[kind], "charts")
	Expect(err).NotTo(HaveOccurred())
	s.hubs[kind].Forget()
	return pushed
}

// listed returns the referrers of a chart, as the referrers API or the index under the referrers tag lists
// them.
func listed(ctx SpecContext, kind string, pushed realparts.Pushed) []ocispec.Descriptor {
	GinkgoHelper()
	reader := repository(pushed)
	if kind == withReferrers {
		list, err := reader.Referrers(ctx, pushed.Digest)
		Expect(err).NotTo(HaveOccurred())
		return list.Descriptors
	}
	index, err := reader.Resolve(ctx, referrersTag(pushed))
	Expect(err).NotTo(HaveOccurred())
	list, err := registry.ParseReferrers(index.Raw)
	Expect(err).NotTo(HaveOccurred())
	return list.Descriptors
}

// referrersTag is the tag of the index that lists the referrers of a chart if there is no API for that.
func referrersTag(pushed realparts.Pushed) string {
	return strings.Replace(pushed.Digest.String(), ":", "-", 1)
}

// layers returns a referrer's manifest and the content of its layers.
func layers(ctx SpecContext, pushed realparts.Pushed, referrer ocispec.Descriptor) (ocispec.Manifest, [][]byte) {
	GinkgoHelper()
	reader := repository(pushed)
	stored, err := reader.Manifest(ctx, referrer.Digest)
	Expect(err).NotTo(HaveOccurred())
	var manifest ocispec.Manifest
	Expect(json.Unmarshal(stored.Raw, &manifest)).To(Succeed())
	Expect(manifest.Subject).NotTo(BeNil())
	Expect(manifest.Subject.Digest).To(Equal(pushed.Digest))
	var contents [][]byte
	for _, layer := range manifest.Layers {
		content, err := reader.Blob(ctx, layer, 1<<20)
		Expect(err).NotTo(HaveOccurred())
		contents = append(contents, content)
	}
	return manifest, contents
}
