// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// cluster is a control plane that may be installed into and uninstalled from: with the
// garbage collector and the namespace controller of kube-controller-manager.
type cluster struct {
	world    *scenario.World
	installs int
}

// newCluster returns a cluster that ends with the container.
func newCluster(ctx context.Context) *cluster {
	GinkgoHelper()
	w, err := scenario.NewWorld()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Close)
	w.Controllers = []string{"garbage-collector-controller", "namespace-controller"}
	Expect(do(ctx, w, scenario.Bare())).To(Succeed())
	return &cluster{world: w}
}

// apply applies the manifests of `make deploy`.
func (c *cluster) apply(ctx context.Context) {
	GinkgoHelper()
	Expect(c.world.Kubectl.Run(ctx, "apply", "--server-side", "-k", c.world.Manifests())).NotTo(BeEmpty())
	Expect(c.world.Kubectl.Run(ctx, "wait", "--for=condition=Established", "--timeout="+patience.String(), "crd", "--all")).NotTo(BeEmpty())
}

// setController makes a controller with a storage of its own, and removes everything when the spec ends.
func (c *cluster) setController() {
	GinkgoHelper()
	c.installs++
	Expect(c.world.SetController()).To(Succeed())
	c.world.Controller.Dir = filepath.Join(c.world.Dir, fmt.Sprintf("controller-%d", c.installs))
	DeferCleanup(c.wipe)
}

// install applies the manifests and starts a controller.
func (c *cluster) install(ctx context.Context) {
	GinkgoHelper()
	c.apply(ctx)
	c.setController()
	Expect(c.world.Controller.Start(ctx, c.world.Group)).To(Succeed())
}

// tenant returns a new tenant with two published charts.
func (c *cluster) tenant(ctx context.Context, namespace string) *scenario.World {
	GinkgoHelper()
	t, err := c.world.Tenant(ctx, namespace, c.world.Registry)
	Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"one", "two"} {
		pushSigned(ctx, t, name, scenario.Version)
	}
	c.declare(ctx, t)
	return t
}

// declare declares the charts of a tenant, and returns when they are published.
func (c *cluster) declare(ctx context.Context, t *scenario.World) {
	GinkgoHelper()
	for name := range t.Charts {
		Expect(t.Declare(ctx, name, pinned)).To(Succeed())
	}
	for name := range t.Charts {
		Expect(t.Proven(ctx, name)).To(Succeed())
	}
}

// readiness returns the answer of the controller's readiness probe.
func (c *cluster) readiness(ctx context.Context) (int, error) {
	return statusOf(ctx, c.world, "http://"+c.world.Controller.Health+"/readyz")
}

// terminating returns the namespaces, definitions and VerifiedCharts that are deleted but still exist.
func (c *cluster) terminating(ctx context.Context) ([]string, error) {
	var stuck []string
	for _, kind := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "Namespace"},
		{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
		v1alpha1.GroupVersion.WithKind(v1alpha1.VerifiedChartKind),
	} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind)
		if err := c.world.Client.List(ctx, list); err != nil && !undefined(err) {
			return nil, err
		}
		for _, obj := range list.Items {
			if obj.DeletionTimestamp != nil {
				stuck = append(stuck, fmt.Sprintf("%s %s/%s %v", kind.Kind, obj.Namespace, obj.Name, obj.Finalizers))
			}
		}
	}
	return stuck, nil
}

// undefined reports whether an error says that the API server does not have such objects.
func undefined(err error) bool { return apierrors.IsNotFound(err) || apimeta.IsNoMatchError(err) }

// uids returns the UIDs of the VerifiedCharts in a namespace that are not being deleted, by name.
func (c *cluster) uids(ctx context.Context, namespace string) map[string]string {
	GinkgoHelper()
	var list v1alpha1.VerifiedChartList
	Expect(c.world.Client.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
	found := map[string]string{}
	for _, vc := range list.Items {
		if vc.DeletionTimestamp == nil {
			found[vc.Name] = string(vc.UID)
		}
	}
	return found
}

// manifests returns the documents that `make deploy` applies, in the order of kustomize.
func (c *cluster) manifests(ctx context.Context) []string {
	GinkgoHelper()
	said, err := c.world.Kubectl.Run(ctx, "kustomize", c.world.Manifests())
	Expect(err).NotTo(HaveOccurred())
	return strings.Split(said, "\n---\n")
}

// remove deletes objects one after the other, without waiting until they are gone.
func (c *cluster) remove(ctx context.Context, documents []string) {
	GinkgoHelper()
	_, err := c.world.Kubectl.RunWith(ctx, strings.Join(documents, "\n---\n"), "delete", "--ignore-not-found", "--wait=false", "-f", "-")
	Expect(err).NotTo(HaveOccurred())
}

// wipe removes everything by force, so that no spec affects another.
func (c *cluster) wipe(ctx context.Context) {
	GinkgoHelper()
	if c.world.Controller.Process != nil {
		c.world.Controller.Kill()
	}
	var list v1alpha1.VerifiedChartList
	if err := c.world.Client.List(ctx, &list); !undefined(err) {
		Expect(err).NotTo(HaveOccurred())
	}
	for i := range list.Items {
		bare := client.MergeFrom(list.Items[i].DeepCopy())
		list.Items[i].Finalizers = nil
		Expect(client.IgnoreNotFound(c.world.Client.Patch(ctx, &list.Items[i], bare))).To(Succeed())
	}
	c.remove(ctx, c.manifests(ctx))
	Eventually(c.terminating).WithContext(ctx).Should(BeEmpty())
}

// name returns a name that no other spec has used.
func (c *cluster) name(prefix string) string { return fmt.Sprintf("%s-%d", prefix, c.installs) }

// expectKept expects that each VerifiedChart of a tenant is published after a reconcile, and is still the same object.
func (c *cluster) expectKept(ctx context.Context, t *scenario.World, before map[string]string) {
	GinkgoHelper()
	Expect(before).To(HaveLen(len(t.Charts)))
	for name := range t.Charts {
		Expect(t.Reconcile(ctx, name, published)).To(Succeed())
		Expect(t.Proven(ctx, name)).To(Succeed())
	}
	Expect(c.uids(ctx, t.Namespace)).To(Equal(before))
}
