// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// An attacker who may push must not be able to turn a refusal into a missing verdict, which would keep the last
// artifact served forever.
var _ = Describe("An unsigned chart", Label("cosign"), func() {
	var (
		r      *registrytest.Registry
		repo   *registrytest.Repository
		reader registry.Reader
		pushed verify.Subject
	)
	BeforeEach(func() {
		r = registrytest.New(registrytest.WithoutReferrers)
		DeferCleanup(r.Close)
		repo = r.Repository("charts/app")
		manifest := repo.PushChart("1.0.0", []byte(`{"name":"app"}`), []byte("archive"))
		pushed = verify.Subject{Repository: r.Host() + "/" + repo.Name, Manifest: manifest, Raw: repo.Raw("1.0.0")}
		var err error
		reader, err = registry.NewClient(registry.ClientOptions{AllowedHosts: []string{"127.0.0.1"}, RetryPause: time.Millisecond}).
			Repository(registry.Target{Repository: pushed.Repository, PlainHTTP: true})
		Expect(err).NotTo(HaveOccurred())
	})
	// serve returns a manifest under a tag, like a registry that accepts anything.
	serve := func(tag, mediaType string, raw []byte) {
		r.Break(func(w http.ResponseWriter, q *http.Request) bool {
			if !strings.HasSuffix(q.URL.Path, "/manifests/"+tag) {
				return false
			}
			w.Header().Set("Content-Type", mediaType)
			_, _ = w.Write(raw)
			return true
		})
	}
	signed := func(raw []byte) {
		serve(verifytest.SignatureTag(pushed.Manifest.Digest), ocispec.MediaTypeImageManifest, raw)
	}
	holding := func(layer ocispec.Descriptor) {
		raw, err := json.Marshal(ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest,
			Config: repo.PushBlob(ocispec.MediaTypeEmptyJSON, []byte("{}")), Layers: []ocispec.Descriptor{layer}})
		Expect(err).NotTo(HaveOccurred())
		signed(raw)
	}
	verifyChart := func() error {
		_, err := verify.Check(context.Background(), trusting(cosign.Authority{Trust: bundle.Trust{Keys: keysOf(verifytest.P256())}}), pushed, reader)
		return err
	}

	DescribeTable("E15: stays refused, and not unread, whatever else is pushed:",
		func(push func()) {
			push()
			Expect(verifyChart()).To(MatchError(verify.ErrRejected))
		},
		Entry("an index that lists a digest by SHA-384", func() {
			raw, err := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{
				{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.SHA384.FromString("x"), Size: 1}}})
			Expect(err).NotTo(HaveOccurred())
			serve(registrytest.ReferrersTag(pushed.Manifest.Digest), ocispec.MediaTypeImageIndex, raw)
		}),
		Entry("a bundle by SHA-384", func() {
			holding(ocispec.Descriptor{MediaType: verifytest.BundleMediaType, Digest: digest.SHA384.FromString("x"), Size: 1})
		}),
		Entry("a bundle that is longer than its listed size", func() {
			layer := repo.PushBlob(verifytest.BundleMediaType, []byte("{}"))
			layer.Size--
			holding(layer)
		}),
		Entry("a bundle that is shorter than its listed size", func() {
			layer := repo.PushBlob(verifytest.BundleMediaType, []byte("{}"))
			layer.Size++
			holding(layer)
		}),
		Entry("a manifest over the limit", func() {
			signed([]byte(`{"layers":[],"annotations":{"a":"` + strings.Repeat("x", registry.MaxManifestSize) + `"}}`))
		}),
		Entry("a manifest of a million layers", func() {
			signed([]byte(`{"config":{"mediaType":"x"},"layers":[{}` + strings.Repeat(",{}", 1_000_000) + `]}`))
		}),
	)

	It("E15: is refused after 16 MiB, including manifests that are too large and discarded", func() {
		index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex}
		for i := range 20 {
			index.Manifests = append(index.Manifests, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(fmt.Sprint(i)), Size: 1})
		}
		raw, err := json.Marshal(index)
		Expect(err).NotTo(HaveOccurred())
		opened := 0
		r.Break(func(w http.ResponseWriter, q *http.Request) bool {
			switch {
			case strings.HasSuffix(q.URL.Path, "/manifests/"+registrytest.ReferrersTag(pushed.Manifest.Digest)):
				w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
				_, _ = w.Write(raw)
			case strings.Contains(q.URL.Path, "/manifests/sha256:"):
				opened++
				_, _ = w.Write(make([]byte, registry.MaxManifestSize+1))
			default:
				return false
			}
			return true
		})
		Expect(verifyChart()).To(MatchError(verify.ErrRejected))
		Expect(opened).To(BeNumerically("<=", verify.MaxMaterial/registry.MaxManifestSize))
	})
})
