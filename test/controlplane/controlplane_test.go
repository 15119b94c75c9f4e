// SPDX-License-Identifier: Apache-2.0

package controlplane_test

import (
	"os"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/controlplane"
	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

var _ = Describe("a control plane", Ordered, func() {
	var group process.Group
	var plane *controlplane.ControlPlane
	var kubectl *controlplane.Kubectl

	BeforeAll(func(ctx SpecContext) {
		var err error
		plane, err = controlplane.Start(ctx, GinkgoT().TempDir(), &group)
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

	It("lets a service account do what RBAC lets it, and no more", func(ctx SpecContext) {
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

	It("refuses who is not known to it", func(ctx SpecContext) {
		config, err := plane.Config()
		Expect(err).NotTo(HaveOccurred())
		path, err := parts.Path(parts.Kubectl)
		Expect(err).NotTo(HaveOccurred())
		cmd := exec.CommandContext(ctx, path, "--server="+config.Host, "--insecure-skip-tls-verify", "--token=stranger", "get", "namespaces")
		cmd.Env = []string{"HOME=" + GinkgoT().TempDir()}
		Expect(cmd.Run()).NotTo(Succeed())
	})
})
