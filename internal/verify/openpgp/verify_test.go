// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

const (
	ada  = "Ada <ada@example.com>"
	day  = 24 * time.Hour
	text = "name: nginx\nversion: 1.2.3\n\n...\nfiles:\n  nginx-1.2.3.tgz: sha256:0123\n"
)

var (
	signedAt = Created.Add(time.Hour)
	now      = Created.Add(30 * day)
	byNow    = openpgp.Options{Now: now}
	lenient  = openpgp.Options{Now: now, AllowExpiredKeys: true}
)

func ring(keys ...*v2.Entity) *openpgp.Keyring {
	GinkgoHelper()
	k, err := openpgp.Parse(context.Background(), map[string][]byte{"keys.gpg": Public(keys...)})
	Expect(err).NotTo(HaveOccurred())
	return k
}

func fingerprintOf(k *packet.PublicKey) string { return fmt.Sprintf("%X", k.Fingerprint) }

func accepted(k *openpgp.Keyring, message []byte, o openpgp.Options) openpgp.Signature {
	GinkgoHelper()
	_, s, err := k.Verify(message, o)
	Expect(err).NotTo(HaveOccurred())
	return s
}

func refused(k *openpgp.Keyring, message []byte, o openpgp.Options) {
	GinkgoHelper()
	got, s, err := k.Verify(message, o)
	Expect(err).To(MatchError(openpgp.ErrUntrusted))
	Expect(err).NotTo(MatchError(openpgp.ErrKeyring))
	Expect(got).To(BeNil())
	Expect(s).To(BeZero())
}

