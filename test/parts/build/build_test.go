// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

func TestBuild(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Building the parts")
}

// tiny is a repository with one part: a program without a requirement.
func tiny() (*builder, part) {
	GinkgoHelper()
	root, out := GinkgoT().TempDir(), GinkgoT().TempDir()
	write := func(name, content string) {
		path := filepath.Join(root, "test", "parts", "tiny", name)
		Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		Expect(os.WriteFile(path, []byte(content), 0o644)).To(Succeed())
	}
	// The version of a part is that of a module it requires; nothing is fetched for one that is not imported.
	write("go.mod", "module example.com/tiny\n\ngo 1.26\n\nrequire example.com/wanted v1.2.3\n\nreplace example.com/wanted => ./wanted\n")
	write("go.sum", "")
	write("wanted/go.mod", "module example.com/wanted\n")
	write("main.go", "package main\n\nvar version string\n\nfunc main() { println(version) }\n")
	b, err := newBuilder(context.Background(), root, out)
	Expect(err).NotTo(HaveOccurred())
	return b, part{name: "tiny", dir: "tiny", module: "example.com/wanted", pkg: ".", versionVars: []string{"main.version"}}
}

func modified(path string) int64 {
	GinkgoHelper()
	info, err := os.Stat(path)
	Expect(err).NotTo(HaveOccurred())
	return info.ModTime().UnixNano()
}

var _ = Describe("a part", func() {
	It("is built once, and again if its inputs change or it is missing", func(ctx SpecContext) {
		b, p := tiny()
		built := filepath.Join(b.out, p.name)
		Expect(b.buildAll(ctx, []part{p}, 1)).To(Succeed())
		first := modified(built)
		Expect(b.buildAll(ctx, []part{p}, 1)).To(Succeed())
		Expect(modified(built)).To(Equal(first), "cached")

		sum := filepath.Join(b.modules, "tiny", "go.sum")
		Expect(os.WriteFile(sum, []byte("\n"), 0o644)).To(Succeed())
		Expect(b.buildAll(ctx, []part{p}, 1)).To(Succeed())
		second := modified(built)
		Expect(second).NotTo(Equal(first), "go.sum changed")

		program := filepath.Join(b.modules, "tiny", "main.go")
		Expect(os.WriteFile(program, []byte("package main\n\nfunc main() {}\n"), 0o644)).To(Succeed())
		Expect(b.buildAll(ctx, []part{p}, 1)).To(Succeed())
		Expect(modified(built)).NotTo(Equal(second), "the program changed")

		Expect(os.Remove(built)).To(Succeed())
		Expect(b.buildAll(ctx, []part{p}, 1)).To(Succeed())
		Expect(built).To(BeAnExistingFile())
	})

	It("that cannot be built is an error, and leaves no file, not even a partial one", func(ctx SpecContext) {
		b, p := tiny()
		Expect(os.WriteFile(filepath.Join(b.modules, "tiny", "main.go"), []byte("package main\n\nfunc main() { nonsense }\n"), 0o644)).To(Succeed())
		Expect(b.buildAll(ctx, []part{p}, 1)).To(MatchError(ContainSubstring("nonsense")))
		Expect(filepath.Join(b.out, p.name)).NotTo(BeAnExistingFile())
		left, err := os.ReadDir(b.out)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(HaveLen(1), "the folder of stamps")
	})

	It("that failed stops the later builds", func(ctx SpecContext) {
		b, p := tiny()
		bad := p
		bad.name, bad.pkg = "bad", "./absent"
		Expect(b.buildAll(ctx, []part{bad, p}, 1)).NotTo(Succeed())
		Expect(filepath.Join(b.out, p.name)).NotTo(BeAnExistingFile())
	})

	It("is not built if KUBEBUILDER_ASSETS provides it", func() {
		b, _ := tiny()
		left := b.useAssets(all(), "/assets")
		Expect(names(left)).To(Equal("docker-registry, tinyproxy, microsocks, crds, ociserver, gofakes3, toxiproxy, registry, helm, oras, cloud-proxy, kube-controller-manager, cosign, cosign3, fulcio, rekor-server, timestamp-server, helm-controller"))
	})

	It("of a package that apt-get does not have is left out", func(ctx SpecContext) {
		b, _ := tiny()
		absent := part{name: "absent", deb: &deb{"verifiedchart-absent", "1.0", "00"}}
		Expect(b.buildAll(ctx, []part{absent}, 1)).To(Succeed())
		Expect(filepath.Join(b.out, "absent")).NotTo(BeAnExistingFile())
	})

	It("of a package with other bytes than the pinned ones is an error", func() {
		pinned := deb{"tiny", "1.0", "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0"}
		file := filepath.Join(GinkgoT().TempDir(), "tiny.deb")
		Expect(os.WriteFile(file, []byte("aaa"), 0o600)).To(Succeed())
		Expect(pinned.check(file)).To(Succeed())
		Expect(os.WriteFile(file, []byte("bbb"), 0o600)).To(Succeed())
		Expect(pinned.check(file)).NotTo(Succeed())
	})

	It("has a version in the module that pins it", func() {
		root, err := parts.Root()
		Expect(err).NotTo(HaveOccurred())
		b, err := newBuilder(context.Background(), root, GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		for _, p := range all() {
			version, stamp, err := b.stampOf(p)
			Expect(err).NotTo(HaveOccurred(), p.name)
			Expect(version).To(MatchRegexp(`^v?\d`), p.name)
			Expect(stamp).NotTo(BeEmpty(), p.name)
		}
	})
})

var _ = DescribeTable("the parts to build are", func(only, expected string, ok bool) {
	chosen, err := choose(all(), only)
	Expect(err == nil).To(Equal(ok))
	Expect(names(chosen)).To(Equal(expected))
},
	Entry("all by default", "", "docker-registry, tinyproxy, microsocks, crds, ociserver, gofakes3, toxiproxy, registry, helm, oras, cloud-proxy, etcd, kube-apiserver, kube-controller-manager, kubectl, cosign, cosign3, fulcio, rekor-server, timestamp-server, helm-controller", true),
	Entry("those that are named, in that order", "helm, etcd", "helm, etcd", true),
	Entry("none if one is unknown", "helm,nonsense", "", false),
)
