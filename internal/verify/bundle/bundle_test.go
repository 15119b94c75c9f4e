// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// The Sigstores of the rows are shared, because making them is slow.
var (
	public, small = New(), NewSmall()
	halfway       = NewExpiring(public.Epoch.Add(3 * time.Minute))
	ours, theirs  = NewKey(), NewKey()
	artifact      = []byte("manifest")
)

const (
	issuer  = "https://issuer.example"
	subject = "release@example.com"
)

// keyless returns the most common way to sign: with an identity.
func keyless(change ...func(*How)) How {
	how := How{Issuer: issuer, Subject: subject, Log: RekorV1, Stamped: true}
	for _, c := range change {
		c(&how)
	}
	return how
}

// byKey returns the way in which our key signs.
func byKey(change ...func(*How)) How {
	how := How{Key: ours}
	for _, c := range change {
		c(&how)
	}
	return how
}

func rootOf(s *Sigstore, without ...Part) *trustroot.Root {
	GinkgoHelper()
	root, err := trustroot.Parse(s.Root(without...))
	Expect(err).NotTo(HaveOccurred())
	return root
}

func keyOf(signer crypto.Signer) bundle.Key {
	GinkgoHelper()
	key, err := bundle.ParseKey("release.pub", PublicKey(signer))
	Expect(err).NotTo(HaveOccurred())
	return key
}

// trust builds a Trust when a row runs, because building may fail.
type trust func() bundle.Trust

func root(s *Sigstore, without ...Part) trust {
	return func() bundle.Trust { return bundle.Trust{Root: rootOf(s, without...)} }
}

func key(signer crypto.Signer) trust {
	return func() bundle.Trust { return bundle.Trust{Keys: []bundle.Key{keyOf(signer)}} }
}

func (t trust) with(change func(*bundle.Trust)) trust {
	return func() bundle.Trust {
		changed := t()
		change(&changed)
		return changed
	}
}

// loggedIn requires an entry in the log of a Sigstore.
func (t trust) loggedIn(s *Sigstore) trust {
	return t.with(func(t *bundle.Trust) { t.Root, t.Log = rootOf(s), bundle.LogRequired })
}

// validFor requires a time, proven by a root, within a period around the epoch.
func (t trust) validFor(s *Sigstore, from, until time.Duration) trust {
	return t.with(func(t *bundle.Trust) {
		t.Root, t.Log = rootOf(s), bundle.LogIgnored
		t.Keys = []bundle.Key{t.Keys[0].ValidFor(s.Epoch.Add(from), s.Epoch.Add(until))}
	})
}

func ignoringLogs(t trust) trust {
	return t.with(func(t *bundle.Trust) { t.Log = bundle.LogIgnored })
}

// verifyBundle reads and verifies a bundle, like its users.
func verifyBundle(raw []byte, t bundle.Trust) (bundle.Signature, error) {
	b, err := bundle.Parse(raw)
	if err != nil {
		return bundle.Signature{}, err
	}
	return b.Verify(bundle.Bytes(artifact), t)
}

