// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
)

var _ = Describe("The provenance of a chart with an empty configuration", Label("provenance"), func() {
	check := func(config, name, version string) error {
		w := newWorld()
		w.config = w.repo.PushBlob("application/vnd.cncf.helm.config.v1+json", []byte(config))
		s := w.subject(w.prov(w.ours))
		s.Chart.Name, s.Chart.Version = name, version
		_, err := w.check(w.trusting(), s)
		return err
	}

	DescribeTable("is accepted for the requested version",
		func(config, version string) { Expect(check(config, "app", version)).To(Succeed()) },
		Entry("K8: {}", "{}", "1.0.0"),
		Entry("K8: blanks around {}", " { }\n", "1.0.0"),
		Entry("K8: neither name nor version", `{"apiVersion":"v2","name":""}`, "1.0.0"),
		Entry("K8: a tag with a v", "{}", "v1.0.0"),
	)

	DescribeTable("is rejected",
		func(config, name, version string) {
			Expect(check(config, name, version)).To(MatchError(verify.ErrRejected))
		},
		Entry("K8: for a newer version", "{}", "app", "1.0.1"),
		Entry("K8: for another chart", "{}", "other", "1.0.0"),
		Entry("K8: for a digest, which names no version", "{}", "app", ""),
		Entry("K8: if the configuration names the chart alone", `{"name":"app"}`, "app", "1.0.0"),
		Entry("K8: if the configuration is a list", "[]", "app", "1.0.0"),
	)
})
