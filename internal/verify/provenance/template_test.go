// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

var _ = DescribeTable("A template is filled in", Label("provenance"),
	func(template provenance.Template, tag, url string) {
		Expect(template.Tag("app", "1.0.0+b1")).To(Equal(tag))
		Expect(template.URL("app", "1.0.0+b1")).To(Equal(url))
	},
	Entry("with both", provenance.Template("{{name}}-{{version}}.prov"), "app-1.0.0_b1.prov", "app-1.0.0%2Bb1.prov"),
	Entry("with both, twice", provenance.Template("{{name}}{{name}}/{{version}}?v={{version}}"), "appapp/1.0.0_b1?v=1.0.0_b1", "appapp/1.0.0%2Bb1?v=1.0.0%2Bb1"),
	Entry("with nothing", provenance.Template("latest.prov"), "latest.prov", "latest.prov"),
	Entry("with only the known names", provenance.Template("{{digest}}{name}"), "{{digest}}{name}", "{{digest}}{name}"),
)