var _ = Describe("A clear-signed message", Label("provenance"), func() {
	DescribeTable("is accepted with every supported key and hash",
		func(hash crypto.Hash, options ...KeyOption) {
			key := NewKey(options...)
			got, s, err := ring(NewKey(), key).Verify(Sign(key, text, Hashed(hash)), byNow)
			Expect(err).NotTo(HaveOccurred())
			Expect(string(got)).To(Equal(text))
			Expect(s).To(Equal(openpgp.Signature{
				Primary: fingerprintOf(key.PrimaryKey), Signing: fingerprintOf(key.PrimaryKey), UserID: ada, Time: signedAt,
			}))
		},
		Entry("Ed25519 with SHA-256", crypto.SHA256),
		Entry("Ed25519 with SHA-512", crypto.SHA512),
		Entry("Ed25519 as GnuPG writes it", crypto.SHA512, Using(Ed25519Legacy)),
		Entry("Ed25519 of version 6", crypto.SHA512, V6()),
		Entry("ECDSA P-256 with SHA-256", crypto.SHA256, Using(P256)),
		Entry("ECDSA P-384 with SHA-384", crypto.SHA384, Using(P384)),
		Entry("ECDSA P-521 with SHA-512", crypto.SHA512, Using(P521)),
		Entry("ECDSA P-256 of version 6", crypto.SHA256, Using(P256), V6()),
		Entry("RSA-2048 with SHA-256", crypto.SHA256, Using(RSA2048)),
		Entry("RSA-3072 with SHA-512", crypto.SHA512, Using(RSA3072)),
	)

	It("is accepted as Helm signs", func() {
		key := NewKey(Using(RSA2048))
		var message bytes.Buffer
		w, err := clearsign.Encode(&message, key.PrivateKey, &packet.Config{
			DefaultHash: crypto.SHA512, Time: func() time.Time { return signedAt },
		})
		Expect(err).NotTo(HaveOccurred())
		_, err = w.Write([]byte("- dash  \n" + text))
		Expect(err).NotTo(HaveOccurred())
		Expect(w.Close()).To(Succeed())
		got, s, err := ring(key).Verify(message.Bytes(), byNow)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(got)).To(Equal("- dash\n" + text))
		Expect(s.Time).To(Equal(signedAt))
	})

	DescribeTable("keeps its text exactly as it was signed",
		func(signed, read string) {
			key := NewKey()
			got, _, err := ring(key).Verify(Sign(key, signed), byNow)
			Expect(err).NotTo(HaveOccurred())
			Expect(string(got)).To(Equal(read))
		},
		Entry("one line", "one", "one"),
		Entry("no line", "", ""),
		Entry("empty lines at the start and at the end", "\n\none\n\n", "\n\none\n\n"),
		Entry("lines that start with dashes", "- one\n-- two\n--- three\n-", "- one\n-- two\n--- three\n-"),
		Entry("a line like the start of a block", "-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP SIGNED MESSAGE-----\n"),
		Entry("white space at the ends of lines, which is not signed", "one \t\ntwo\t \n", "one\ntwo\n"),
		Entry("white space at the starts of lines", "  one\n\ttwo", "  one\n\ttwo"),
		Entry("text of other scripts", "größe: 図\n", "größe: 図\n"),
	)

	DescribeTable("is accepted with harmless differences",
		func(change func(message []byte) []byte) {
			key := NewKey()
			message := Sign(key, text)
			changed := change(bytes.Clone(message))
			Expect(changed).NotTo(Equal(message))
			got, _, err := ring(key).Verify(changed, byNow)
			Expect(err).NotTo(HaveOccurred())
			Expect(string(got)).To(Equal(text))
		},
		Entry("no final newline", func(m []byte) []byte { return bytes.TrimRight(m, "\n") }),
		Entry("white space around it", func(m []byte) []byte { return []byte("\r\n \t\n" + string(m) + " \n\r\n\t") }),
		Entry("CRLF line ends", func(m []byte) []byte { return bytes.ReplaceAll(m, []byte("\n"), []byte("\r\n")) }),
		Entry("no header", func(m []byte) []byte { return bytes.Replace(m, []byte("Hash: SHA512\n"), nil, 1) }),
		Entry("two headers", func(m []byte) []byte {
			return bytes.Replace(m, []byte("Hash: SHA512\n"), []byte("Hash: SHA512\nHash: SHA256,SHA384\n"), 1)
		}),
		Entry("an unnecessary escape, as GnuPG adds to From", func(m []byte) []byte {
			return bytes.Replace(m, []byte("\nname: "), []byte("\n- name: "), 1)
		}),
		Entry("white space at the end of a line", func(m []byte) []byte { return bytes.Replace(m, []byte("nginx\n"), []byte("nginx  \n"), 1) }),
		Entry("the headers that GnuPG may write to a signature", func(m []byte) []byte {
			return bytes.Replace(m, []byte("SIGNATURE-----\n"), []byte("SIGNATURE-----\nVersion: GnuPG v2\nComment: any\n"), 1)
		}),
		Entry("no checksum", func(m []byte) []byte {
			at := bytes.LastIndex(m, []byte("\n="))
			return append(bytes.Clone(m[:at]), m[at+6:]...)
		}),
	)

	DescribeTable("is refused if it is not the signed message",
		func(message func(key *v2.Entity) []byte) {
			key := NewKey()
			refused(ring(key), message(key), byNow)
		},
		Entry("F2: a letter is changed", func(k *v2.Entity) []byte {
			return bytes.Replace(Sign(k, text), []byte("1.2.3"), []byte("1.2.4"), 1)
		}),
		Entry("F2: a line is added", func(k *v2.Entity) []byte {
			return bytes.Replace(Sign(k, text), []byte("files:\n"), []byte("files:\n\n"), 1)
		}),
		Entry("F2: a line is removed", func(k *v2.Entity) []byte {
			return bytes.Replace(Sign(k, text), []byte("...\n"), nil, 1)
		}),
		Entry("F2: white space is put before a line", func(k *v2.Entity) []byte {
			return bytes.Replace(Sign(k, text), []byte("name:"), []byte(" name:"), 1)
		}),
		Entry("F2: the signature is of another text", func(k *v2.Entity) []byte { return Message(text, Signature(k, "other")) }),
		Entry("F2: the hash of the signature is changed", func(k *v2.Entity) []byte {
			s := Signature(k, text)
			s[len(s)-1] ^= 1
			return Message(text, s)
		}),
		Entry("F2: the time of the signature is changed", func(k *v2.Entity) []byte {
			s := Signature(k, text)
			return Message(text, bytes.Replace(s, timeBytes(signedAt), timeBytes(signedAt.Add(time.Hour)), 1))
		}),
		Entry("F3: the signer is not known", func(*v2.Entity) []byte { return Sign(NewKey(), text) }),
		Entry("F3: the signer is not known, and claims to be a known one", func(k *v2.Entity) []byte {
			impostor := *NewKey().PrivateKey
			impostor.Fingerprint, impostor.KeyId = k.PrimaryKey.Fingerprint, k.PrimaryKey.KeyId
			return Sign(k, text, With(&impostor))
		}),
		Entry("F3: the signature names no signer", func(*v2.Entity) []byte {
			key := NewKey(Using(RSA2048))
			s := RawSignature(key, text, crypto.SHA256, signedAt)
			at := bytes.Index(s, []byte{9, 16})
			s[at+1] = 40 // a private subpacket
			return Message(text, s)
		}),
		Entry("F7: text before the block", func(k *v2.Entity) []byte { return append([]byte("trust me\n"), Sign(k, text)...) }),
		Entry("F7: text before the block, on its line", func(k *v2.Entity) []byte { return append([]byte(" "), Sign(k, text)...) }),
		Entry("F7: text after the block", func(k *v2.Entity) []byte { return append(Sign(k, text), "trust me"...) }),
		Entry("F7: a NUL after the block", func(k *v2.Entity) []byte { return append(Sign(k, text), 0) }),
		Entry("F7: a no-break space after the block", func(k *v2.Entity) []byte { return append(Sign(k, text), "\u00a0"...) }),
		Entry("F7: text after the end of the block, on its line", func(k *v2.Entity) []byte {
			return append(bytes.TrimRight(Sign(k, text), "\n"), "trust me\n"...)
		}),
		Entry("F7: two blocks", func(k *v2.Entity) []byte { return append(Sign(k, text), Sign(k, text)...) }),
		Entry("F7: a block in a block", func(k *v2.Entity) []byte {
			return Framed("", "-----BEGIN PGP SIGNED MESSAGE-----\n\n"+text, Signature(k, text))
		}),
		Entry("F7: a line of dashes that is not escaped", func(k *v2.Entity) []byte {
			signed := "---\n" + text
			return Framed("", signed, Signature(k, signed))
		}),
		Entry("F7: two signature blocks", func(k *v2.Entity) []byte {
			return append(Sign(k, text), ArmoredSignature(Signature(k, text))...)
		}),
		Entry("F7: text between the signature and its end", func(k *v2.Entity) []byte {
			return bytes.Replace(Sign(k, text), []byte("-----END"), []byte("trust me\n-----END"), 1)
		}),
		Entry("F7: another packet before the signature", func(k *v2.Entity) []byte {
			return Message(text, Packet(11, []byte("b\x00\x00\x00\x00\x00evil")), Signature(k, text))
		}),
		Entry("F7: another packet after the signature", func(k *v2.Entity) []byte {
			return Message(text, Signature(k, text), Packet(60, []byte("hidden")))
		}),
		Entry("F7: bytes after the signature", func(k *v2.Entity) []byte { return Message(text, Signature(k, text), []byte("hidden")) }),
		Entry("F7: a signature cut short", func(k *v2.Entity) []byte {
			s := Signature(k, text)
			return Message(text, s[:len(s)-1])
		}),
		Entry("F7: no signature", func(*v2.Entity) []byte { return Message(text) }),
		Entry("F7: no block at all", func(*v2.Entity) []byte { return []byte(text) }),
		Entry("F7: no bytes", func(*v2.Entity) []byte { return nil }),
		Entry("F7: only white space", func(*v2.Entity) []byte { return []byte(" \n\n") }),
		Entry("F7: no end of the signature", func(k *v2.Entity) []byte {
			return bytes.Replace(Sign(k, text), []byte("-----END PGP SIGNATURE-----"), nil, 1)
		}),
		Entry("F7: an end of the block in its headers", func(*v2.Entity) []byte { return []byte("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n") }),
		Entry("F14: a signature over a user id", func(k *v2.Entity) []byte { return Sign(k, text, OfType(packet.SigTypePositiveCert)) }),
		Entry("F14: a signature over a key", func(k *v2.Entity) []byte { return Sign(k, text, OfType(packet.SigTypeDirectSignature)) }),
		Entry("F14: a signature that is not over a document", func(k *v2.Entity) []byte { return Sign(k, text, OfType(2)) }),
		Entry("F14: a timestamp", func(k *v2.Entity) []byte { return Sign(k, text, OfType(0x40)) }),
		Entry("F14: a key's signature over its own user id, taken from the keyring", func(k *v2.Entity) []byte {
			var b bytes.Buffer
			Expect(k.Identities[ada].SelfCertifications[0].Packet.Serialize(&b)).To(Succeed())
			return Message(text, b.Bytes())
		}),
		Entry("F14: an unknown critical notation", func(k *v2.Entity) []byte {
			return Sign(k, text, Changed(func(s *packet.Signature) {
				s.Notations = append(s.Notations, &packet.Notation{Name: "for@example.com", Value: []byte("a"), IsCritical: true})
			}))
		}),
	)

	It("F21: is refused before it is parsed if it is longer than the bound, and accepted at the bound", func() {
		key := NewKey()
		line := strings.Repeat("x", 63) + "\n"
		message := Sign(key, strings.Repeat(line, 4000))
		message = append(message, bytes.Repeat([]byte(" "), openpgp.MaxMessage-len(message))...)
		accepted(ring(key), message, byNow)
		refused(ring(key), append(message, ' '), byNow)
	})
})

func timeBytes(t time.Time) []byte {
	s := uint32(t.Unix())
	return []byte{byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s)}
}
