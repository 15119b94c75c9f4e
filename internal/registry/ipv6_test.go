// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"net"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

var _ = Describe("A registry on an IPv6 address", Label("registry", "network"), func() {
	BeforeEach(func() {
		listener, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			Skip("this machine has no IPv6: " + err.Error())
		}
		Expect(listener.Close()).To(Succeed())
	})

	It("is read, with the credentials for its address", func() {
		r := registrytest.New(registrytest.Addr("[::1]:0"))
		DeferCleanup(r.Close)
		repo := r.Repository("charts/app")
		pushed := repo.PushLayers("1.0.0", repo.PushBlob("text/plain", []byte("x")))
		name := r.Host() + "/charts/app"
		credentials := registry.BasicCredentials(name, "user", "hunter2")
		username, password := credentials.Basic(name)
		Expect([]string{username, password}).To(Equal([]string{"user", "hunter2"}))
		reader, err := registry.NewClient(registry.ClientOptions{AllowedHosts: []string{"::1/128"}}).
			Repository(registry.Target{Repository: name, PlainHTTP: true, Scope: "apps/", Credentials: credentials})
		Expect(err).NotTo(HaveOccurred())
		manifest, err := reader.Resolve(context.Background(), "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		Expect(manifest.Descriptor.Digest).To(Equal(pushed.Digest))
	})

	It("is refused on loopback unless an option lists it", func() {
		reader, err := registry.NewClient(registry.ClientOptions{}).Repository(registry.Target{Repository: "[::1]:5000/app", PlainHTTP: true, Scope: "apps/"})
		Expect(err).NotTo(HaveOccurred())
		_, err = reader.Resolve(context.Background(), "1.0.0")
		Expect(err).To(MatchError(ContainSubstring("refused to connect")))
	})
})