var _ = Describe("A bundle", func() {
	DescribeTable("is proven",
		func(s *Sigstore, how How, t trust) {
			raw := s.Bundle(artifact, how)
			signature, err := verifyBundle(raw, t())
			Expect(err).NotTo(HaveOccurred())
			if how.Key == nil {
				Expect(signature.Signer).To(And(HaveField("Issuer", issuer), HaveField("Subject", subject)))
				Expect(signature.Time).To(BeTemporally("==", s.Epoch))
			} else {
				Expect(signature).To(And(HaveField("KeyID", keyOf(how.Key).ID), HaveField("KeyName", "release.pub")))
			}
			asked := t().Log == bundle.LogRequired || how.Key == nil && how.Log != NoLog && t().Log == bundle.LogAsRoot && t().Root.HasLogs()
			Expect(signature.LogIndex != nil).To(Equal(asked && !how.WithoutPromise), "only a promise proves the index of Rekor v1")

			b, err := bundle.Parse(raw)
			Expect(err).NotTo(HaveOccurred())
			byDigest, err := bundle.Digest(digest.FromBytes(artifact))
			Expect(err).NotTo(HaveOccurred())
			_, err = b.Verify(byDigest, t())
			Expect(err).NotTo(HaveOccurred(), "by digest")
		},
		Entry("of an identity, over the artifact", public, keyless(), root(public)),
		Entry("of an identity, by a statement", public, keyless(func(h *How) { h.Statement = CosignSign }), root(public)),
		Entry("of version 0.1", public, keyless(func(h *How) { h.Version = "0.1" }), root(public)),
		Entry("of version 0.2", public, keyless(func(h *How) { h.Version = "0.2" }), root(public)),
		Entry("by a statement of the older type", public, keyless(func(h *How) { h.Statement, h.StatementType = CosignSign, "https://in-toto.io/Statement/v0.1" }), root(public)),
		Entry("logged in Rekor v1 with only the time of the log", public, keyless(func(h *How) { h.Stamped = false }), root(public)),
		Entry("logged in Rekor v1 with only the time of a timestamp", public, keyless(func(h *How) { h.WithoutPromise = true }), root(public)),
		Entry("logged in Rekor v2", public, keyless(func(h *How) { h.Log = RekorV2 }), root(public)),
		Entry("logged in Rekor v2, by a statement", public, keyless(func(h *How) { h.Log, h.Statement = RekorV2, CosignSign }), root(public)),
		Entry("by a statement, logged in Rekor v1 as in-toto", public, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "intoto" }), root(public)),
		Entry("by a statement, logged in Rekor v1 by its hash", public, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord" }), root(public)),
		Entry("by a statement, logged in Rekor v1 by its hash, of a key", public, byKey(func(h *How) { h.Statement, h.Log, h.LogAs = CosignSign, RekorV1, "hashedrekord" }), key(ours).loggedIn(public)),
		Entry("by a statement, with a checkpoint that names no tree", public, keyless(func(h *How) { h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true }), root(public)),
		Entry("by a statement, logged as in-toto with a checkpoint that names no tree, of a key", public, byKey(func(h *How) {
			h.Statement, h.Log, h.LogAs, h.PlainCheckpoint, h.WithoutPromise = CosignSign, RekorV1, "intoto", true, true
		}), key(ours).loggedIn(public)),
		Entry("against a root that has only timestamp authorities", small, keyless(func(h *How) { h.Log, h.WithoutSCT = NoLog, true }), root(small, Log, CTLog)),
		Entry("with a log entry, only by the timestamp, since logs are ignored", small, keyless(), ignoringLogs(root(small))),
		Entry("of a key, over the artifact", public, byKey(), key(ours)),
		Entry("of a key, by a statement", public, byKey(func(h *How) { h.Statement = CosignSign }), key(ours)),
		Entry("of a key that signed with SHA-512", public, byKey(func(h *How) { h.Hash, h.Statement = crypto.SHA512, CosignSign }), key(ours)),
		Entry("of a key, with a log entry that is not required", small, byKey(func(h *How) { h.Log = RekorV1 }), key(ours)),
		Entry("of a key, logged in Rekor v1", public, byKey(func(h *How) { h.Log = RekorV1 }), key(ours).loggedIn(public)),
		Entry("of a key, logged in Rekor v2, which proves no time", public, byKey(func(h *How) { h.Log = RekorV2 }), key(ours).loggedIn(public)),
		Entry("of a key, at a time within its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, -time.Hour, time.Hour)),
		Entry("of a key, at the very end of its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, -time.Hour, 0)),
	)

	DescribeTable("is refused",
		func(s *Sigstore, how How, t trust) {
			_, err := verifyBundle(s.Bundle(artifact, how), t())
			Expect(err).To(Or(MatchError(bundle.ErrUntrusted), MatchError(bundle.ErrMalformed)))
			Expect(err).NotTo(MatchError(bundle.ErrTrust))
			AddReportEntry("reason", err.Error())
		},
		Entry("by another Sigstore's root", small, keyless(), root(public)),
		Entry("with a log's time, and a timestamp of another authority", public, keyless(func(h *How) { h.StampedBy = small }), root(public)),
		Entry("E7: with a certificate that was never logged, if the root names no CT log and one is required anyway", public,
			keyless(func(h *How) { h.WithoutSCT = true }), root(public, CTLog).with(func(t *bundle.Trust) { t.RequireSCT = true })),
		Entry("E7: with a certificate that was never logged", public, keyless(func(h *How) { h.WithoutSCT = true }), root(public)),
		Entry("E7: with a certificate that another log promises", public, keyless(func(h *How) { h.ForeignSCT = true }), root(public)),
		Entry("E10: with a log's time that the log did not sign, and no other time", public, keyless(func(h *How) { h.Stamped, h.WithoutPromise = false, true }), root(public)),
		Entry("D14: with a promise that the log did not sign", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) {
				flip(b.VerificationMaterial.TlogEntries[0].InclusionPromise.SignedEntryTimestamp)
			}
		}), root(public)),
		Entry("E11: with a checkpoint that the log did not sign", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { forgeCheckpoint(b, small, artifact, keyless()) }
		}), root(public)),
		Entry("E12: with a timestamp of another authority that embeds its certificate", small, keyless(func(h *How) {
			h.Log, h.StampedBy, h.EmbedTSA = NoLog, public, true
		}), root(small, Log, CTLog)),
		Entry("D13: with the log entry of another signature", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { swapEntry(b, public, []byte("other")) }
		}), root(public)),
		Entry("D13: with the log entry of another signature over the same artifact", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { swapEntry(b, public, artifact) }
		}), root(public)),
		Entry("E8: with one log entry twice", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { repeatEntry(b, 2) }
		}), root(public)),
		Entry("E9: with 33 log entries", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { repeatEntry(b, 33) }
		}), root(public)),
		Entry("E9: with 33 timestamps", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { repeatStamp(b, 33) }
		}), root(public)),
		Entry("E9: with a statement about 1,025 subjects", public, keyless(func(h *How) { h.Statement, h.Subjects = CosignSign, 1024 }), root(public)),
		Entry("D13: logged by its hash, with the entry of another statement", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, []byte("other"), *h) }
		}), root(public)),
		Entry("D13: logged by its hash, with the entry of another signature", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, artifact, *h) }
		}), root(public)),
		Entry("E11: logged by its hash, with a checkpoint that the log did not sign", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			how := *h
			h.Alter = func(b *pbbundle.Bundle) { forgeCheckpoint(b, small, artifact, how) }
		}), root(public)),
		Entry("logged by its hash, with another payload", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Payload) }
		}), root(public)),
		Entry("logged by its hash, with another signature", public, keyless(func(h *How) {
			h.Statement, h.LogAs = CosignSign, "hashedrekord"
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Signatures[0].Sig) }
		}), root(public)),
		Entry("logged by its hash, in another log", small, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord" }), root(public)),
		Entry("E9: logged by its hash, about 1,025 subjects", public, keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord"; h.Subjects = 1024 }), root(public)),
		Entry("D13: logged with a checkpoint that names no tree, with the entry of another statement", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, []byte("other"), *h) }
		}), root(public)),
		Entry("D13: logged with a checkpoint that names no tree, with the entry of another signature", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { swapEntryOf(b, public, artifact, *h) }
		}), root(public)),
		Entry("E11: logged with a checkpoint that names no tree, with a checkpoint that the log did not sign", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			how := *h
			h.Alter = func(b *pbbundle.Bundle) { forgeCheckpoint(b, small, artifact, how) }
		}), root(public)),
		Entry("logged with a checkpoint that names no tree, with another payload", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Payload) }
		}), root(public)),
		Entry("logged with a checkpoint that names no tree, with another signature", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Alter = func(b *pbbundle.Bundle) { flip(b.GetDsseEnvelope().Signatures[0].Sig) }
		}), root(public)),
		Entry("logged with a checkpoint that names no tree, in another log", small, keyless(func(h *How) { h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true }), root(public)),
		Entry("E9: logged with a checkpoint that names no tree, about 1,025 subjects", public, keyless(func(h *How) {
			h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true
			h.Subjects = 1024
		}), root(public)),
		Entry("without a proven time", public, keyless(func(h *How) { h.Log, h.Stamped = NoLog, false }), root(public)),
		Entry("without a log entry", public, keyless(func(h *How) { h.Log = NoLog }), root(public)),
		Entry("without a timestamp, if logs are ignored", public, keyless(func(h *How) { h.Stamped = false }), ignoringLogs(root(public))),
		Entry("by a statement without a type", public, keyless(func(h *How) { h.Statement, h.StatementType = CosignSign, " " }), root(public)),
		Entry("by a statement of an unknown type", public, keyless(func(h *How) { h.Statement, h.StatementType = CosignSign, "https://in-toto.io/Statement/v2" }), root(public)),
		Entry("of an unknown version", public, keyless(func(h *How) { h.Version = "0.4" }), root(public)),
		Entry("of a key, if a certificate is required", public, byKey(func(h *How) { h.Log, h.Stamped = RekorV1, true }), root(public)),
		Entry("with a certificate, if a key is required", public, keyless(), key(ours)),
		Entry("of another key", public, byKey(), key(theirs)),
		Entry("of another key, by a statement", public, byKey(func(h *How) { h.Statement = CosignSign }), key(theirs)),
		Entry("with a hash that differs from the required one", public, byKey(func(h *How) { h.Hash = crypto.SHA512 }), key(ours).with(func(t *bundle.Trust) {
			t.Keys[0], _ = t.Keys[0].WithHash(crypto.SHA256)
		})),
		Entry("D12: of a key, and not logged if a log entry is required", public, byKey(), key(ours).loggedIn(public)),
		Entry("D13: of a key, with the log entry of another signature", public, byKey(func(h *How) {
			h.Log = RekorV1
			h.Alter = func(b *pbbundle.Bundle) { swapEntry(b, public, []byte("other")) }
		}), key(ours).loggedIn(public)),
		Entry("E21: of a key, and logged in another log, whatever key that log offers", small, byKey(func(h *How) { h.Log = RekorV1 }), key(ours).loggedIn(public)),
		Entry("D15: of a key, before its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, time.Second, time.Hour)),
		Entry("D15: of a key, after its validity", public, byKey(func(h *How) { h.Stamped = true }), key(ours).validFor(public, -time.Hour, -time.Second)),
		Entry("D15: of a key with a validity, at no proven time", public, byKey(), key(ours).validFor(public, -time.Hour, time.Hour)),
		Entry("of a key with a validity, at the log's time, outside of it", public, byKey(func(h *How) { h.Log = RekorV1 }), key(ours).validFor(public, time.Second, time.Hour).loggedIn(public)),
	)

	DescribeTable("E9: is not parsed if its proofs would take longer to verify than any real proof",
		func(most, over func(*pbbundle.Bundle)) {
			how := keyless(func(h *How) { h.Alter = most })
			_, err := bundle.Parse(public.Bundle(artifact, how))
			Expect(err).NotTo(HaveOccurred())
			how.Alter = over
			_, err = bundle.Parse(public.Bundle(artifact, how))
			Expect(err).To(MatchError(bundle.ErrMalformed))
		},
		Entry("by 33 log entries", func(b *pbbundle.Bundle) { repeatEntry(b, 32) }, func(b *pbbundle.Bundle) { repeatEntry(b, 33) }),
		Entry("by 33 timestamps", func(b *pbbundle.Bundle) { repeatStamp(b, 32) }, func(b *pbbundle.Bundle) { repeatStamp(b, 33) }),
		Entry("by log entries of more than 128 KiB together", func(b *pbbundle.Bundle) { padEntry(b, 8<<10); repeatEntry(b, 16) },
			func(b *pbbundle.Bundle) { padEntry(b, 8<<10); repeatEntry(b, 17) }),
		Entry("by timestamps of more than 128 KiB together", func(b *pbbundle.Bundle) { padStamp(b, 16<<10); repeatStamp(b, 8) },
			func(b *pbbundle.Bundle) { padStamp(b, 16<<10); repeatStamp(b, 9) }),
		Entry("by a log entry of more than 8 KiB", func(b *pbbundle.Bundle) { padEntry(b, 8<<10) }, func(b *pbbundle.Bundle) { padEntry(b, 8<<10+1) }),
		Entry("by a timestamp of more than 16 KiB", func(b *pbbundle.Bundle) { padStamp(b, 16<<10) }, func(b *pbbundle.Bundle) { padStamp(b, 16<<10+1) }),
	)

	It("may carry two timestamps of one authority, within all periods of validity, and one that proves nothing", func() {
		how := keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) {
				stampAgain(b, public, public.Epoch.Add(time.Minute))
				stampAgain(b, small, public.Epoch.Add(time.Hour))
			}
		})
		_, err := verifyBundle(public.Bundle(artifact, how), bundle.Trust{Root: rootOf(public)})
		Expect(err).NotTo(HaveOccurred())
	})

	It("E6: is refused if the intermediate certificate had expired when it was signed, though the signer's had not", func() {
		epoch := time.Now().Add(-time.Hour)
		expiring := NewExpiring(epoch.Add(-time.Minute))
		_, err := verifyBundle(expiring.Bundle(artifact, keyless()), bundle.Trust{Root: rootOf(expiring)})
		Expect(err).To(MatchError(bundle.ErrUntrusted))
		_, err = verifyBundle(expiring.Bundle(artifact, keyless(func(h *How) { h.Time = epoch.Add(-2 * time.Minute) })), bundle.Trust{Root: rootOf(expiring)})
		Expect(err).NotTo(HaveOccurred(), "while it was valid")
	})

	DescribeTable("with two proven times is refused if one of them is outside the validity of",
		func(s *Sigstore, how How) {
			_, err := verifyBundle(s.Bundle(artifact, how), bundle.Trust{Root: rootOf(s)})
			Expect(err).To(MatchError(bundle.ErrUntrusted))
		},
		Entry("the signer's certificate", public, keyless(func(h *How) { h.StampedAt = public.Epoch.Add(time.Hour) })),
		Entry("the signer's certificate, by a second", public, keyless(func(h *How) { h.StampedAt = public.Epoch.Add(-61 * time.Second) })),
		Entry("the signer's certificate, by the second timestamp of one authority", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { stampAgain(b, public, public.Epoch.Add(time.Hour)) }
		})),
		Entry("the signer's certificate, by the first timestamp of one authority", public, keyless(func(h *How) {
			h.StampedAt = public.Epoch.Add(time.Hour)
			h.Alter = func(b *pbbundle.Bundle) { stampAgain(b, public, public.Epoch) }
		})),
		Entry("the intermediate certificate", halfway, keyless(func(h *How) { h.Time, h.StampedAt = halfway.Epoch, halfway.Epoch.Add(5*time.Minute) })),
	)

	DescribeTable("E22: is verified by the time that is proven, whatever the clock of this machine says",
		func(at time.Duration) {
			_, err := verifyBundle(public.Bundle(artifact, keyless(func(h *How) { h.Time = public.Epoch.Add(at) })), bundle.Trust{Root: rootOf(public)})
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("signed a day ago", -24*time.Hour),
		Entry("signed tomorrow, by a clock that is a day behind", 24*time.Hour),
	)

	DescribeTable("of one byte more or less is refused",
		func(how How, t trust) {
			raw := public.Bundle(artifact, how)
			b, err := bundle.Parse(raw)
			Expect(err).NotTo(HaveOccurred())
			_, err = b.Verify(bundle.Bytes(append([]byte("x"), artifact...)), t())
			Expect(err).To(MatchError(bundle.ErrUntrusted))
			other, err := bundle.Digest(digest.FromString("other"))
			Expect(err).NotTo(HaveOccurred())
			_, err = b.Verify(other, t())
			Expect(err).To(MatchError(bundle.ErrUntrusted))
		},
		Entry("of an identity", keyless(), root(public)),
		Entry("of an identity, by a statement", keyless(func(h *How) { h.Statement = CosignSign }), root(public)),
		Entry("of a key", byKey(), key(ours)),
		Entry("of a key, by a statement", byKey(func(h *How) { h.Statement = CosignSign }), key(ours)),
		Entry("of an identity, logged by its hash", keyless(func(h *How) { h.Statement, h.LogAs = CosignSign, "hashedrekord" }), root(public)),
		Entry("of an identity, with a checkpoint that names no tree", keyless(func(h *How) { h.Statement, h.PlainCheckpoint, h.WithoutPromise = CosignSign, true, true }), root(public)),
	)

	It("with a pure Ed25519 signature of nothing is not one of every digest", func() {
		_, signer, err := ed25519.GenerateKey(rand.Reader)
		Expect(err).NotTo(HaveOccurred())
		raw := public.Bundle(nil, How{Key: signer, Alter: func(b *pbbundle.Bundle) {
			b.GetMessageSignature().MessageDigest.Digest = bytesOf(digest.FromBytes(artifact))
		}})
		b, err := bundle.Parse(raw)
		Expect(err).NotTo(HaveOccurred())
		byDigest, err := bundle.Digest(digest.FromBytes(artifact))
		Expect(err).NotTo(HaveOccurred())
		_, err = b.Verify(byDigest, key(signer)())
		Expect(err).To(MatchError(bundle.ErrUntrusted))
	})

	DescribeTable("cannot be required by a Trust that no signature can satisfy",
		func(t trust) {
			_, err := verifyBundle(public.Bundle(artifact, keyless()), t())
			Expect(err).To(MatchError(bundle.ErrTrust))
		},
		Entry("no keys and no root", trust(func() bundle.Trust { return bundle.Trust{} })),
		Entry("no keys, and a root without authorities", root(public, Authority)),
		Entry("a log entry, and a root without logs", root(public, Log).with(func(t *bundle.Trust) { t.Log = bundle.LogRequired })),
		Entry("a log entry of a key, and no root", key(ours).with(func(t *bundle.Trust) { t.Log = bundle.LogRequired })),
		Entry("a proven time, and a root with neither logs nor timestamp authorities", root(public, Log, TimestampAuthority)),
		Entry("a key with a validity, and no root", key(ours).with(func(t *bundle.Trust) {
			t.Keys = []bundle.Key{t.Keys[0].ValidFor(time.Now(), time.Now())}
		})),
	)

	DescribeTable("returns its type and the signer that it claims",
		func(how How, predicate string, isSignature bool, signer bundle.Signer) {
			b, err := bundle.Parse(public.Bundle(artifact, how))
			Expect(err).NotTo(HaveOccurred())
			Expect(b.PredicateType()).To(Equal(predicate))
			Expect(b.IsSignature()).To(Equal(isSignature))
			claimed := b.Claimed()
			claimed.Claims = signer.Claims
			Expect(claimed).To(Equal(signer))
		},
		Entry("a signature of the artifact", keyless(), "", true, bundle.Signer{Issuer: issuer, Subject: subject}),
		Entry("cosign's statement", keyless(func(h *How) { h.Statement = CosignSign }), CosignSign, true, bundle.Signer{Issuer: issuer, Subject: subject}),
		Entry("E13: an SBOM", keyless(func(h *How) { h.Statement = "https://spdx.dev/Document" }), "https://spdx.dev/Document", false, bundle.Signer{Issuer: issuer, Subject: subject}),
		Entry("a key's", byKey(), "", true, bundle.Signer{KeyID: keyIDOf(ours)}),
	)

	DescribeTable("is not read from",
		func(raw string) {
			_, err := bundle.Parse([]byte(raw))
			Expect(err).To(MatchError(bundle.ErrMalformed))
		},
		Entry("nothing", ""),
		Entry("null", "null"),
		Entry("an empty object", "{}"),
		Entry("a list", "[]"),
		Entry("HTML", "<html>"),
		Entry("a bundle without content", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}}}`),
		Entry("one without material", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`),
		Entry("one of an unknown type", `{"mediaType":"text/plain"}`),
		Entry("one with a field twice", `{"mediaType":"a","mediaType":"b"}`),
		Entry("one with log entries that are null", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"},"tlogEntries":[{}]},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AA=="},"signature":"AA=="}}`),
		Entry("more bytes than allowed", string(make([]byte, bundle.MaxSize+1))),
	)
})

func keyIDOf(signer *ecdsa.PrivateKey) string {
	key, err := bundle.ParseKey("k.pub", PublicKey(signer))
	if err != nil || signer.Curve != elliptic.P256() {
		panic(err)
	}
	return key.ID
}
