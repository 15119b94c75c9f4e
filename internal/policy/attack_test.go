// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
)

var _ = Describe("An attacked ClusterChartPolicy", Label("classic"), func() {
	DescribeTable("matches a chart in a classic repository, however its URL is written:",
		func(glob, repository string) {
			Expect(policy.Matches(&v1alpha1.ChartMatch{URLs: []string{glob}}, repository, "apps")).To(BeTrue())
		},
		Entry("a port that is the default", "https://charts.example.com/stable/**", "https://charts.example.com:443/stable/app"),
		Entry("the port of plain HTTP", "https://charts.example.com/stable/**", "https://charts.example.com:80/stable/app"),
		Entry("plain HTTP at the port of HTTPS", "https://charts.example.com/stable/**", "http://charts.example.com:443/stable/app"),
		Entry("upper case in the host", "https://charts.example.com/stable/**", "https://Charts.Example.com/stable/app"),
		Entry("upper case in the glob", "https://Charts.Example.com/stable/**", "https://charts.example.com/stable/app"),
		Entry("a glob for plain HTTP", "http://charts.example.com/stable/*", "https://charts.example.com/stable/app"),
		Entry("a glob with a default port", "https://charts.example.com:443/stable/*", "http://charts.example.com/stable/app"),
		Entry("a glob with a slash at its end", "https://charts.example.com/stable/app/", "https://charts.example.com/stable/app"),
		Entry("a host of Docker Hub, in upper case in the glob", "https://Index.docker.io/charts/**", "https://index.docker.io/charts/app"),
		Entry("a host of Docker Hub with a default port in the glob", "https://registry.hub.docker.com:443/charts/**", "http://registry.hub.docker.com/charts/app"),
		Entry("a glob for any scheme", "**charts.example.com/**", "https://charts.example.com/stable/app"),
		Entry("a glob for any scheme, in upper case", "**Charts.example.com/**", "https://charts.example.com/stable/app"),
		Entry("a glob for any scheme, with a default port", "**charts.example.com:443/**", "https://charts.example.com/stable/app"),
		Entry("a glob for any host and path", "**/app", "https://charts.example.com/stable/app"),
	)
})
