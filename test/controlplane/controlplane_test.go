// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"context"
	"os"
	"os/exec"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/controlplane"
	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

var _ = Describe("a control plane", Label("install"), Ordered, func() {
	var group process.Group
	var plane *controlplane.ControlPlane
	var kubectl *controlplane.Kubectl

	BeforeAll(func(ctx SpecContext) {
		var err error
		plane, err = controlplane.Start(ctx, controlplane.Options{Dir: GinkgoT().TempDir()}, &group)
		DeferCleanup(group.Stop)
		Expect(err).NotTo(HaveOccurred())
		kubectl, err = plane.Kubectl()
		Expect(err).NotTo(HaveOccurred())
	})

	It("serves the custom resources that helm-controller needs", func(ctx SpecContext) {
		crds, err := parts.Path(parts.CRDs)
		Expect(err).NotTo(HaveOccurred())
		Expect(kubectl.Define(ctx, crds)).To(Succeed())
		Expect(kubectl.Run(ctx, "get", "helmreleases,externalartifacts", "-A")).To(BeEmpty())
	})

	It("gives a service account exactly the rights of RBAC", func(ctx SpecContext) {
		Expect(kubectl.Apply(ctx, `
apiVersion: v1
kind: Namespace
metadata: {name: apps}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: apps}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: apps}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: apps}]
`)).To(Succeed())
		kubeconfig, err := plane.ServiceAccount("apps", "reader")
		Expect(err).NotTo(HaveOccurred())
		as := func(args ...string) *exec.Cmd {
			path, err := parts.Path(parts.Kubectl)
			Expect(err).NotTo(HaveOccurred())
			cmd := exec.CommandContext(ctx, path, args...)
			cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
			return cmd
		}
		Expect(as("get", "configmaps", "-n", "apps").Run()).To(Succeed())
		Expect(as("get", "secrets", "-n", "apps").Run()).NotTo(Succeed())
		Expect(as("create", "configmap", "x", "-n", "apps").Run()).NotTo(Succeed())
	})

	It("refuses unknown users", func(ctx SpecContext) {
		config, err := plane.Config()
		Expect(err).NotTo(HaveOccurred())
		path, err := parts.Path(parts.Kubectl)
		Expect(err).NotTo(HaveOccurred())
		cmd := exec.CommandContext(ctx, path, "--server="+config.Host, "--insecure-skip-tls-verify", "--token=stranger", "get", "namespaces")
		cmd.Env = []string{"HOME=" + GinkgoT().TempDir()}
		Expect(cmd.Run()).NotTo(Succeed())
	})
})

var _ = Describe("a control plane with a kube-controller-manager", Label("install"), Ordered, func() {
	var kubectl *controlplane.Kubectl

	BeforeAll(func(ctx SpecContext) {
		var group process.Group
		dir := GinkgoT().TempDir()
		DeferCleanup(group.Stop)
		plane, err := controlplane.Start(ctx, controlplane.Options{
			Dir: dir, Controllers: []string{"garbage-collector-controller", "namespace-controller"},
		}, &group)
		Expect(err).NotTo(HaveOccurred())
		kubectl, err = plane.Kubectl()
		Expect(err).NotTo(HaveOccurred())
	})

	// names returns the names of the objects of a kind in a namespace.
	names := func(ctx context.Context, kind, namespace string) (string, error) {
		return kubectl.Run(ctx, "get", kind, "-n", namespace, "-o", "name", "--field-selector=metadata.name!=kube-root-ca.crt")
	}

	It("deletes the objects of a deleted namespace, and then the namespace", func(ctx SpecContext) {
		Expect(kubectl.Run(ctx, "create", "namespace", "ended")).NotTo(BeEmpty())
		ended, err := kubectl.In("ended")
		Expect(err).NotTo(HaveOccurred())
		Expect(ended.Run(ctx, "create", "configmap", "inside")).NotTo(BeEmpty())
		Expect(names(ctx, "configmaps", "ended")).To(ContainSubstring("inside"))
		Expect(kubectl.Run(ctx, "delete", "namespace", "ended", "--timeout=3m")).NotTo(BeEmpty())
		Expect(names(ctx, "configmaps", "ended")).To(BeEmpty())
	})

	It("deletes the objects that a deleted object owns", func(ctx SpecContext) {
		Expect(kubectl.Run(ctx, "create", "configmap", "owner")).NotTo(BeEmpty())
		uid, err := kubectl.Run(ctx, "get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
		Expect(err).NotTo(HaveOccurred())
		Expect(kubectl.Apply(ctx, `
apiVersion: v1
kind: ConfigMap
metadata:
  name: owned
  namespace: default
  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: `+uid+`}]
`)).To(Succeed())
		Expect(kubectl.Run(ctx, "delete", "configmap", "owner")).NotTo(BeEmpty())
		Eventually(names).WithContext(ctx).WithArguments("configmaps", "default").WithTimeout(3 * time.Minute).Should(BeEmpty())
	})

	It("runs no other controller", func(ctx SpecContext) {
		Expect(kubectl.Run(ctx, "create", "deployment", "none", "--image=none")).NotTo(BeEmpty())
		Expect(kubectl.Run(ctx, "delete", "deployment", "none", "--cascade=foreground", "--timeout=3m")).NotTo(BeEmpty(), "the garbage collector has seen it")
		Expect(names(ctx, "replicasets", "default")).To(BeEmpty())
		Expect(names(ctx, "serviceaccounts", "default")).To(BeEmpty(), "they are made by another controller")
	})
})
