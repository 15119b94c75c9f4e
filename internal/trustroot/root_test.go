// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

// entry is one of the entries of a list in a trusted root.
func entry(root object, list string) object { return root[list].([]any)[0].(object) }

// period is the validity of an entry.
func period(root object, list string) object {
	one := entry(root, list)
	if key, ok := one["publicKey"].(object); ok {
		one = key
	}
	return one["validFor"].(object)
}

var lists = []string{"tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"}

// changed returns the public-good trusted root after a change.
func changed(change func(object)) []byte {
	GinkgoHelper()
	root := object{}
	Expect(json.Unmarshal(published(publicGood), &root)).To(Succeed())
	change(root)
	raw, err := json.Marshal(root)
	Expect(err).NotTo(HaveOccurred())
	return raw
}

var _ = Describe("A trusted root", Label("trustroot"), func() {
	// contents are the parts of a trusted root.
	type contents struct{ authorities, logs, timestamps, ctLogs bool }
	DescribeTable("loads as others publish it",
		func(name string, has contents) {
			raw := published(name)
			root, err := trustroot.Parse(raw)
			Expect(err).NotTo(HaveOccurred())
			sum := sha256.Sum256(raw)
			Expect(root.ID()).To(Equal("sha256:" + hex.EncodeToString(sum[:])))
			Expect(root.HasCertificateAuthorities()).To(Equal(has.authorities))
			Expect(root.HasLogs()).To(Equal(has.logs))
			Expect(root.HasTimestampAuthorities()).To(Equal(has.timestamps))
			Expect(root.HasCTLogs()).To(Equal(has.ctLogs))
			Expect(root.Material().FulcioCertificateAuthorities()).To(HaveLen(lenOf(raw, "certificateAuthorities")))
			Expect(root.Material().RekorLogs()).To(HaveLen(lenOf(raw, "tlogs")))
		},
		Entry("the public-good one", publicGood, contents{authorities: true, logs: true, timestamps: true, ctLogs: true}),
		Entry("an older public-good one", "pkg/testing/data/trusted-roots/public-good.json", contents{authorities: true, logs: true, timestamps: true, ctLogs: true}),
		Entry("one of a timestamp authority only", "pkg/testing/data/trusted-roots/public-key-validity.json", contents{timestamps: true}),
		Entry("one of a private Sigstore", "pkg/testing/data/trusted-roots/scaffolding.json", contents{authorities: true, logs: true, ctLogs: true}),
	)

	DescribeTable("loads with the variations that are allowed",
		func(change func(object)) {
			_, err := trustroot.Parse(changed(change))
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("the newer media type of version 0.1", func(r object) {
			r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.1+json"
		}),
		Entry("the media type of version 0.2", func(r object) {
			r["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
		}),
		Entry("fields that a later version brings", func(r object) {
			r["comesLater"] = []any{object{"a": 1}}
			entry(r, "tlogs")["comesLater"] = "b"
		}),
		Entry("an end in the future", func(r object) { period(r, "tlogs")["end"] = "2999-01-01T00:00:00Z" }),
		Entry("a start in the future", func(r object) { r["tlogs"] = append(r["tlogs"].([]any), laterLog()) }),
		Entry("no CT logs", func(r object) { delete(r, "ctlogs") }),
		Entry("timestamp authorities only", func(r object) { keepOnly(r, "timestampAuthorities") }),
		Entry("CT logs only", func(r object) { keepOnly(r, "ctlogs") }),
		Entry("no list, for keys that need none", func(r object) { keepOnly(r, "none") }),
		Entry("logs only", func(r object) { keepOnly(r, "tlogs") }),
		Entry("J12: as many certificates as are allowed", func(r object) {
			r["certificateAuthorities"] = []any{chainOf(r, trustroot.MaxCertificates)}
			delete(r, "timestampAuthorities")
		}),
		Entry("certificate authorities only", func(r object) { keepOnly(r, "certificateAuthorities") }),
	)

	refused := func(raw []byte, text string) {
		GinkgoHelper()
		root, err := trustroot.Parse(raw)
		Expect(err).To(MatchError(trustroot.ErrMalformed))
		Expect(root).To(BeNil())
		Expect(len(err.Error())).To(BeNumerically("<=", 512))
		Expect(err.Error()).To(ContainSubstring(text))
		Expect(err.Error()).NotTo(ContainSubstring("\n"))
	}

	It("E20: is refused if an entry lacks validFor.start", func() {
		for _, list := range lists {
			refused(changed(func(r object) { delete(period(r, list), "start") }), list+"[0]")
		}
	})

	It("E20: is refused if an entry lacks validFor", func() {
		for _, list := range lists {
			refused(changed(func(r object) {
				delete(entry(r, list), "validFor")
				if key, ok := entry(r, list)["publicKey"].(object); ok {
					delete(key, "validFor")
				}
			}), list+"[0]")
		}
	})

	DescribeTable("is refused with", func(change func(object), text string) { refused(changed(change), text) },
		Entry("an end before its start", func(r object) { period(r, "tlogs")["end"] = "1999-01-01T00:00:00Z" }, "tlogs[0]"),
		Entry("a malformed time", func(r object) { period(r, "tlogs")["start"] = "yesterday" }, ""),
		Entry("a null for an entry", func(r object) { r["certificateAuthorities"] = []any{nil} }, ""),
		Entry("a null for a certificate", func(r object) {
			entry(r, "certificateAuthorities")["certChain"] = object{"certificates": []any{nil}}
		}, ""),
		Entry("no certificate chain", func(r object) { delete(entry(r, "certificateAuthorities"), "certChain") }, "chain"),
		Entry("a malformed certificate", func(r object) {
			entry(r, "timestampAuthorities")["certChain"] = object{"certificates": []any{object{"rawBytes": "AAAA"}}}
		}, "certificate"),
		Entry("a log without an id", func(r object) { delete(entry(r, "tlogs"), "logId") }, "keyId"),
		Entry("a log with an empty id", func(r object) { entry(r, "ctlogs")["logId"] = object{"keyId": ""} }, "ctlogs[0].logId.keyId"),
		Entry("a log named twice", func(r object) { r["tlogs"] = []any{entry(r, "tlogs"), entry(r, "tlogs")} }, "tlogs[1]"),
		Entry("a malformed key", func(r object) { entry(r, "tlogs")["publicKey"].(object)["rawBytes"] = "AAAA" }, "key"),
		Entry("an unknown kind of key", func(r object) { entry(r, "tlogs")["publicKey"].(object)["keyDetails"] = "ROT13" }, "key"),
		Entry("an unknown hash", func(r object) { entry(r, "tlogs")["hashAlgorithm"] = "MD5" }, "hash"),
		Entry("another media type", func(r object) { r["mediaType"] = "application/json" }, "mediaType"),
		Entry("H15: a hostile media type", func(r object) { r["mediaType"] = strings.Repeat("\x1b[31m\n", 1000) }, "mediaType"),
		Entry("more authorities than a signature should be tried with", func(r object) {
			r["certificateAuthorities"] = many(entry(r, "certificateAuthorities"), trustroot.MaxEntries+1)
		}, "65 entries"),
		Entry("a key that is slow to verify with", func(r object) {
			entry(r, "tlogs")["publicKey"].(object)["rawBytes"] = strings.Repeat("AAAA", 1000)
		}, "3000 bytes"),
		Entry("a certificate that is slow to verify with", func(r object) {
			entry(r, "timestampAuthorities")["certChain"] = object{"certificates": []any{object{"rawBytes": strings.Repeat("AAAA", 3000)}}}
		}, "9000 bytes"),
		Entry("J12: more certificates than a signature should be tried with, in one chain", func(r object) {
			r["certificateAuthorities"] = []any{chainOf(r, trustroot.MaxCertificates+1)}
			delete(r, "timestampAuthorities")
		}, "101 certificates, more than the 100 allowed"),
		Entry("J12: more certificates than a signature should be tried with, in chains of both kinds of authorities", func(r object) {
			r["certificateAuthorities"] = []any{chainOf(r, 20), chainOf(r, 30)}
			r["timestampAuthorities"] = []any{chainOf(r, 51)}
		}, "101 certificates, more than the 100 allowed"),
		Entry("no media type", func(r object) { delete(r, "mediaType") }, "mediaType"),
	)

	DescribeTable("is not", func(raw []byte) { refused(raw, "") },
		Entry("nothing", nil),
		Entry("a JSON null", []byte("null")),
		Entry("an empty object", []byte("{}")),
		Entry("an array", []byte("[]")),
		Entry("not JSON", []byte("-----BEGIN CERTIFICATE-----")),
		Entry("invalid UTF-8", []byte("{\"mediaType\":\"\xff\"}")),
		Entry("a field given twice", []byte(`{"mediaType":"a","mediaType":"b"}`)),
		Entry("deeply nested", []byte(strings.Repeat(`{"x":`, 100_000))),
	)

	It("is refused if it is cut short, or followed by other bytes", func() {
		raw := published(publicGood)
		refused(raw[:len(raw)/2], "")
		refused(append(bytes.Clone(raw), '{'), "")
	})

	It("is refused only above the largest size", func() {
		raw := published(publicGood)
		fill := bytes.Repeat([]byte(" "), trustroot.MaxSize-len(raw))
		_, err := trustroot.Parse(append(bytes.Clone(raw), fill...))
		Expect(err).NotTo(HaveOccurred())
		refused(append(append(bytes.Clone(raw), fill...), ' '), "262145 bytes, more than the 262144 allowed")
	})

	It("has the identity of its bytes", func() {
		one, err := trustroot.Parse(newRoot())
		Expect(err).NotTo(HaveOccurred())
		other, err := trustroot.Parse(newRoot())
		Expect(err).NotTo(HaveOccurred())
		Expect(one.ID()).NotTo(Equal(other.ID()))
	})
})

// lenOf returns the length of a list of a trusted root.
func lenOf(raw []byte, list string) int {
	GinkgoHelper()
	root := map[string]json.RawMessage{}
	Expect(json.Unmarshal(raw, &root)).To(Succeed())
	var entries []any
	if root[list] != nil {
		Expect(json.Unmarshal(root[list], &entries)).To(Succeed())
	}
	return len(entries)
}

func keepOnly(root object, kept string) {
	for _, list := range lists {
		if list != kept {
			delete(root, list)
		}
	}
}

// many returns a list of one entry, n times.
func many(one any, n int) (list []any) {
	for range n {
		list = append(list, one)
	}
	return list
}

// chainOf returns an authority of a trusted root with a chain of n certificates.
func chainOf(root object, n int) object {
	certificates := entry(root, "certificateAuthorities")["certChain"].(object)["certificates"].([]any)
	authority := object{}
	for field, value := range entry(root, "certificateAuthorities") {
		authority[field] = value
	}
	authority["certChain"] = object{"certificates": many(certificates[0], n)}
	return authority
}

// laterLog is a log with a validity that starts in the future.
func laterLog() object {
	root := object{}
	if err := json.Unmarshal(newRoot(), &root); err != nil {
		panic(err)
	}
	period(root, "tlogs")["start"] = "2999-01-01T00:00:00Z"
	return entry(root, "tlogs")
}
