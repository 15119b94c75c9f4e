// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	corev1 "k8s.io/api/core/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// rootText is the smallest valid trusted root.
const rootText = `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`

// ourKeyring is a keyring of one key.
var ourKeyring = sync.OnceValue(func() []byte { return openpgptest.Public(openpgptest.NewKey()) })

func ref(name string) *meta.LocalObjectReference { return &meta.LocalObjectReference{Name: name} }

func verification(authorities ...v1alpha1.Authority) v1alpha1.Verification {
	return v1alpha1.Verification{Authorities: authorities}
}

// Authorities of each kind.
func keyed(name, secret string) v1alpha1.Authority {
	return v1alpha1.Authority{Name: name, Provider: v1alpha1.CosignProvider, SecretRef: ref(secret)}
}

func keyless(name string) v1alpha1.Authority {
	return v1alpha1.Authority{
		Name: name, Provider: v1alpha1.CosignProvider, MatchOIDCIdentity: []v1alpha1.OIDCIdentityMatch{{Issuer: "i", Subject: "s"}},
	}
}

func rooted(name, secret string) v1alpha1.Authority {
	a := keyless(name)
	a.TrustedRootSecretRef = ref(secret)
	return a
}

func provenanced(name, secret string) v1alpha1.Authority {
	return v1alpha1.Authority{Name: name, Provider: v1alpha1.ProvenanceProvider, SecretRef: ref(secret)}
}

// publicRoot is a PublicRoot.
type publicRoot struct {
	root  *trustroot.Root
	err   error
	reads int
	// hang makes it wait until the time is over.
	hang func()
}

func (p *publicRoot) Root(context.Context) (*trustroot.Root, error) {
	p.reads++
	if p.hang != nil {
		p.hang()
	}
	return p.root, p.err
}

func parsedRoot(text string) *trustroot.Root {
	GinkgoHelper()
	root, err := trustroot.Parse([]byte(text))
	Expect(err).NotTo(HaveOccurred())
	return root
}

