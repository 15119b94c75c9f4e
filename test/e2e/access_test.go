// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/pki"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// wrongPassword is a password that no part accepts.
const wrongPassword = "staple-of-nobody"

// entries are the entries of a Secret.
type entries map[string][]byte

// loginEntries returns the entries of a Secret with a username and a password.
func loginEntries(password string) entries {
	return entries{"username": []byte(realparts.Username), "password": []byte(password)}
}

// own starts a part of its own for the spec.
func own[T interface{ Close() error }](part T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(part.Close)
	return part
}

// tenantOf returns a tenant with a distribution registry of its own.
func tenantOf(ctx context.Context, settings ...realparts.Setting) *scenario.World {
	GinkgoHelper()
	return tenantIn(ctx, GinkgoT().TempDir(), settings...)
}

// tenantIn is tenantOf, with the files of the registry in a folder.
func tenantIn(ctx context.Context, dir string, settings ...realparts.Setting) *scenario.World {
	GinkgoHelper()
	startOnce(ctx)
	w := tenantAt(ctx, own(realparts.StartDistribution(ctx, dir, shared.world.Group, settings...)))
	DeferCleanup(report, w)
	return w
}

// publisher lets helm and cosign log in.
func publisher(w *scenario.World, login realparts.Login) {
	w.Helm, w.Cosign = w.Helm.As(login), w.Cosign.As(login)
}

// member is the login with the password.
var member = realparts.Login{Username: realparts.Username, Password: realparts.Password}

// authority is a private certificate authority, with files for helm and cosign.
type authority struct {
	*pki.Authority
	dir string
}

func newAuthority() authority {
	GinkgoHelper()
	ca, err := pki.New("private CA")
	Expect(err).NotTo(HaveOccurred())
	return authority{ca, GinkgoT().TempDir()}
}

func (a authority) file(name string, content []byte) string {
	GinkgoHelper()
	path := filepath.Join(a.dir, name)
	Expect(os.WriteFile(path, content, 0o600)).To(Succeed())
	return path
}

// setSecret makes the entries the content of a Secret.
func setSecret(ctx context.Context, w *scenario.World, name string, content entries) {
	GinkgoHelper()
	Expect(w.Kubectl.Apply(ctx, w.Secret(name, content))).To(Succeed())
}

// expectUntold expects that no condition, event or line of the controller's log holds a secret.
func expectUntold(ctx context.Context, w *scenario.World, name string, secrets ...string) {
	GinkgoHelper()
	var said []string
	for _, c := range get(ctx, w, name).Status.Conditions {
		said = append(said, c.Message)
	}
	var events corev1.EventList
	Expect(w.Client.List(ctx, &events, client.InNamespace(w.Namespace))).To(Succeed())
	Expect(events.Items).NotTo(BeEmpty())
	for _, event := range events.Items {
		said = append(said, event.Message)
	}
	log, err := os.ReadFile(w.Controller.Log())
	Expect(err).NotTo(HaveOccurred())
	Expect(string(log)).To(ContainSubstring(w.Namespace))
	for _, secret := range secrets {
		Expect(append(said, string(log))).NotTo(ContainElement(ContainSubstring(secret)))
	}
}

