// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"google.golang.org/protobuf/types/known/timestamppb"

	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// right are bundles that must be trusted, named after the suite's cases.
var right = []struct {
	name  string
	given func() *given
}{
	{"happy-path-v0.1", keyless(version("0.1"))},
	{"happy-path-v0.2", keyless(version("0.2"))},
	{"happy-path-v0.3", changed(keyless(), func(g *given) { g.bundle.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.3" })},
	{"happy-path-v0.3-new-mediaType", keyless()},
	{"happy-path-intoto-in-dsse-v3", keyless(statement)},
	{"bundle-with-sct-with-extensions", func() *given { return loggedWith([]byte("an extension")) }},
	{"intoto-with-custom-trust-root", keyless(statement, stamped, version("0.2"), func(h *How) { h.LogAs = "intoto" })},
	{"intoto-canonical-log-entry", keyed(statement, unpromised, func(h *How) { h.LogAs, h.PlainCheckpoint = "intoto", true })},
	{"dsse-with-hashedrekord-happy-path", keyless(statement, stamped, func(h *How) { h.LogAs = "hashedrekord" })},
	{"managed-key-happy-path", managedKey},
	{"managed-key-and-trusted-root", keyed()},
	{"managed-key-and-trusted-root, which names nothing", unloggedKey()},
	{"a statement with additional fields", changed(unloggedKey(statement), restate(func(s map[string]any) {
		s["predicate"] = map[string]any{"more": true}
	}))},
	{"a key's statement in Rekor v2, which proves no time", keyed(rekorV2Alone, statement)},
	{"rekor2-happy-path", keyless(withRekorV2)},
	{"rekor2-dsse-happy-path", keyless(withRekorV2, statement)},
	{"rekor2-checkpoint-cosigned", changed(keyless(withRekorV2), checkpoint(appended(cosignature("witness.example", "wit1"))))},
	{"rekor2-checkpoint-multiple-cosigs", changed(keyless(withRekorV2), checkpoint(appended(
		cosignature("witness.example", "wit1"), cosignature("other.example", "wit2"), cosignature("other.example", "wit3"))))},
	{"rekor2-checkpoint-origin-not-first", changed(keyless(withRekorV2), checkpoint(beforeLast(cosignature("witness.example", "wit1"))))},
	{"rekor2-checkpoint-two-sigs-from-origin", changed(keyless(withRekorV2), checkpoint(beforeLast(cosignature("rekor.test", "old1"))))},
	{"rekor2-checkpoint-two-sigs-cosigned", changed(keyless(withRekorV2), checkpoint(appended(
		cosignature("rekor.test", "old1"), cosignature("witness.example", "wit1"))))},
	{"rekor2-timestamp-with-embedded-cert", keyless(withRekorV2, embedded)},
	{"rekor2-timestamp-without-embedded-cert", keyless(withRekorV2)},
	{"rekor2-timestamp-with-expired-cert-chain", func() *given { return expired }},
	{"trust-root-tlog-validity-end-inclusive", changed(keyless(), func(g *given) {
		g.root.Tlogs[0].PublicKey.ValidFor.End = timestamppb.New(ours.Epoch)
	})},
	{"trust-root-tsa-validity-end-inclusive", changed(keyless(withRekorV2), func(g *given) {
		g.root.TimestampAuthorities[0].ValidFor.End = timestamppb.New(ours.Epoch)
	})},
	{"sct-duplicate-intermediate-name", changed(keyless(), func(g *given) {
		g.root.CertificateAuthorities = append([]*authorityPB{decoy(g.root.CertificateAuthorities[0])}, g.root.CertificateAuthorities...)
	})},
	{"two timestamps of one authority, both in time", changed(keyless(withRekorV2), func(g *given) {
		addStamps(g, ours.Stamp(g.signature(), ours.Epoch.Add(minute)))
	})},
	{"log entries of a trusted and of an unknown log", changed(keyless(), func(g *given) {
		was := g.entry()
		usualLab().enterAgain(g, ours.Epoch)
		g.material().TlogEntries = append(g.material().TlogEntries, was)
	})},
	{"another proof than the log's first entry has", changed(keyless(), func(g *given) {
		l := usualLab()
		l.trustedBy(g.root)
		l.enterAgain(g, ours.Epoch)
	})},
	{"a statement about many", keyless(statement, func(h *How) { h.Subjects = 1023 })},
	{"32 log entries", changed(keyless(), func(g *given) {
		entries := g.material().TlogEntries
		for range 31 {
			usualLab().enterAgain(g, ours.Epoch)
			entries = append(entries, g.entry())
		}
		g.material().TlogEntries = entries
	})},
}

// changed returns the input, changed.
func changed(base func() *given, change func(*given)) func() *given {
	return func() *given {
		g := base()
		change(g)
		return g
	}
}

var _ = Describe("The client", func() {
	for _, row := range right {
		for way, byDigest := range map[string]bool{"path": false, "digest": true} {
			It("E5: trusts "+row.name+", by "+way, func() {
				status, said := row.given().run(GinkgoT().TempDir(), byDigest)
				Expect(said).To(BeEmpty())
				Expect(status).To(BeZero())
			})
		}
	}
})
