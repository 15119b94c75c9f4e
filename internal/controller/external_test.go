// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// web is a web server with TLS that serves files to clients that know the password.
type web struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	password string
	fault    int // a status to answer with, if it is not 0
	asked    int
}

func newWeb() *web {
	w := &web{files: map[string][]byte{}}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked++
		_, password, _ := in.BasicAuth()
		file, ok := w.files[in.URL.Path]
		switch {
		case w.fault != 0:
			out.WriteHeader(w.fault)
		case password != w.password:
			out.WriteHeader(http.StatusUnauthorized)
		case !ok:
			out.WriteHeader(http.StatusNotFound)
		default:
			_, _ = out.Write(file)
		}
	}))
	DeferCleanup(w.Close)
	return w
}

// change changes the behaviour of the server.
func (w *web) change(how func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	how()
}

func (w *web) put(path string, file []byte) { w.change(func() { w.files[path] = file }) }

// requests returns how many requests the server has received.
func (w *web) requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

func (w *web) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.Certificate().Raw})
}

// setConfigMap makes a ConfigMap hold exactly these entries.
func (w *world) setConfigMap(name string, data map[string]string, binary map[string][]byte) {
	GinkgoHelper()
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}, Data: data, BinaryData: binary}
	if err := w.client.Create(w.ctx, config); err != nil {
		Expect(w.client.Update(w.ctx, config)).To(Succeed())
	}
}

