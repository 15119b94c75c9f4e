// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var (
	config     = charttest.ConfigJSON("podinfo", "6.7.0")
	archive    = charttest.Descriptor(chart.ArchiveMediaType, []byte("archive"))
	provenance = charttest.Descriptor(chart.ProvenanceMediaType, []byte("provenance"))
)

type change = func(*ocispec.Manifest)

func layers(l ...ocispec.Descriptor) change { return func(m *ocispec.Manifest) { m.Layers = l } }

// with returns the descriptor after a change.
func with(d ocispec.Descriptor, change func(*ocispec.Descriptor)) ocispec.Descriptor {
	change(&d)
	return d
}

func annotations(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("key", i)] = "value"
	}
	return m
}

func many(d ocispec.Descriptor, n int) []ocispec.Descriptor {
	var l []ocispec.Descriptor
	for range n {
		l = append(l, d)
	}
	return l
}

var foreign = charttest.Descriptor("application/vnd.example.readme", []byte("readme"))

var _ = Describe("ParseManifest", Label("chart"), func() {
	const withProvenance, withoutProvenance = true, false
	DescribeTable("finds the parts of a chart",
		func(hasProvenance bool, changes ...change) {
			layout, err := chart.ParseManifest(charttest.Manifest(config, []byte("archive"), changes...))
			Expect(err).NotTo(HaveOccurred())
			Expect(layout.Config.Digest).To(Equal(digest.FromBytes(config)))
			Expect(layout.Archive.Digest).To(Equal(archive.Digest))
			Expect(layout.Archive.Size).To(Equal(archive.Size))
			if !hasProvenance {
				Expect(layout.Provenance).To(BeNil())
				return
			}
			Expect(layout.Provenance).To(HaveValue(HaveField("Digest", provenance.Digest)))
		},
		Entry("of a manifest as helm push makes it", withoutProvenance),
		Entry("with a provenance file after the archive", withProvenance, layers(archive, provenance)),
		Entry("with the provenance file first, since Helm sorts layers", withProvenance, layers(provenance, archive)),
		Entry("among layers of other types", withProvenance, layers(foreign, provenance, foreign, archive, foreign)),
		Entry("with an archive of the type Helm pushed before 3.7", withoutProvenance,
			layers(with(archive, func(d *ocispec.Descriptor) { d.MediaType = chart.LegacyArchiveMediaType }))),
		Entry("without a media type inside, which was optional once", withoutProvenance, func(m *ocispec.Manifest) { m.MediaType = "" }),
		Entry("B6: with as many layers and annotations as are allowed", withoutProvenance, func(m *ocispec.Manifest) {
			m.Layers, m.Annotations = append(many(foreign, 63), archive), annotations(256)
		}),
		Entry("with annotations that differ only in case, which are free text", withoutProvenance, func(m *ocispec.Manifest) {
			m.Annotations = map[string]string{"Vendor": "a", "vendor": "b", "Layers": "c"}
		}),
	)

	It("B7: accepts sizes up to the limits", func() {
		layout, err := chart.ParseManifest(charttest.Manifest(config, nil, layers(
			with(archive, func(d *ocispec.Descriptor) { d.Size = chart.MaxArchiveSize }),
			with(provenance, func(d *ocispec.Descriptor) { d.Size = chart.MaxProvenanceSize }))))
		Expect(err).NotTo(HaveOccurred())
		Expect(layout.Archive.Size).To(BeEquivalentTo(chart.MaxArchiveSize))
	})

	It("B9: accepts SHA-512", func() {
		d := digest.SHA512.FromString("archive")
		layout, err := chart.ParseManifest(charttest.Manifest(config, nil, layers(with(archive, func(a *ocispec.Descriptor) { a.Digest = d }))))
		Expect(err).NotTo(HaveOccurred())
		Expect(layout.Archive.Digest).To(Equal(d))
	})

	size := func(n int64) change {
		return layers(with(archive, func(d *ocispec.Descriptor) { d.Size = n }))
	}
	digested := func(d digest.Digest) change {
		return layers(with(archive, func(a *ocispec.Descriptor) { a.Digest = d }))
	}
	hex := strings.Repeat("a", 64)
	DescribeTable("refuses a manifest",
		func(changes ...change) {
			layout, err := chart.ParseManifest(charttest.Manifest(config, []byte("archive"), changes...))
			Expect(err).To(MatchError(chart.ErrManifest))
			Expect(layout).To(BeZero())
			Expect(len(err.Error())).To(BeNumerically("<", 1024))
		},
		Entry("B1: of the media type of an index", func(m *ocispec.Manifest) { m.MediaType = ocispec.MediaTypeImageIndex }),
		Entry("of the media type of a Docker image", func(m *ocispec.Manifest) {
			m.MediaType = "application/vnd.docker.distribution.manifest.v2+json"
		}),
		Entry("of schema version 1", func(m *ocispec.Manifest) { m.SchemaVersion = 1 }),
		Entry("B4: with two archives", layers(archive, archive)),
		Entry("B4: with two archives, one of the legacy type",
			layers(archive, with(archive, func(d *ocispec.Descriptor) { d.MediaType = chart.LegacyArchiveMediaType }))),
		Entry("B4: with two provenance files", layers(archive, provenance, provenance)),
		Entry("B5: without layers", layers()),
		Entry("B5: with only a provenance file", layers(provenance)),
		Entry("B5: with layers of a container image",
			layers(charttest.Descriptor(ocispec.MediaTypeImageLayerGzip, []byte("layer")))),
		Entry("B5: with the config of a container image", func(m *ocispec.Manifest) { m.Config.MediaType = ocispec.MediaTypeImageConfig }),
		Entry("B5: without a config", func(m *ocispec.Manifest) { m.Config = ocispec.Descriptor{} }),
		Entry("B6: with 65 layers", layers(append(many(foreign, 64), archive)...)),
		Entry("B6: with thousands of layers", layers(append(many(foreign, 9000), archive)...)),
		Entry("B6: with 257 annotations", func(m *ocispec.Manifest) { m.Annotations = annotations(257) }),
		Entry("B6: with 257 annotations on a layer",
			layers(with(archive, func(d *ocispec.Descriptor) { d.Annotations = annotations(257) }))),
		Entry("B6: with tens of thousands of annotations on an ignored layer",
			layers(archive, with(foreign, func(d *ocispec.Descriptor) { d.Annotations = annotations(40_000) }))),
		Entry("B7: with an archive of size -1", size(-1)),
		Entry("B7: with an archive of size 0", size(0)),
		Entry("B7: with an archive of size 2^62", size(1<<62)),
		Entry("B7: with an archive a byte too large", size(chart.MaxArchiveSize+1)),
		Entry("B7: with a provenance file a byte too large",
			layers(archive, with(provenance, func(d *ocispec.Descriptor) { d.Size = chart.MaxProvenanceSize + 1 }))),
		Entry("B7: with a config a byte too large", func(m *ocispec.Manifest) { m.Config.Size = chart.MaxConfigSize + 1 }),
		Entry("B9: with a digest of an unknown algorithm", digested(digest.Digest("sha3:"+hex))),
		Entry("B9: with a digest of MD5", digested(digest.Digest("md5:"+hex[:32]))),
		Entry("B9: with a digest of SHA-384, which image-spec does not register", digested(digest.SHA384.FromString("archive"))),
		Entry("B9: with an empty digest", digested("")),
		Entry("B9: with a digest without an algorithm", digested(digest.Digest(hex))),
		Entry("B9: with a digest that is too short", digested(digest.Digest("sha256:"+hex[:63]))),
		Entry("B9: with a digest in upper case", digested(digest.Digest("sha256:"+strings.ToUpper(hex)))),
		Entry("B9: with a path in place of a digest", digested(digest.Digest("sha256:../../../etc/passwd"))),
		Entry("B9: with a malformed digest of the config", func(m *ocispec.Manifest) { m.Config.Digest = "sha256:x" }),
		Entry("B9: with a malformed digest of the provenance file",
			layers(archive, with(provenance, func(d *ocispec.Descriptor) { d.Digest = "sha256:x" }))),
	)

	good := string(charttest.Manifest(config, []byte("archive")))
	insert := func(s string) string { return "{" + s + "," + good[1:] }
	DescribeTable("refuses a document",
		func(raw string) {
			_, err := chart.ParseManifest([]byte(raw))
			Expect(err).To(MatchError(chart.ErrManifest))
			Expect(len(err.Error())).To(BeNumerically("<", 1024))
		},
		Entry("B1: that is an index", `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`),
		Entry("B1: that is an index and a manifest at once (CVE-2021-41190)", insert(`"manifests":[]`)),
		Entry("B1: that is an index which holds itself without end", strings.Repeat(`{"manifests":[`, 9000)+strings.Repeat(`]}`, 9000)),
		Entry("that is a schema 1 manifest at once", insert(`"fsLayers":[]`)),
		Entry("B4: with two keys for the layers", insert(`"layers":[]`)),
		Entry("B4: with two keys for the layers, one in capitals", insert(`"Layers":[]`)),
		Entry("B4: with two keys for the layers, one with a long s", insert(`"layer\u017f":[]`)),
		Entry("B4: with only a key for the layers in another case", strings.Replace(good, `"layers"`, `"LAYERS"`, 1)),
		Entry("B9: with two digests in one descriptor", strings.Replace(good, `"digest"`, `"digest":"sha256:x","digest"`, 1)),
		Entry("with an annotation that appears twice", insert(`"annotations":{"a":"b","a":"c"}`)),
		Entry("C13: that is a login page", "<!DOCTYPE html><html><body>Sign in</body></html>"),
		Entry("C13: that is a login page after a manifest", good+"<html>"),
		Entry("that is empty", ""),
		Entry("that is null", "null"),
		Entry("that is a list", "["+good+"]"),
		Entry("that is two manifests", good+good),
		Entry("that is cut off", good[:len(good)-1]),
		Entry("that is not UTF-8", insert("\"a\":\"\xff\"")),
		Entry("B7: with a size that is no integer", strings.Replace(good, `"size":`, `"size":1e99,"x":`, 1)),
		Entry("B6: of millions of empty layers", `{"layers":[`+strings.Repeat("{},", 1_000_000)+`{}]}`),
	)
})

func FuzzParseManifest(f *testing.F) {
	f.Add(charttest.Manifest(config, []byte("archive")))
	f.Add(charttest.Manifest(config, []byte("archive"), layers(provenance, archive, foreign)))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[],"Layers":[{"size":-1}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		layout, err := chart.ParseManifest(raw)
		if err != nil {
			if len(err.Error()) > 2048 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		parts := []ocispec.Descriptor{layout.Config, layout.Archive}
		if layout.Provenance != nil {
			parts = append(parts, *layout.Provenance)
		}
		for _, d := range parts {
			if d.Size < 1 || d.Size > chart.MaxArchiveSize || d.Digest.Validate() != nil {
				t.Errorf("accepted the descriptor %+v", d)
			}
		}
	})
}
