// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// defines reports whether a manifest is that of a custom resource definition.
func defines(document string) bool {
	return strings.Contains(document, "\nkind: CustomResourceDefinition\n")
}

// natural is how `kubectl delete -k config/default` deletes.
func natural(ctx context.Context, c *cluster) {
	_, err := c.world.Kubectl.Run(ctx, "delete", "--ignore-not-found", "--wait=false", "-k", c.world.Manifests())
	Expect(err).NotTo(HaveOccurred())
}

// reverse deletes in reverse order of creation.
func reverse(ctx context.Context, c *cluster) {
	documents := c.manifests(ctx)
	slices.Reverse(documents)
	c.remove(ctx, documents)
}

// definitionsFirst is `make uninstall`, and then `make undeploy`.
func definitionsFirst(ctx context.Context, c *cluster) {
	documents := c.manifests(ctx)
	c.remove(ctx, slices.DeleteFunc(slices.Clone(documents), func(d string) bool { return !defines(d) }))
	c.remove(ctx, slices.DeleteFunc(documents, defines))
}

// definitionsLast deletes the rights and the controller's namespace first.
func definitionsLast(ctx context.Context, c *cluster) {
	documents := c.manifests(ctx)
	c.remove(ctx, slices.DeleteFunc(slices.Clone(documents), defines))
	c.remove(ctx, slices.DeleteFunc(documents, func(d string) bool { return !defines(d) }))
}

var _ = Describe("J23: in a cluster that collects garbage", Label("install"), Ordered, ContinueOnFailure, func() {
	var c *cluster

	BeforeAll(func(ctx SpecContext) { c = newCluster(ctx) })
	AfterEach(func(ctx SpecContext) { report(ctx, c.world) })

	for _, order := range []struct {
		text   string
		remove func(context.Context, *cluster)
	}{
		{"in the order of kubectl delete -k", natural},
		{"in reverse order", reverse},
		{"with the definitions first", definitionsFirst},
		{"with the definitions last", definitionsLast},
	} {
		for _, running := range []bool{true, false} {
			text := "while the controller runs"
			if !running {
				text = "while no controller runs"
			}
			It("uninstalling "+order.text+", "+text+", leaves nothing in Terminating, and can be undone", func(ctx SpecContext) {
				c.install(ctx)
				leaving, staying := c.tenant(ctx, c.name("leaving")), c.tenant(ctx, c.name("staying"))
				if !running {
					Expect(c.world.Controller.Stop()).To(Succeed())
				}

				order.remove(ctx, c)
				Eventually(c.terminating).WithContext(ctx).Should(BeEmpty())
				Expect(c.world.Kubectl.Run(ctx, "delete", "namespace", leaving.Namespace, "--wait=false")).NotTo(BeEmpty())
				Eventually(c.terminating).WithContext(ctx).Should(BeEmpty())

				c.apply(ctx)
				startController(ctx, c.world)
				c.declare(ctx, staying)
				c.expectKept(ctx, staying, c.uids(ctx, staying.Namespace))
			})
		}
	}

	for _, running := range []bool{true, false} {
		text := "while the controller runs"
		if !running {
			text = "while no controller runs"
		}
		It("uninstalling all but the definitions, "+text+", keeps every VerifiedChart, and so does installing again", func(ctx SpecContext) {
			c.install(ctx)
			tenant := c.tenant(ctx, c.name("kept"))
			before := c.uids(ctx, tenant.Namespace)
			Expect(before).To(HaveLen(2))
			if !running {
				Expect(c.world.Controller.Stop()).To(Succeed())
			}
			c.remove(ctx, slices.DeleteFunc(c.manifests(ctx), defines))
			Eventually(c.terminating).WithContext(ctx).Should(BeEmpty())
			Expect(c.uids(ctx, tenant.Namespace)).To(Equal(before))

			c.apply(ctx)
			startController(ctx, c.world)
			c.expectKept(ctx, tenant, before)
		})
	}

	It("a tenant's namespace can be deleted while no controller runs", func(ctx SpecContext) {
		c.install(ctx)
		tenant := c.tenant(ctx, c.name("ended"))
		Expect(c.world.Controller.Stop()).To(Succeed())
		Expect(c.world.Kubectl.Run(ctx, "delete", "namespace", tenant.Namespace, "--wait=false")).NotTo(BeEmpty())
		Eventually(c.terminating).WithContext(ctx).Should(BeEmpty())
	})

	collectGarbage(&c)
	awaitDefinitions(&c)
})
