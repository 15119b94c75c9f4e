// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// applyAll creates every object in the YAML files of a folder of config, until the test ends.
func applyAll(folder string) {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join(root, "config", folder, "*.yaml"))
	Expect(err).NotTo(HaveOccurred())
	for _, file := range files {
		raw, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		for _, document := range strings.Split(string(raw), "\n---\n") {
			obj := &unstructured.Unstructured{}
			Expect(yaml.Unmarshal([]byte(document), &obj.Object)).To(Succeed())
			if obj.GetKind() == "Kustomization" {
				continue
			}
			Expect(k8s.Create(context.Background(), obj)).To(Succeed())
			DeferCleanup(func() { Expect(k8s.Delete(context.Background(), obj)).To(Succeed()) })
		}
	}
}

// as returns a client of a user with every permission of RBAC.
func as(user string, groups ...string) client.Client {
	GinkgoHelper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "all-"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	Expect(k8s.Create(context.Background(), binding)).To(Succeed())
	DeferCleanup(func() { Expect(k8s.Delete(context.Background(), binding)).To(Succeed()) })
	config := rest.CopyConfig(restConfig)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	c, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return c
}

var _ = Describe("The admission policies", Label("admission"), Serial, func() {
	const (
		controllers = "system:serviceaccounts:verifiedchart-system"
		controller  = "system:serviceaccount:verifiedchart-system:verifiedchart-controller"
	)
	var (
		w   *world
		ctx = context.Background()
	)
	BeforeEach(func() {
		w = newWorld(ctx)
		applyAll("admission")
	})

	writeStatus := func(c client.Client) error {
		obj := w.get()
		obj.Status.URL = "http://evil.example/chart.tgz"
		return c.Status().Update(ctx, obj, client.DryRunAll)
	}
	announce := func(c client.Client) error {
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{GenerateName: "evil-", Namespace: w.namespace}}
		return c.Create(ctx, ea, client.DryRunAll)
	}

	It("keep tenants from writing the status, and allow everything else", func() {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
		tenant := as("tenant")
		for _, write := range []func(client.Client) error{writeStatus, announce} {
			Eventually(func() bool { return apierrors.IsInvalid(write(tenant)) || apierrors.IsForbidden(write(tenant)) }).WithTimeout(patience).Should(BeTrue())
		}
		obj := w.get()
		obj.Spec.Suspend = false
		Expect(tenant.Update(ctx, obj, client.DryRunAll)).To(Succeed())
	})

	It("let the controller write", func() {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
		tenant, ours := as("tenant"), as(controller, controllers)
		Eventually(func() error { return writeStatus(tenant) }).WithTimeout(patience).ShouldNot(Succeed())
		Eventually(func() error { return announce(tenant) }).WithTimeout(patience).ShouldNot(Succeed())
		Expect(writeStatus(ours)).To(Succeed())
		Expect(announce(ours)).To(Succeed())
	})
})
