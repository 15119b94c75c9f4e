// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/material"
)

var _ = Describe("The names that a policy refers to", Label("policy"), func() {
	It("are the names of Secrets and ConfigMaps, each once", func() {
		web := provenanced("web", "keyring")
		web.Provenance = &v1alpha1.Provenance{Source: "URL", URL: "https://host/x", SecretRef: ref("login"), CertSecretRef: ref("ca")}
		v := verification(
			keyed("a", "keys"), keyed("b", "keys"), rooted("c", "root"), keyless("d"), web,
			fromObject("e", "Secret", "prov-secret"), fromObject("f", "ConfigMap", "prov-config"), fromObject("g", "ConfigMap", "prov-config"),
		)
		Expect(material.SecretNames(v)).To(Equal([]string{"ca", "keyring", "keys", "login", "prov-secret", "root"}))
		Expect(material.ConfigMapNames(v)).To(Equal([]string{"prov-config"}))
	})

	It("are all that a load reads", func(ctx SpecContext) {
		o := newObjects()
		v := verification(keyed("a", "keys"), rooted("b", "root"), fromObject("c", "Secret", "s"), fromObject("d", "ConfigMap", "c"), fromObject("e", "Auto", "x"))
		o.putSecret("keyring", nil)
		material.NewLoader(material.Options{Source: o}).Load(ctx, "team", v)
		var named []string
		for _, name := range material.SecretNames(v) {
			named = append(named, "secrets "+name)
		}
		for _, name := range material.ConfigMapNames(v) {
			named = append(named, "configmaps "+name)
		}
		Expect(named).To(ContainElements(o.reads))
	})

	It("are empty for a policy that refers to nothing", func() {
		Expect(material.SecretNames(verification(keyless("a")))).To(BeEmpty())
		Expect(material.ConfigMapNames(verification(keyless("a")))).To(BeEmpty())
	})
})
