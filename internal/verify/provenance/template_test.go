// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

// filled is a template filled in as a tag and as a URL.
type filled struct{ tag, url string }

var _ = DescribeTable("A template is filled in", Label("provenance"),
	func(template provenance.Template, as filled) {
		Expect(template.Tag("app", "1.0.0+b1")).To(Equal(as.tag))
		Expect(template.URL("app", "1.0.0+b1")).To(Equal(as.url))
	},
	Entry("with name and version", provenance.Template("{{name}}-{{version}}.prov"), filled{tag: "app-1.0.0_b1.prov", url: "app-1.0.0%2Bb1.prov"}),
	Entry("with name and version, each twice", provenance.Template("{{name}}{{name}}/{{version}}?v={{version}}"), filled{tag: "appapp/1.0.0_b1?v=1.0.0_b1", url: "appapp/1.0.0%2Bb1?v=1.0.0%2Bb1"}),
	Entry("with nothing", provenance.Template("latest.prov"), filled{tag: "latest.prov", url: "latest.prov"}),
	Entry("with only the known names", provenance.Template("{{digest}}{name}"), filled{tag: "{{digest}}{name}", url: "{{digest}}{name}"}),
)