var _ = Describe("A loader", Label("policy"), func() {
	var o *objects
	var public *publicRoot
	var l *material.Loader
	BeforeEach(func() {
		o, public = newObjects(), &publicRoot{root: parsedRoot(rootText)}
		l = material.NewLoader(material.Options{Source: o, PublicRoot: public})
		o.putSecret("keys", entries{"a.pub": []byte("key")})
		o.putSecret("root", entries{v1alpha1.TrustedRootKey: []byte(rootText)})
		o.putSecret("keyring", entries{"pubring.gpg": ourKeyring()})
	})
	load := func(ctx context.Context, authorities ...v1alpha1.Authority) map[string]policy.Material {
		m, _ := l.Load(ctx, "team", verification(authorities...))
		return m
	}
	version := func(ctx context.Context, authorities ...v1alpha1.Authority) string {
		_, version := l.Load(ctx, "team", verification(authorities...))
		return version
	}

	It("loads the material of each kind of authority", func(ctx context.Context) {
		m := load(ctx, keyed("keyed", "keys"), keyless("keyless"), rooted("rooted", "root"), provenanced("prov", "keyring"))
		Expect(m).To(HaveLen(4))
		for name, each := range m {
			Expect(each.Err).NotTo(HaveOccurred(), name)
		}
		Expect(m["keyed"].Data).To(HaveKey("a.pub"))
		Expect(m["keyed"].Root).To(BeNil())
		Expect(m["keyless"].Root).To(BeIdenticalTo(public.root))
		Expect(m["rooted"].Root.ID()).To(Equal(public.root.ID()))
		Expect(m["prov"].Keyring.Len()).To(Equal(1))
		Expect(m["prov"].Data).To(BeNil())
	})

	It("reads the public root only if an authority needs it", func(ctx context.Context) {
		load(ctx, keyed("keyed", "keys"), rooted("rooted", "root"), provenanced("prov", "keyring"))
		Expect(public.reads).To(BeZero())
	})

	It("reads an object once, so that two authorities see the same version", func(ctx context.Context) {
		load(ctx, keyed("a", "keys"), keyed("b", "keys"), keyed("c", "none"), keyed("d", "none"))
		Expect(o.reads).To(Equal([]string{"secrets keys", "secrets none"}))
	})

	It("reads the public root once, so that two authorities see the same root", func(ctx context.Context) {
		m := load(ctx, keyless("a"), keyless("b"))
		Expect(public.reads).To(Equal(1))
		Expect(m["a"].Root).To(BeIdenticalTo(m["b"].Root))
	})

	DescribeTable("names the faulty object and the fix",
		func(ctx context.Context, arrange func(), a v1alpha1.Authority, class error, texts ...string) {
			arrange()
			m := load(ctx, a, keyed("good", "keys"))
			err := m[a.Name].Err
			Expect(err).To(MatchError(class))
			Expect(err).To(MatchError(verify.ErrTrustUnavailable))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
			if class == verify.ErrTrustUnavailable { //nolint:errorlint // the requested class itself
				Expect(err).NotTo(MatchError(verify.ErrTrustMalformed))
			}
			for _, text := range texts {
				Expect(err.Error()).To(ContainSubstring(text))
			}
			Expect(len(err.Error())).To(BeNumerically("<=", 512))
			Expect(utf8.ValidString(err.Error())).To(BeTrue())
			Expect(m["good"].Err).NotTo(HaveOccurred(), "the fault is that of one authority alone")
		},
		Entry("H6: a missing Secret with keys", func() {}, keyed("a", "none"), verify.ErrTrustUnavailable, "Secret team/none not found: kubectl -n team create secret generic none --from-file=cosign.pub"),
		Entry("H6: a missing Secret with a trusted root", func() {}, rooted("a", "none"), verify.ErrTrustUnavailable, "Secret team/none not found: "),
		Entry("H6: a missing Secret with a keyring", func() {}, provenanced("a", "none"), verify.ErrTrustUnavailable, "Secret team/none not found: "),
		Entry("H8: a trusted root under another name", func() { o.putSecret("s", entries{"root.json": []byte(rootText)}) },
			rooted("a", "s"), verify.ErrTrustMalformed, "Secret team/s has no entry trusted_root.json", "kubectl -n team create secret generic s --from-file=trusted_root.json"),
		Entry("H8: an empty Secret", func() { o.putSecret("s", nil) }, rooted("a", "s"), verify.ErrTrustMalformed, "has no entry"),
		Entry("H8: an empty trusted root", func() { o.putSecret("s", entries{v1alpha1.TrustedRootKey: nil}) },
			rooted("a", "s"), verify.ErrTrustMalformed, "Secret team/s, entry trusted_root.json: "),
		Entry("E20: a trusted root that is not UTF-8", func() { o.putSecret("s", entries{v1alpha1.TrustedRootKey: []byte("{\"\xff\xfe\": 1}")}) },
			rooted("a", "s"), verify.ErrTrustMalformed, "Secret team/s, entry trusted_root.json: "),
		Entry("J12: a trusted root of more than 256 KiB", func() {
			o.putSecret("s", entries{v1alpha1.TrustedRootKey: []byte(rootText + strings.Repeat(" ", 256<<10))})
		}, rooted("a", "s"), verify.ErrTrustMalformed, "Secret team/s, entry trusted_root.json: ", "more than the 262144 allowed"),
		Entry("H15: a trusted root with control characters", func() {
			o.putSecret("s", entries{v1alpha1.TrustedRootKey: []byte(`{"mediaType":"` + strings.Repeat("\\u001b[31m", 10_000) + `"}`)})
		}, rooted("a", "s"), verify.ErrTrustMalformed, "mediaType"),
		Entry("F3: an empty Secret for a keyring", func() { o.putSecret("s", nil) }, provenanced("a", "s"), verify.ErrTrustMalformed, "Secret team/s: "),
		Entry("F3: a malformed keyring", func() { o.putSecret("s", entries{"a": []byte("x")}) }, provenanced("a", "s"), verify.ErrTrustMalformed, "Secret team/s: "),
		Entry("F3: a keyring that is too large", func() { o.putSecret("s", entries{"a": make([]byte, 5<<20)}) },
			provenanced("a", "s"), verify.ErrTrustMalformed, "Secret team/s: "),
		Entry("E17: a public root that is not available", func() { public.root, public.err = nil, errDown },
			keyless("a"), verify.ErrTrustUnavailable, "the trusted root of the public Sigstore is not available", "connection refused"),
	)

	DescribeTable("reports that an object cannot be read, with the cause",
		func(ctx context.Context, a v1alpha1.Authority) {
			o.fault = errDown
			err := load(ctx, a)[a.Name].Err
			Expect(err).To(MatchError(errDown))
			Expect(err).To(MatchError(verify.ErrTrustUnavailable))
			Expect(err).NotTo(MatchError(verify.ErrTrustMalformed))
			Expect(err).To(MatchError(ContainSubstring("cannot be read: connection refused")))
		},
		Entry("a Secret with keys", keyed("a", "keys")),
		Entry("a Secret with a trusted root", rooted("a", "root")),
		Entry("a Secret with a keyring", provenanced("a", "keyring")),
	)

	It("needs a named trusted root if it has no public root", func(ctx context.Context) {
		l = material.NewLoader(material.Options{Source: o})
		Expect(load(ctx, keyless("a"))["a"].Err).To(And(MatchError(verify.ErrTrustUnavailable), MatchError(ContainSubstring("trustedRootSecretRef"))))
	})

	DescribeTable("stops at the deadline, and blames no object",
		func(ctx context.Context, a v1alpha1.Authority) {
			ended, end := context.WithCancel(ctx)
			end()
			err := load(ended, a)["a"].Err
			Expect(err).To(MatchError(context.Canceled))
			Expect(err).NotTo(MatchError(verify.ErrTrustMalformed))
		},
		Entry("before keys are read", keyed("a", "keys")),
		Entry("before a keyring is parsed", provenanced("a", "keyring")),
		Entry("before a trusted root is parsed", rooted("a", "root")),
	)

	DescribeTable("J12: parses nothing after the deadline, even if the object has been read",
		func(ctx context.Context, a v1alpha1.Authority) {
			ended, end := context.WithCancel(ctx)
			l = material.NewLoader(material.Options{Source: endless{o}, PublicRoot: public})
			end()
			err := load(ended, a)["a"].Err
			Expect(err).To(MatchError(context.Canceled))
			Expect(err).To(MatchError(verify.ErrTrustUnavailable))
			Expect(err).NotTo(MatchError(verify.ErrTrustMalformed))
		},
		Entry("no keyring", provenanced("a", "keyring")),
		Entry("no malformed keyring", provenanced("a", "keys")),
		Entry("no trusted root", rooted("a", "root")),
	)

	It("J5: loads everything else, even if the public root takes until the deadline", func(ctx context.Context) {
		ended, end := context.WithCancel(ctx)
		defer end()
		public.root, public.err, public.hang = nil, context.DeadlineExceeded, end
		m := load(ended, keyless("a"), keyed("b", "keys"), rooted("c", "root"), provenanced("d", "keyring"))
		Expect(m["a"].Err).To(MatchError(context.DeadlineExceeded))
		for _, name := range []string{"b", "c", "d"} {
			Expect(m[name].Err).NotTo(HaveOccurred(), name)
		}
	})

	It("parses keyrings and trusted roots once", func(ctx context.Context) {
		first, second := load(ctx, rooted("r", "root"), provenanced("p", "keyring")), load(ctx, rooted("r", "root"), provenanced("p", "keyring"))
		Expect(second["r"].Root).To(BeIdenticalTo(first["r"].Root))
		Expect(second["p"].Keyring).To(BeIdenticalTo(first["p"].Keyring))
	})

	It("returns the cause of a malformed keyring", func(ctx context.Context) {
		o.putSecret("s", entries{"a": []byte("x")})
		Expect(load(ctx, provenanced("a", "s"))["a"].Err).To(MatchError(openpgp.ErrKeyring))
	})

	Describe("returns a version", func() {
		all := []v1alpha1.Authority{
			keyed("a", "keys"), keyless("b"), rooted("c", "root"), provenanced("d", "keyring"), fromObject("e", "ConfigMap", "provs"), keyed("f", "none"),
		}
		BeforeEach(func() { o.putConfigMap("provs", map[string]string{"p": "1"}, nil) })

		It("that stays the same while nothing changes, and does not depend on order", func(ctx context.Context) {
			before := version(ctx, all...)
			Expect(before).To(HavePrefix("sha256:"))
			Expect(version(ctx, all...)).To(Equal(before))
			Expect(version(ctx, all[5], all[4], all[3], all[2], all[1], all[0], keyed("again", "keys"))).To(Equal(before))
			o.putSecret("unrelated", nil)
			Expect(version(ctx, all...)).To(Equal(before))
		})

		DescribeTable("that differs",
			func(ctx context.Context, change func()) {
				before := version(ctx, all...)
				change()
				Expect(version(ctx, all...)).NotTo(Equal(before))
			},
			Entry("once a Secret is written", func() { o.putSecret("keys", entries{"a.pub": []byte("other")}) }),
			Entry("once a Secret is written with the same data", func() { o.putSecret("keys", entries{"a.pub": []byte("key")}) }),
			Entry("once a trusted root is written", func() { o.putSecret("root", entries{v1alpha1.TrustedRootKey: []byte(rootText)}) }),
			Entry("once a keyring is written", func() { o.putSecret("keyring", nil) }),
			Entry("once a ConfigMap is written", func() { o.putConfigMap("provs", map[string]string{"p": "2"}, nil) }),
			Entry("once a Secret is missing", func() { o.remove("keys") }),
			Entry("once a ConfigMap is missing", func() { o.remove("provs") }),
			Entry("once a missing Secret exists", func() { o.putSecret("none", nil) }),
			Entry("once a Secret of the same version has another UID", func() { o.secrets["keys"].UID = "other" }),
			Entry("once the API server does not answer", func() { o.fault = errDown }),
			Entry("once the public root is replaced", func() { public.root = parsedRoot(rootText + " ") }),
			Entry("once the public root is not available", func() { public.root, public.err = nil, errDown }),
		)

		It("of the contents, from a source without versions", func(ctx context.Context) {
			o.unversioned = true
			put := func(key, prov string, binary entries) {
				o.putSecret("keys", entries{"a.pub": []byte(key)})
				o.putConfigMap("provs", map[string]string{"p": prov}, binary)
			}
			put("1", "1", nil)
			before := version(ctx, all...)
			put("1", "1", nil)
			Expect(version(ctx, all...)).To(Equal(before))
			for _, change := range []func(){
				func() { put("2", "1", nil) }, func() { put("1", "2", nil) }, func() { put("1", "1", entries{"q": []byte("1")}) },
			} {
				change()
				Expect(version(ctx, all...)).NotTo(Equal(before))
			}
		})
	})
})

// endless is a Source that also answers after the end of its context, like a cache.
type endless struct{ *objects }

func (e endless) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return e.objects.Secret(context.WithoutCancel(ctx), namespace, name)
}
