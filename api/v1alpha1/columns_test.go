// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// table asks for a VerifiedChart as kubectl does.
func table(name string) metav1.Table {
	GinkgoHelper()
	c, err := rest.HTTPClientFor(config)
	Expect(err).NotTo(HaveOccurred())
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/apis/%s/namespaces/default/verifiedcharts/%s", strings.TrimSuffix(config.Host, "/"), v1alpha1.GroupVersion, name), nil)
	Expect(err).NotTo(HaveOccurred())
	req.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	resp, err := c.Do(req)
	Expect(err).NotTo(HaveOccurred())
	defer resp.Body.Close()
	var t metav1.Table
	Expect(json.NewDecoder(resp.Body).Decode(&t)).To(Succeed())
	Expect(t.Rows).To(HaveLen(1))
	return t
}

var _ = Describe("kubectl get verifiedcharts", Label("status"), func() {
	It("shows the version and the readiness, and with -o wide also the signers", func() {
		created, err := create()
		Expect(err).NotTo(HaveOccurred())
		var obj v1alpha1.VerifiedChart
		Expect(k8s.Get(GinkgoT().Context(), client.ObjectKeyFromObject(created), &obj)).To(Succeed())
		obj.Status.Artifact = &meta.Artifact{
			Path: "p", URL: "http://artifacts.example/p", Revision: "1.0.0@sha256:aa", Digest: "sha256:bb", LastUpdateTime: metav1.Now(),
			Metadata: map[string]string{"org.opencontainers.image.version": "1.0.0"},
		}
		obj.Status.Verification = &v1alpha1.VerificationStatus{Digest: "sha256:aa", VerifiedAt: metav1.Now(), Signers: "SHA256:first,SHA256:second"}
		for _, t := range []string{meta.ReadyCondition, v1alpha1.SourceVerifiedCondition} {
			obj.Status.Conditions = append(obj.Status.Conditions, metav1.Condition{
				Type: t, Status: metav1.ConditionTrue, Reason: "Succeeded", Message: "published", LastTransitionTime: metav1.Now(),
			})
		}
		Expect(k8s.Status().Update(GinkgoT().Context(), &obj)).To(Succeed())

		t := table(obj.Name)
		cells := map[string]any{}
		var always, wide []string
		for i, c := range t.ColumnDefinitions {
			cells[c.Name] = t.Rows[0].Cells[i]
			if c.Priority == 0 {
				always = append(always, c.Name)
			} else {
				wide = append(wide, c.Name)
			}
		}
		Expect(always).To(Equal([]string{"Name", "Version", "Ready", "Status", "Age"}))
		Expect(wide).To(Equal([]string{"Verified", "Signer", "Proven", "Suspended", "URL"}))
		Expect(cells).To(HaveKeyWithValue("Version", "1.0.0"))
		Expect(cells).To(HaveKeyWithValue("Verified", "True"))
		Expect(cells).To(HaveKeyWithValue("Ready", "True"))
		Expect(cells).To(HaveKeyWithValue("Status", "published"))
		Expect(cells).To(HaveKeyWithValue("Signer", "SHA256:first,SHA256:second"))
		Expect(cells).To(HaveKeyWithValue("Proven", MatchRegexp(`^[0-9]+s$`)))
		Expect(cells).To(HaveKeyWithValue("Suspended", BeNil()))
		Expect(cells).To(HaveKeyWithValue("URL", "oci://registry.example/charts/app"))
	})
})
