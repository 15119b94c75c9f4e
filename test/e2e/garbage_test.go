// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"time"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// collectGarbage is the set of requests of Kubernetes itself to VerifiedCharts and ExternalArtifacts that the
// admission policies must allow.
func collectGarbage(c **cluster) {
	externalArtifact := func(ctx context.Context, t *scenario.World, name string) (*sourcev1.ExternalArtifact, error) {
		ea := &sourcev1.ExternalArtifact{}
		return ea, (*c).world.Client.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: name}, ea)
	}
	isGone := func(ctx context.Context, t *scenario.World, name string) error {
		ea, err := externalArtifact(ctx, t, name)
		if err == nil {
			return fmt.Errorf("ExternalArtifact %s is there, owned by %v", name, ea.OwnerReferences)
		}
		return client.IgnoreNotFound(err)
	}
	remove := func(ctx context.Context, t *scenario.World, cascade string) {
		GinkgoHelper()
		Expect(t.Kubectl.Run(ctx, "delete", "verifiedchart", "one", "--cascade="+cascade, "--wait=false")).NotTo(BeEmpty())
	}

	for _, cascade := range []string{"background", "foreground"} {
		It("the garbage collector deletes the ExternalArtifact of a VerifiedChart that is deleted in the "+cascade+" while no controller runs",
			func(ctx SpecContext) {
				(*c).install(ctx)
				t := (*c).tenant(ctx, (*c).name("collected"))
				Expect((*c).world.Controller.Stop()).To(Succeed())
				remove(ctx, t, cascade)
				Eventually(isGone).WithContext(ctx).WithArguments(t, "one").Should(Succeed())
				Eventually((*c).terminating).WithContext(ctx).Should(BeEmpty())
				Expect(isGone(ctx, t, "two")).NotTo(Succeed(), "the others stay")
			})
	}

	It("the garbage collector leaves no owner on the ExternalArtifact of a VerifiedChart that is deleted without its dependents", func(ctx SpecContext) {
		(*c).install(ctx)
		t := (*c).tenant(ctx, (*c).name("orphaned"))
		Expect((*c).world.Controller.Stop()).To(Succeed())
		remove(ctx, t, "orphan")
		Eventually((*c).terminating).WithContext(ctx).Should(BeEmpty())
		Expect(externalArtifact(ctx, t, "one")).To(HaveField("OwnerReferences", BeEmpty()))
	})

	const isAllowed, isDenied = true, false
	DescribeTable("with every right of RBAC, writing ExternalArtifacts", func(ctx SpecContext, user string, groups []string, allowed bool) {
		(*c).install(ctx)
		t := (*c).tenant(ctx, (*c).name("written"))
		Expect((*c).world.Controller.Stop()).To(Succeed())
		as := []string{"--as=" + user}
		for _, group := range groups {
			as = append(as, "--as-group="+group)
		}
		binding := (*c).name("writer")
		Expect(t.Kubectl.Run(ctx, "create", "clusterrolebinding", binding, "--clusterrole=cluster-admin", "--user="+user)).NotTo(BeEmpty())
		DeferCleanup(func(ctx SpecContext) error {
			_, err := t.Kubectl.Run(ctx, "delete", "clusterrolebinding", binding)
			return err
		})
		orphan := append([]string{"patch", "externalartifact", "one", "--type=merge", "-p", "metadata: {ownerReferences: []}"}, as...)
		_, err := t.Kubectl.Run(ctx, orphan...)
		if !allowed {
			Expect(err).To(MatchError(ContainSubstring("only controllers write ExternalArtifacts")))
			return
		}
		Expect(err).NotTo(HaveOccurred())
		for _, kind := range []string{"externalartifact", "verifiedchart"} {
			Expect(t.Kubectl.Run(ctx, append([]string{"delete", kind, "two", "--wait=false"}, as...)...)).NotTo(BeEmpty())
		}
	},
		Entry("is for the garbage collector with credentials of its own", "system:serviceaccount:kube-system:generic-garbage-collector",
			[]string{"system:serviceaccounts", "system:serviceaccounts:kube-system"}, isAllowed),
		Entry("is for the namespace controller with credentials of its own", "system:serviceaccount:kube-system:namespace-controller",
			[]string{"system:serviceaccounts", "system:serviceaccounts:kube-system"}, isAllowed),
		Entry("is for a kube-controller-manager with controllers that share its credentials", "system:kube-controller-manager", nil, isAllowed),
		Entry("is not for a tenant", "tenant", nil, isDenied),
		Entry("is not for a service account of a tenant with the name of the garbage collector",
			"system:serviceaccount:tenant:generic-garbage-collector", []string{"system:serviceaccounts", "system:serviceaccounts:tenant"}, isDenied),
		Entry("is not for a group with the name of kube-controller-manager", "tenant", []string{"system:kube-controller-manager"}, isDenied),
		Entry("is not for a user with a name that begins like that of kube-controller-manager", "system:kube-controller-manager-2", nil, isDenied),
	)
}

// awaitDefinitions starts a controller without the definition of VerifiedCharts.
func awaitDefinitions(c **cluster) {
	crd := "verifiedcharts.source.verifiedchart.dev"

	for _, rights := range []bool{true, false} {
		text := ""
		if !rights {
			text = ", nor may list anything,"
		}
		It("a controller that finds no VerifiedCharts defined"+text+" is alive, is not ready, and waits", func(ctx SpecContext) {
			if rights {
				(*c).apply(ctx)
				Expect((*c).world.Kubectl.Run(ctx, "delete", "crd", crd, "--wait=false")).NotTo(BeEmpty())
				Eventually((*c).terminating).WithContext(ctx).Should(BeEmpty())
			}
			(*c).setController()
			controller := (*c).world.Controller
			controller.Unready = true
			Expect(controller.Start(ctx, (*c).world.Group)).To(Succeed())
			// A controller with this fault would become ready a little later than alive.
			Consistently((*c).readiness).WithContext(ctx).WithTimeout(wrong).ShouldNot(Equal(200))
			Expect(controller.Died()).NotTo(BeClosed())

			(*c).apply(ctx)
			Eventually((*c).readiness).WithContext(ctx).Should(Equal(200))
			(*c).tenant(ctx, (*c).name("awaited"))
			Expect(controller.Died()).NotTo(BeClosed(), "the same process")
		})
	}

	It("a controller that runs while VerifiedCharts cease to be defined is not ready until they are again", func(ctx SpecContext) {
		(*c).install(ctx)
		t := (*c).tenant(ctx, (*c).name("ceased"))
		controller := (*c).world.Controller
		url := urlOf(ctx, t, "one")
		Expect((*c).world.Kubectl.Run(ctx, "delete", "crd", crd, "--wait=false")).NotTo(BeEmpty())
		Eventually((*c).terminating).WithContext(ctx).Should(BeEmpty())
		Eventually((*c).readiness).WithContext(ctx).ShouldNot(Equal(200))
		eventuallyNotAt(ctx, t, url)

		(*c).apply(ctx)
		Eventually((*c).readiness).WithContext(ctx).Should(Equal(200))
		(*c).declare(ctx, t)
		Expect(controller.Died()).NotTo(BeClosed(), "the same process")
	})
}

// wrong is the time for which a controller that must not become ready is watched.
const wrong = 5 * time.Second
