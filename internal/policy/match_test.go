// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
)

var _ = DescribeTable("J1: a policy applies to every spelling of a repository,", Label("policy"),
	func(glob string, repositories ...string) {
		m := &v1alpha1.ChartMatch{URLs: []string{"oci://nowhere.example/**", glob}}
		for _, r := range repositories {
			Expect(policy.Matches(m, r, "apps")).To(BeTrue(), r)
			Expect(policy.Matches(m, strings.TrimPrefix(r, "oci://"), "apps")).To(BeTrue(), "%s without scheme", r)
		}
	},
	Entry("for the usual glob", "oci://ghcr.io/org/**", "oci://ghcr.io/org/app", "oci://GHCR.io/org/app", "oci://ghcr.io:443/org/app", "oci://ghcr.io:0443/org/app",
		"oci://ghcr.io:80/org/app", "oci://ghcr.io./org/app", "oci://Ghcr.IO.:00443/org/app/"),
	Entry("for one chart", "oci://localhost:5000/app", "oci://LOCALHOST:5000/app", "oci://localhost:05000/app/"),
	Entry("for Docker Hub", "oci://docker.io/org/*", "oci://index.docker.io/org/app", "oci://registry-1.docker.io/org/app", "oci://INDEX.docker.io:443/org/app"),
	Entry("for Docker Hub by another of its names", "oci://index.docker.io/org/*", "oci://docker.io/org/app", "oci://registry-1.docker.io/org/app"),
	Entry("for official charts", "oci://docker.io/library/*", "oci://docker.io/app", "oci://index.docker.io/app", "oci://docker.io/library/app"),
	Entry("for official charts by their short names", "oci://docker.io/*", "oci://docker.io/library/app", "oci://registry-1.docker.io/library/app", "oci://docker.io/app"),
	Entry("for all of Docker Hub in upper case", "oci://DOCKER.io:443/**", "oci://docker.io/app", "oci://docker.io/org/app", "oci://index.docker.io/org/app"),
	Entry("for a glob in upper case, with a default port", "oci://GHCR.io:443/org/**", "oci://ghcr.io/org/app", "oci://ghcr.io:443/org/app"),
	Entry("for a glob with zeros and a dot", "oci://ghcr.io.:0443/org/**", "oci://ghcr.io/org/app"),
	Entry("for a glob with a slash at its end", "oci://ghcr.io/org/app/", "oci://ghcr.io/org/app", "oci://ghcr.io/org/app/"),
	Entry("for a glob of hosts", "oci://*.IO/org/**", "oci://ghcr.io/org/app", "oci://ghcr.io:443/org/app"),
	Entry("for a glob of hosts that writes the port", "oci://*:443/org/**", "oci://ghcr.io/org/app", "oci://ghcr.io:0443/org/app"),
	Entry("for a glob of ports", "oci://ghcr.io:*/org/**", "oci://ghcr.io/org/app", "oci://ghcr.io:8443/org/app"),
	Entry("for a classic repository", "https://charts.example/stable/**", "https://charts.example/stable/app", "https://Charts.Example:443/stable/app", "http://charts.example/stable/app", "http://charts.example:80/stable/app"),
	Entry("for a classic repository over plain HTTP", "http://charts.example/stable/*", "https://charts.example/stable/app", "http://charts.example/stable/app"),
	Entry("for one chart of a classic repository, whose case matters", "https://CHARTS.example:0443/Stable/App/", "https://charts.example/Stable/App"),
	Entry("for every classic repository", "https://**", "https://charts.example/stable/app", "http://10.0.0.1:8080/app"),
	Entry("for a host of both kinds", "**charts.example/**", "https://charts.example/stable/app", "oci://charts.example/stable/app"),
	Entry("for everything, in registries and classic repositories", "**", "https://charts.example/stable/app", "oci://ghcr.io/org/app"),
	Entry("for everything", "**", "oci://ghcr.io/org/app", "oci://localhost:5000/app"),
	Entry("for an IPv6 address", "oci://[2001:db8::1]:443/**", "oci://[2001:DB8:0::1]/org/app", "oci://[2001:0db8::1]:0443/org/app"),
	Entry("for an IPv6 address in a classic repository", "https://[2001:DB8::1]/**", "https://[2001:db8:0:0::1]:443/stable/app", "http://[2001:db8::1]/stable/app"),
	Entry("for a name anywhere", "**/app", "oci://ghcr.io/org/app", "oci://docker.io/app"),
	Entry("for a stored glob without a scheme, which admission now rejects", "ghcr.io/org/*", "oci://ghcr.io/org/app"),
)

var _ = DescribeTable("A policy does not apply", Label("policy"),
	func(repository, namespace string, m v1alpha1.ChartMatch) {
		Expect(policy.Matches(&m, repository, namespace)).To(BeFalse())
	},
	Entry("to another host", "oci://ghcr.io/org/app", "apps", v1alpha1.ChartMatch{URLs: []string{"oci://quay.io/**"}}),
	Entry("to another port", "oci://ghcr.io:8443/org/app", "apps", v1alpha1.ChartMatch{URLs: []string{"oci://ghcr.io/**"}}),
	Entry("to another path", "oci://ghcr.io/org/app", "apps", v1alpha1.ChartMatch{URLs: []string{"oci://ghcr.io/*"}}),
	Entry("to a classic repository, if it is for registries", "https://charts.example/stable/app", "apps", v1alpha1.ChartMatch{URLs: []string{"oci://**"}}),
	Entry("to a registry, if it is for classic repositories", "oci://charts.example/stable/app", "apps", v1alpha1.ChartMatch{URLs: []string{"https://**"}}),
	Entry("to another chart of a classic repository", "https://charts.example/stable/app", "apps", v1alpha1.ChartMatch{URLs: []string{"https://charts.example/stable/App"}}),
	Entry("to a path in another case", "oci://ghcr.io/org/app", "apps", v1alpha1.ChartMatch{URLs: []string{"oci://ghcr.io/Org/*"}}),
	Entry("to an official chart of another registry", "oci://ghcr.io/app", "apps", v1alpha1.ChartMatch{URLs: []string{"oci://ghcr.io/library/*"}}),
	Entry("in another namespace", "oci://ghcr.io/org/app", "apps", v1alpha1.ChartMatch{Namespaces: []string{"team-*", "app"}}),
	Entry("in another namespace, even if the URL matches", "oci://ghcr.io/org/app", "apps", v1alpha1.ChartMatch{URLs: []string{"**"}, Namespaces: []string{"app"}}),
	Entry("to another URL, even if the namespace matches", "oci://ghcr.io/org/app", "apps", v1alpha1.ChartMatch{URLs: []string{"oci://quay.io/**"}, Namespaces: []string{"*"}}),
)

var _ = DescribeTable("A policy applies to everything", Label("policy"),
	func(m *v1alpha1.ChartMatch) { Expect(policy.Matches(m, "oci://ghcr.io/org/app", "apps")).To(BeTrue()) },
	Entry("without match", nil),
	Entry("with an empty match", &v1alpha1.ChartMatch{}),
	Entry("with empty lists", &v1alpha1.ChartMatch{URLs: []string{}, Namespaces: []string{}}),
)
