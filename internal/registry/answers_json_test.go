// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("Answers that are stored", Label("registry", "cache"), func() {
	var m *material
	BeforeEach(func() { m = newMaterial() })

	DescribeTable("refuse contents that were altered in the registry",
		func(ask inquiry, from, to string) {
			r := m.reader()
			_, err := ask(m, r)
			Expect(err).NotTo(HaveOccurred())
			raw, err := json.Marshal(r.Answers())
			Expect(err).NotTo(HaveOccurred())
			altered := bytes.ReplaceAll(raw, fmt.Appendf(nil, "%q", base64Of(from)), fmt.Appendf(nil, "%q", base64Of(to)))
			Expect(altered).NotTo(Equal(raw))
			answers, err := registry.ParseAnswers(altered)
			Expect(err).NotTo(HaveOccurred())
			_, err = ask(m, answers.Reader(charts))
			Expect(err).To(MatchError(registry.ErrIntegrity))
		},
		Entry("a blob", aBlob(100, same), "payload", "payl0ad"),
		Entry("a blob that is cut", aBlob(100, same), "payload", "pay"),
		Entry("a blob that is emptied", aBlob(100, same), "payload", ""),
		Entry("a blob that is longer", aBlob(100, same), "payload", "payload."),
	)

	It("refuse a manifest that was altered in the registry, by digest and by tag", func() {
		r := m.reader()
		signature, _ := r.Resolve(m.ctx, "sig")
		raw, _ := json.Marshal(r.Answers())
		altered := strings.Replace(string(raw), base64Of(string(signature.Raw)), base64Of(string(m.subject.Raw)), 1)
		answers, err := registry.ParseAnswers([]byte(altered))
		Expect(err).NotTo(HaveOccurred())
		Expect(answers.Reader(charts).Resolve(m.ctx, "sig")).Error().To(MatchError(registry.ErrIntegrity))
		Expect(answers.Reader(charts).Manifest(m.ctx, signature.Descriptor.Digest)).Error().To(MatchError(registry.ErrIntegrity))
	})

	one := func(fields string) string {
		return `{"version":1,"answers":[{"repository":"r/a","kind":"blob","ref":"x","raw":"eA=="` + fields + `}]}`
	}
	DescribeTable("are malformed",
		func(raw string) {
			_, err := registry.ParseAnswers([]byte(raw))
			Expect(err).To(MatchError(registry.ErrMalformed))
			var into struct{ Answers registry.Answers }
			Expect(json.Unmarshal([]byte(`{"Answers":`+raw+`}`), &into)).NotTo(Succeed())
		},
		Entry("if they are nothing", ""),
		Entry("if they are null", "null"),
		Entry("if they are a list", "[]"),
		Entry("if they are cut", one("")[:40]),
		Entry("if more follows", one("")+one("")),
		Entry("if they have no version", `{"answers":[]}`),
		Entry("if they have a later version", `{"version":2,"answers":[]}`),
		Entry("if they have no answers", `{"version":1}`),
		Entry("if they have null answers", `{"version":1,"answers":null}`),
		Entry("if a field is unknown", `{"version":1,"answers":[],"more":1}`),
		Entry("if a field of an answer is unknown", one(`,"more":1`)),
		Entry("if an answer is empty", `{"version":1,"answers":[{}]}`),
		Entry("if a kind is unknown", strings.Replace(one(""), "blob", "bob", 1)),
		Entry("if a problem is unknown", strings.Replace(one(`,"problem":"other"`), `"eA=="`, "null", 1)),
		Entry("if a problem has content", one(`,"problem":"tooLarge"`)),
		Entry("if the content is not base64", strings.Replace(one(""), "eA==", "*", 1)),
		Entry("if a tag names no digest", strings.Replace(one(`,"at":"2026-01-01T00:00:00Z","digest":"x"`), "blob", "tag", 1)),
		Entry("if an answer that may change has no time", strings.Replace(one(""), "blob", "outside", 1)),
		Entry("if an answer that cannot change has a time", one(`,"at":"2026-01-01T00:00:00Z"`)),
		Entry("if a question has two answers", strings.Replace(one(""), "}]", `},{"repository":"r/a","kind":"blob","ref":"x","raw":"eQ=="}]`, 1)),
		Entry("if a negative number of bytes was dropped", strings.Replace(one(`,"problem":"dropped","dropped":-1`), `"eA=="`, "null", 1)),
		Entry("if they hold more than the bound", strings.Replace(one(""), "eA==", base64Of(strings.Repeat("x", registry.MaxAnswers)), 1)),
	)

	It("are malformed if they are larger than 4 MiB", func() {
		_, err := registry.ParseAnswers([]byte(one("") + strings.Repeat(" ", 4<<20)))
		Expect(err).To(MatchError(registry.ErrMalformed))
	})

	It("J12: take only as much memory as their bytes if there are a million empty answers", func() {
		raw := []byte(`{"version":1,"answers":[{}` + strings.Repeat(",{}", 1_000_000) + `]}`)
		Expect(allocated(func() { _, _ = registry.ParseAnswers(raw) })).To(BeNumerically("<", 32<<20))
	})

	It("are read if they are well-formed", func() {
		answers, err := registry.ParseAnswers([]byte(one("")))
		Expect(err).NotTo(HaveOccurred())
		var into struct{ Answers registry.Answers }
		Expect(json.Unmarshal([]byte(`{"Answers":`+one("")+`}`), &into)).To(Succeed())
		Expect(into.Answers).To(Equal(answers))
	})
})

// base64Of returns bytes as JSON writes them, without the quotes.
func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
