// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
)

var _ = Describe("Answers to a search", Label("registry", "cache"), func() {
	const mib = 1 << 20
	var m *material
	BeforeEach(func() { m = newMaterial() })

	const genuineIsRead, genuineMayBeLeftOut = true, false
	DescribeTable("J22: lead to the same candidates without the network",
		func(push func(), isRead bool) {
			search := func(r registry.Reader) (read []string, refused int) {
				s := attached.Search{
					Subject: ofSubject(m), Reader: attached.Budget(r, verify.MaxMaterial),
					Preferred: func(t string) bool { return t == "application/vnd.example" },
				}
				for found := range s.All(m.ctx, "sig") {
					var refusal *verify.Refusal
					switch {
					case found.Problem == nil:
						read = append(read, string(found.Raw))
					case errors.As(found.Problem, &refusal):
						refused++
					default:
						Fail("no verdict: " + found.Problem.Error())
					}
				}
				return read, refused
			}
			push()
			r := m.reader()
			read, refused := search(r)
			again, refusedAgain := search(stored(r))
			Expect(len(again) + refusedAgain).To(Equal(len(read) + refused))
			Expect(read).To(ContainElements(again))
			genuine, err := m.repo.Manifest(m.ctx, m.listed.Digest)
			Expect(err).NotTo(HaveOccurred())
			if isRead {
				Expect(read).To(ContainElement(string(genuine.Raw)))
				Expect(again).To(ContainElement(string(genuine.Raw)))
			}
		},
		Entry("if there is only the genuine one", func() {}, genuineIsRead),
		Entry("beside large ones that are read before it", func() {
			for i := range 8 {
				m.padBefore(mib+mib/5, i*1000)
			}
		}, genuineIsRead),
		Entry("beside more than are read in all", func() {
			for i := range 20 {
				m.pad(mib, i, "application/vnd.other")
			}
		}, genuineIsRead),
		Entry("beside more than are read in all, under long names", func() {
			m.repo.ListedAs = strings.Repeat("long", 30_000)
			for i := range 20 {
				m.pad(mib, i, "application/vnd.other")
			}
		}, genuineMayBeLeftOut),
		Entry("beside a hundred small ones", func() {
			for i := range 100 {
				m.pad(2048, i, "application/vnd.other")
			}
		}, genuineIsRead),
		Entry("beside ones that are listed but missing", func() {
			m.repo.PushIndex(attached.Tag(ofSubject(m)), ocispec.Descriptor{Digest: digest.FromString("gone"), Size: 3}, ocispec.Descriptor{Digest: "malformed"})
		}, genuineIsRead),
		Entry("without the referrers API", func() {
			m.repo.WithoutReferrers = true
			m.repo.PushIndex(attached.Tag(ofSubject(m)), m.listed)
		}, genuineIsRead),
	)
})

// padBefore pushes a padding manifest that is listed like the genuine manifest, and before it.
func (m *material) padBefore(size, number int) {
	for ; ; number++ {
		raw := m.padded(size, number, "application/vnd.example")
		if digest.FromBytes(raw) < m.listed.Digest {
			m.repo.PushManifest("", raw)
			return
		}
	}
}

// pad pushes a manifest of at least the given size that refers to the subject.
func (m *material) pad(size, number int, artifactType string) {
	m.repo.PushManifest("", m.padded(size, number, artifactType))
}

func (m *material) padded(size, number int, artifactType string) []byte {
	subject := m.subject.Descriptor
	raw, err := json.Marshal(ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType, Subject: &subject,
		Annotations: map[string]string{"padding": string(padding(size, number))},
	})
	Expect(err).NotTo(HaveOccurred())
	return raw
}

var _ = Describe("Answers of a registry", Label("registry", "cache"), func() {
	DescribeTable("J22: reject impossible descriptors without a network",
		func(change func(d *ocispec.Descriptor)) {
			p := push()
			r := registry.NewCache(1<<20, time.Hour, time.Now).Reader(registry.Scope{}, p.target().Repository, p.reader())
			d := p.archive
			change(&d)
			_, expected := r.Blob(context.Background(), d, 1<<20)
			Expect(expected).To(MatchError(registry.ErrDescriptor))
			_, err := r.Answers().Reader(p.target().Repository).Blob(context.Background(), d, 1<<20)
			Expect(classes(err)).To(Equal(classes(expected)))
		},
		Entry("by a size that is too small", func(d *ocispec.Descriptor) { d.Size-- }),
		Entry("by a size that is too large", func(d *ocispec.Descriptor) { d.Size++ }),
		Entry("by a negative size", func(d *ocispec.Descriptor) { d.Size = -1 }),
		Entry("by an unknown algorithm", func(d *ocispec.Descriptor) { d.Digest = "md5:d41d8cd98f00b204e9800998ecf8427e" }),
		Entry("by no digest", func(d *ocispec.Descriptor) { d.Digest = "" }),
	)

	It("J22: lead to a genuine signature that is listed after as many malformed digests as there may be candidates", func() {
		p := push()
		repo := p.Repository(app)
		genuine := repo.PushReferrer("application/vnd.example", p.manifest, repo.PushBlob("text/plain", []byte("x")))
		var entries []string
		for i := range verify.MaxCandidates {
			entries = append(entries, fmt.Sprintf(`{"mediaType":"a","artifactType":"application/vnd.example","digest":"é%d","size":1}`, i))
		}
		entries = append(entries, fmt.Sprintf(`{"mediaType":"a<b","digest":%q,"size":%d,"annotations":{"padding":"x"}}`, genuine.Digest, genuine.Size))
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			listing := strings.Contains(r.URL.Path, "/referrers/")
			if listing {
				setType(w, r)
				_, _ = w.Write([]byte(page(entries...)))
			}
			return listing
		})
		live := registry.NewCache(1<<20, time.Hour, time.Now).Reader(registry.Scope{}, p.target().Repository, p.reader())
		var found [2][]attached.Found
		for i, r := range []func() registry.Reader{
			func() registry.Reader { return live },
			func() registry.Reader { return live.Answers().Reader(p.target().Repository) },
		} {
			s := attached.Search{Subject: p.manifest.Digest, Reader: r(), Preferred: func(t string) bool { return t != "" }}
			found[i] = slices.Collect(s.All(context.Background(), "sig"))
		}
		Expect(found[1]).To(Equal(found[0]))
		Expect(found[0]).To(ConsistOf(HaveField("Source", "referrer "+genuine.Digest.String())))
		list, err := live.Referrers(context.Background(), p.manifest.Digest)
		Expect(err).NotTo(HaveOccurred())
		Expect(live.Answers().Reader(p.target().Repository).Referrers(context.Background(), p.manifest.Digest)).To(Equal(list))
	})

	It("J22: reject impossible digests of manifests without a network", func() {
		p := push()
		r := registry.NewCache(1<<20, time.Hour, time.Now).Reader(registry.Scope{}, p.target().Repository, p.reader())
		for _, d := range []digest.Digest{"", "malformed", "md5:d41d8cd98f00b204e9800998ecf8427e"} {
			_, expected := r.Manifest(context.Background(), d)
			_, err := r.Answers().Reader(p.target().Repository).Manifest(context.Background(), d)
			Expect(classes(err)).To(And(ContainElement(registry.ErrDescriptor), Equal(classes(expected))))
		}
	})
})
