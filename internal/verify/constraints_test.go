// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/keyid"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

var (
	spki        = strings.Repeat("a1", 32)
	primary     = strings.Repeat("B2", 10) + strings.Repeat("E5", 10)
	subkey      = strings.Repeat("C3", 20)
	primaryV6   = "0123456789ABCDEF" + strings.Repeat("D4", 24)
	now         = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	byKey       = verify.VerifiedSignature{Signer: "SHA256:" + spki}
	byPGP       = verify.VerifiedSignature{Signer: "OPENPGP:" + primary, SigningKey: subkey}
	byPGPv6     = verify.VerifiedSignature{Signer: "OPENPGP:" + primaryV6, SigningKey: primaryV6}
	byIdentity  = verify.VerifiedSignature{Signer: verify.Identity("https://issuer.example", "a@example.com"), Subject: "a@example.com", Issuer: "https://issuer.example"}
	at          = func(t time.Time) verify.VerifiedSignature { v := byKey; v.Time = t; return v }
	atLeastADay = verify.Constraints{MinAge: 24 * time.Hour, Now: func() time.Time { return now }}
)

func revoked(ids ...string) verify.Constraints {
	GinkgoHelper()
	keys, err := keyid.Parse(ids)
	Expect(err).NotTo(HaveOccurred())
	return verify.Constraints{Revoked: keys}
}