var _ = Describe("A provenance file outside the registry", Label("provenance", "network"), func() {
	const path = "/prov/app-1.0.0.tgz.prov"
	var (
		w            *world
		site         *web
		ours, theirs *openpgp.Entity
	)
	BeforeEach(func() {
		w, site = newWorld(context.Background()), newWeb()
		at := openpgptest.CreatedAt(time.Now().Add(-24 * time.Hour))
		ours, theirs = openpgptest.NewKey(at), openpgptest.NewKey(at)
		w.setKeyring(ours)
		w.setSecret("web-ca", map[string][]byte{"ca.crt": site.certificate()})
	})

	// from requires the file from an external source.
	from := func(p v1alpha1.Provenance) func(*v1alpha1.VerifiedChartSpec) {
		return func(s *v1alpha1.VerifiedChartSpec) {
			byMaintainers(s)
			s.Verify.Authorities[0].Provenance = &p
		}
	}
	atSite := func(change ...func(*v1alpha1.Provenance)) func(*v1alpha1.VerifiedChartSpec) {
		p := v1alpha1.Provenance{
			Source: v1alpha1.ProvenanceSourceURL, URL: site.URL + "/prov/{{name}}-{{version}}.tgz.prov",
			CertSecretRef: &meta.LocalObjectReference{Name: "web-ca"},
		}
		for _, c := range change {
			c(&p)
		}
		return from(p)
	}
	withLogin := func(p *v1alpha1.Provenance) { p.SecretRef = &meta.LocalObjectReference{Name: "web-login"} }
	in := func(source string, key ...string) func(*v1alpha1.VerifiedChartSpec) {
		ref := &v1alpha1.FileReference{Name: "provs"}
		for _, k := range key {
			ref.Key = k
		}
		return from(v1alpha1.Provenance{Source: source, FileRef: ref})
	}
	// signedApart stores a chart without its provenance file, and returns the file.
	signedApart := func(version string, by *openpgp.Entity) []byte {
		_, prov := w.pushSigned(version, by)
		w.pushSigned(version, nil)
		return prov
	}
	unavailable := func() *v1alpha1.VerifiedChart {
		GinkgoHelper()
		return w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
	}

	DescribeTable("proves a chart that is",
		func(arrange func(prov []byte), declare func() func(*v1alpha1.VerifiedChartSpec), source string) {
			arrange(signedApart("1.0.0", ours))
			w.declare(declare())
			obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(conditions.IsReady(obj)).To(BeTrue(), conditions.GetMessage(obj, meta.ReadyCondition))
			})
			Expect(obj.Status.Verification.Authorities).To(ConsistOf(HaveField("Source", HavePrefix(source))))
			Expect(artifactBytes(obj)).NotTo(BeEmpty())
		},
		Entry("on a web server", func(prov []byte) { site.put(path, prov) }, func() func(*v1alpha1.VerifiedChartSpec) { return atSite() }, "URL https://"),
		Entry("on a web server that asks for a password", func(prov []byte) {
			site.put(path, prov)
			site.change(func() { site.password = "hunter2" })
			w.setSecret("web-login", map[string][]byte{"username": []byte("user"), "password": []byte("hunter2")})
		}, func() func(*v1alpha1.VerifiedChartSpec) { return atSite(withLogin) }, "URL https://"),
		Entry("in a Secret", func(prov []byte) { w.setSecret("provs", map[string][]byte{"app-1.0.0.tgz.prov": prov}) },
			func() func(*v1alpha1.VerifiedChartSpec) { return in(v1alpha1.ProvenanceSourceSecret) }, "key app-1.0.0.tgz.prov of Secret provs"),
		Entry("in a ConfigMap", func(prov []byte) { w.setConfigMap("provs", map[string]string{"app-1.0.0.tgz.prov": string(prov)}, nil) },
			func() func(*v1alpha1.VerifiedChartSpec) { return in(v1alpha1.ProvenanceSourceConfigMap) }, "key app-1.0.0.tgz.prov of ConfigMap provs"),
		Entry("in the binary data of a ConfigMap, under another key", func(prov []byte) { w.setConfigMap("provs", nil, map[string][]byte{"1.0.0.prov": prov}) },
			func() func(*v1alpha1.VerifiedChartSpec) {
				return in(v1alpha1.ProvenanceSourceConfigMap, "{{version}}.prov")
			}, "key 1.0.0.prov of ConfigMap provs"),
	)

	DescribeTable("is missing or wrong, so that a chart is refused,",
		func(arrange func(prov []byte), declare func() func(*v1alpha1.VerifiedChartSpec)) {
			arrange(signedApart("1.0.0", ours))
			w.declare(declare())
			obj := w.rejected()
			Expect(obj.Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
		},
		Entry("F1: for which the web server has no file", func([]byte) {}, func() func(*v1alpha1.VerifiedChartSpec) { return atSite() }),
		Entry("F1: for which the Secret has no file", func(prov []byte) { w.setSecret("provs", map[string][]byte{"app-1.0.1.tgz.prov": prov}) },
			func() func(*v1alpha1.VerifiedChartSpec) { return in(v1alpha1.ProvenanceSourceSecret) }),
		Entry("F1: for which the ConfigMap has an empty file", func([]byte) { w.setConfigMap("provs", map[string]string{"app-1.0.0.tgz.prov": ""}, nil) },
			func() func(*v1alpha1.VerifiedChartSpec) { return in(v1alpha1.ProvenanceSourceConfigMap) }),
		Entry("F3: for which the web server has a stranger's file", func([]byte) { site.put(path, signedApart("1.0.0", theirs)) },
			func() func(*v1alpha1.VerifiedChartSpec) { return atSite() }),
		Entry("F5: for which the web server has an older version's file", func([]byte) { site.put(path, signedApart("0.9.0", ours)) },
			func() func(*v1alpha1.VerifiedChartSpec) { return atSite() }),
		Entry("F21: for which the web server has a huge file", func([]byte) { site.put(path, make([]byte, 300<<10)) },
			func() func(*v1alpha1.VerifiedChartSpec) { return atSite() }),
		Entry("F21: for which the Secret has a huge file", func([]byte) {
			w.setSecret("provs", map[string][]byte{"app-1.0.0.tgz.prov": make([]byte, 300<<10)})
		}, func() func(*v1alpha1.VerifiedChartSpec) { return in(v1alpha1.ProvenanceSourceSecret) }),
		Entry("that has the file only in its manifest", func([]byte) { w.pushSigned("1.0.0", ours) }, func() func(*v1alpha1.VerifiedChartSpec) { return atSite() }),
	)

	const stalls, triesAgain = true, false
	DescribeTable("is no reason to withdraw a chart while",
		func(arrange func(), stalled bool) {
			site.put(path, signedApart("1.0.0", ours))
			w.setSecret("web-login", map[string][]byte{"username": []byte("user"), "password": []byte("x")})
			w.declare(atSite(withLogin))
			site.change(func() { site.password = "x" })
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.Artifact).NotTo(BeNil()) })
			arrange()
			obj := unavailable()
			Expect(conditions.IsStalled(obj)).To(Equal(stalled))
			Expect(artifactBytes(obj)).NotTo(BeEmpty())
		},
		Entry("the Secret with the credentials is missing", func() { w.deleteSecret("web-login") }, triesAgain),
		Entry("the Secret with the credentials holds none", func() { w.setSecret("web-login", map[string][]byte{"user": []byte("x")}) }, stalls),
		Entry("the Secret with the certificate authorities holds none", func() { w.setSecret("web-ca", map[string][]byte{"ca.crt": []byte("x")}) }, stalls),
	)

	DescribeTable("is not missed while its chart is published and its keyring still has the key, although",
		func(arrange func()) {
			site.put(path, signedApart("1.0.0", ours))
			w.setSecret("web-login", map[string][]byte{"username": []byte("user"), "password": []byte("x")})
			w.declare(atSite(withLogin))
			site.change(func() { site.password = "x" })
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.Artifact).NotTo(BeNil()) })
			site.change(arrange)
			w.setKeyring(ours, theirs)
			obj := w.reconcile()
			Expect(conditions.IsTrue(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			Expect(artifactBytes(obj)).NotTo(BeEmpty())

			w.setKeyring(theirs) // the stored provenance file no longer proves anything
			Expect(w.withdrawn().Status.Verification).To(BeNil())
		},
		Entry("the web server fails", func() { site.fault = http.StatusInternalServerError }),
		Entry("the web server refuses the credentials", func() { site.password = "y" }),
		Entry("the web server has lost it", func() { site.fault = http.StatusNotFound }),
	)

	It("is requested once while nothing changes, and again before a chart is refused", func() {
		w.declare(atSite())
		w.pushSigned("1.0.0", nil)
		w.rejected()
		site.put(path, signedApart("1.0.0", ours))
		w.reconcile()
		obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(conditions.IsReady(obj)).To(BeTrue()) })
		asked := site.requests()
		w.reconcileAlone(obj)
		Expect(site.requests()).To(Equal(asked))
	})

	It("withdraws the chart at once when it leaves its ConfigMap, and publishes it when it returns", func() {
		prov := map[string]string{"app-1.0.0.tgz.prov": string(signedApart("1.0.0", ours))}
		w.setConfigMap("provs", prov, nil)
		w.declare(in(v1alpha1.ProvenanceSourceConfigMap))
		published := func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(conditions.IsReady(obj)).To(BeTrue()) }
		w.eventually(published)
		w.setConfigMap("provs", nil, nil)
		Expect(w.rejected().Status.Artifact).To(BeNil())
		w.setConfigMap("provs", prov, nil)
		w.eventually(published)
	})
})