// Registries that not everybody may read.
var _ = Describe("access", Label("registry", "network"), func() {
	// A guarded registry has what its readers need in the Secrets login and certificates.
	type guarded struct {
		open func(context.Context) *scenario.World
		// secret is the name of a Secret, and wrong makes entries, with which the chart cannot be read, of the right ones.
		secret string
		wrong  func(right entries) entries
		reason string
	}
	wrongLogin := func(entries) entries { return loginEntries(wrongPassword) }
	otherCA := func(entries) entries { return entries{"ca.crt": newAuthority().PEM()} }
	onlyCA := func(right entries) entries { return entries{"ca.crt": right["ca.crt"]} }

	password := guarded{func(ctx context.Context) *scenario.World {
		w := tenantOf(ctx, realparts.Htpasswd)
		publisher(w, member)
		w.Access = append(w.Access, "secretRef: {name: login}")
		setSecret(ctx, w, "login", loginEntries(realparts.Password))
		return w
	}, "login", wrongLogin, v1alpha1.AuthenticationFailedReason}

	privateCA := func(ctx context.Context) *scenario.World {
		ca := newAuthority()
		w := tenantOf(ctx, realparts.Htpasswd, realparts.TLS(ca.Authority))
		login := member
		login.CA = ca.file("ca.crt", ca.PEM())
		publisher(w, login)
		w.Access = []string{"secretRef: {name: login}", "certSecretRef: {name: certificates}"}
		setSecret(ctx, w, "login", loginEntries(realparts.Password))
		setSecret(ctx, w, "certificates", entries{"ca.crt": ca.PEM()})
		return w
	}

	clientCertificate := func(ctx context.Context) *scenario.World {
		ca := newAuthority()
		w := tenantOf(ctx, realparts.MutualTLS(ca.Authority))
		pair, err := ca.Client("reader")
		Expect(err).NotTo(HaveOccurred())
		publisher(w, realparts.Login{
			CA: ca.file("ca.crt", ca.PEM()), Certificate: ca.file("tls.crt", pair.Certificate), Key: ca.file("tls.key", pair.Key),
		})
		w.Access = []string{"certSecretRef: {name: certificates}"}
		setSecret(ctx, w, "certificates", entries{"ca.crt": ca.PEM(), "tls.crt": pair.Certificate, "tls.key": pair.Key})
		return w
	}

	tokens := func(ctx context.Context) *scenario.World {
		service, err := realparts.StartTokenService()
		w := tenantOf(ctx, realparts.TokensFrom(own(service, err)))
		publisher(w, member)
		w.Access = append(w.Access, "secretRef: {name: login}")
		setSecret(ctx, w, "login", loginEntries(realparts.Password))
		return w
	}

	debian := func(ctx context.Context) *scenario.World {
		skipWithout(parts.DockerRegistry)
		w := tenantOf(ctx, realparts.ByDebian, realparts.Htpasswd)
		publisher(w, member)
		w.Access = append(w.Access, "secretRef: {name: login}")
		setSecret(ctx, w, "login", loginEntries(realparts.Password))
		return w
	}

	DescribeTable("a chart is published by, and only by, the content of the Secrets if the registry", func(ctx SpecContext, r guarded) {
		w := r.open(ctx)
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			var right corev1.Secret
			Expect(w.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: r.secret}, &right)).To(Succeed())
			setSecret(ctx, w, r.secret, r.wrong(right.Data))
			chart := pushSigned(ctx, w, "signed", scenario.Version)
			Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
			Expect(w.Until(ctx, "signed", lacks(r.reason))).To(Succeed())
			Expect(w.NotServed(ctx, chart)).To(Succeed())

			setSecret(ctx, w, r.secret, right.Data)
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			expectUntold(ctx, w, "signed", wrongPassword, realparts.Password, "PRIVATE KEY")
		})
	},
		Entry("asks for a password", password),
		Entry("asks for a password and has a certificate of a private CA, and the password is wrong", guarded{privateCA, "login", wrongLogin, v1alpha1.AuthenticationFailedReason}),
		Entry("asks for a password and has a certificate of a private CA, and the CA is that of a stranger", guarded{privateCA, "certificates", otherCA, v1alpha1.OCIPullFailedReason}),
		Entry("asks for a client certificate, and only the CA is there", guarded{clientCertificate, "certificates", onlyCA, v1alpha1.OCIPullFailedReason}),
		Entry("asks for a token of a service on another host", guarded{tokens, "login", wrongLogin, v1alpha1.AuthenticationFailedReason}),
		Entry("is docker-registry 2.8 and asks for a password", guarded{debian, "login", wrongLogin, v1alpha1.AuthenticationFailedReason}),
	)
})

// skipWithout skips the spec if a program of Debian's packages is missing.
func skipWithout(part string) {
	GinkgoHelper()
	if err := parts.Missing(part); err != nil {
		Skip("apt-get has no package of the pinned version with " + part)
	}
}