var _ = Describe("Constraints", Label("policy", "revocation"), func() {
	DescribeTable("object to a signature by a revoked key",
		func(id string, v verify.VerifiedSignature) {
			reason, until := revoked(strings.Repeat("0", 40), id).Objection(v)
			Expect(reason).NotTo(BeEmpty())
			Expect(until).To(BeZero())
		},
		Entry("by the id of a key", "SHA256:"+spki, byKey),
		Entry("by the id of a key in upper case", "sha256:"+strings.ToUpper(spki), byKey),
		Entry("by only the digest", spki, byKey),
		Entry("by the fingerprint of a primary key", "OPENPGP:"+primary, byPGP),
		Entry("by only a fingerprint, in groups", primary[:20]+" "+primary[20:], byPGP),
		Entry("by the fingerprint of the subkey that signed", subkey, byPGP),
		Entry("by a key id", primary[24:], byPGP),
		Entry("by the key id of the subkey that signed", subkey[24:], byPGP),
		Entry("by the fingerprint of a key of version 6", primaryV6, byPGPv6),
		Entry("by the key id of a key of version 6, which is at the start", primaryV6[:16], byPGPv6),
	)

	DescribeTable("do not object to a signature if the revoked id",
		func(id string, v verify.VerifiedSignature) {
			reason, _ := revoked(id).Objection(v)
			Expect(reason).To(BeEmpty())
		},
		Entry("names a different key", "SHA256:"+strings.Repeat("00", 32), byKey),
		Entry("names a different OpenPGP key", strings.Repeat("00", 20), byPGP),
		Entry("is at the wrong end of the fingerprint", primary[:16], byPGP),
		Entry("is at the wrong end of the fingerprint, for a key of version 6", primaryV6[48:], byPGPv6),
		Entry("names a key, and the signer is an identity", spki, byIdentity),
	)

	identities := func(patterns ...verify.IdentityPattern) verify.Constraints {
		GinkgoHelper()
		all, err := verify.NewIdentities(append([]verify.IdentityPattern{{Issuer: "nobody", Subject: "nobody"}}, patterns...)...)
		Expect(err).NotTo(HaveOccurred())
		return verify.Constraints{RevokedIdentities: all}
	}
	identified := func(issuer, subject string) verify.VerifiedSignature {
		return verify.VerifiedSignature{Signer: verify.Identity(issuer, subject), Issuer: issuer, Subject: subject}
	}
	const github, workflow = "https://token.actions.githubusercontent.com", "https://github.com/org/repo/.github/workflows/release.yml@refs/tags/v1.0.0"

	DescribeTable("J16: object to a signature by a revoked identity",
		func(issuer, subject string, v verify.VerifiedSignature) {
			reason, until := identities(verify.IdentityPattern{Issuer: issuer, Subject: subject}).Objection(v)
			Expect(reason).To(ContainSubstring("is revoked"))
			Expect(until).To(BeZero())
		},
		Entry("by its texts", github, workflow, identified(github, workflow)),
		Entry("by patterns with anchors", "^https://token[.]actions[.]githubusercontent[.]com$", "^https://github[.]com/org/repo/.*$", identified(github, workflow)),
		Entry("by patterns without anchors", "https://token[.]actions[.]githubusercontent[.]com", "https://github[.]com/org/.*", identified(github, workflow)),
		Entry("by a text with a different meaning as a pattern", "https://issuer.example", "a+b@example.com", identified("https://issuer.example", "a+b@example.com")),
		Entry("by any issuer", ".*", "a@example[.]com", byIdentity),
		Entry("by any subject of an issuer", "https://issuer[.]example", ".*", byIdentity),
	)

	DescribeTable("do not object to a signature by another identity",
		func(issuer, subject string, v verify.VerifiedSignature) {
			reason, _ := identities(verify.IdentityPattern{Issuer: issuer, Subject: subject}).Objection(v)
			Expect(reason).To(BeEmpty())
		},
		Entry("of another issuer", "https://other.example", "a@example.com", byIdentity),
		Entry("of another subject", "https://issuer.example", "b@example.com", byIdentity),
		Entry("of which the pattern matches only a part", "issuer", "a@example", byIdentity),
		Entry("of which the pattern matches only the beginning", "https://issuer.example", "a@example.com", identified("https://issuer.example", "a@example.com.evil.example")),
		Entry("by a key, which has no identity", ".*", ".*", byKey),
		Entry("nor by an OpenPGP key", ".*", ".*", byPGP),
	)

	DescribeTable("refuse an identity pattern",
		func(issuer, subject string) {
			_, err := verify.NewIdentities(verify.IdentityPattern{Issuer: issuer, Subject: subject})
			Expect(err).To(HaveOccurred())
			Expect(len(err.Error())).To(BeNumerically("<", 500))
		},
		Entry("without an issuer", "", "x"),
		Entry("without a subject", "x", ""),
		Entry("whose issuer is not a regular expression", "(", "x"),
		Entry("whose subject breaks out of its parentheses", "x", "a)|(b"),
		Entry("with too many repetitions", "x", "(?:"+strings.Repeat("a", 500)+"){1000}"),
		Entry("that is too long", "x", strings.Repeat("x", 2000)),
	)

	It("object to nothing by default", func() {
		for _, v := range []verify.VerifiedSignature{byKey, byPGP, byIdentity, {}} {
			reason, _ := verify.Constraints{}.Objection(v)
			Expect(reason).To(BeEmpty())
		}
	})

	DescribeTable("of an age object to a signature",
		func(made, until time.Time) {
			reason, got := atLeastADay.Objection(at(made))
			Expect(reason).NotTo(BeEmpty())
			Expect(got).To(BeTemporally("==", until))
		},
		Entry("without a proven time", time.Time{}, time.Time{}),
		Entry("that was just made", now, now.Add(24*time.Hour)),
		Entry("that is a second too young", now.Add(-24*time.Hour+time.Second), now.Add(time.Second)),
		Entry("from the future", now.Add(time.Hour), now.Add(25*time.Hour)),
	)

	DescribeTable("of an age do not object to a signature",
		func(made time.Time) {
			reason, _ := atLeastADay.Objection(at(made))
			Expect(reason).To(BeEmpty())
		},
		Entry("that is exactly old enough", now.Add(-24*time.Hour)),
		Entry("that is old", now.AddDate(-1, 0, 0)),
	)

	DescribeTable("refuse an invalid key id",
		func(id string) {
			_, err := keyid.Parse([]string{spki, id})
			Expect(err).To(HaveOccurred())
			Expect(len(err.Error())).To(BeNumerically("<", 300))
		},
		Entry("nothing", ""),
		Entry("a short key id, which anybody can make", "deadbeef"),
		Entry("a digest that is too short", "SHA256:"+spki[2:]),
		Entry("a digest that is too long", "SHA256:"+spki+"00"),
		Entry("a fingerprint of a digest", "SHA256:"+primary),
		Entry("another algorithm", "SHA1:"+primary),
		Entry("a text without hexadecimal digits", strings.Repeat("x", 40)),
		Entry("a text that is too long", strings.Repeat("a", 10_000)),
	)
})

var _ = It("Until returns the first moment at which any refused candidate may count", Label("policy", "revocation"), func() {
	reject := func(times ...time.Time) error {
		r := &verify.Rejection{}
		for _, t := range times {
			r.Candidates = append(r.Candidates, verify.Candidate{Until: t})
		}
		return r
	}
	Expect(verify.Until(nil)).To(BeZero())
	Expect(verify.Until(reject(time.Time{}))).To(BeZero())
	Expect(verify.Until(reject(time.Time{}, now.Add(time.Hour), now))).To(BeTemporally("==", now))
})
