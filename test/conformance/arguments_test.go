// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

// without drops a flag and its value.
func withoutFlag(flag string) func([]string) []string {
	return func(args []string) []string {
		for i, arg := range args {
			if arg == flag {
				return append(args[:i:i], args[i+2:]...)
			}
		}
		Fail("there is no " + flag)
		return nil
	}
}

func insteadOf(change func(args []string)) func([]string) []string {
	return func(args []string) []string {
		change(args)
		return args
	}
}

var _ = Describe("The command line", func() {
	run := func(args ...string) (int, string) {
		var stderr bytes.Buffer
		status := offline(&stderr).run(context.Background(), args)
		return status, stderr.String()
	}

	DescribeTable("is refused",
		func(change func([]string) []string) {
			args := keyless()().arguments(GinkgoT().TempDir(), false)
			status, said := run(args...)
			Expect(said).To(BeEmpty())
			Expect(status).To(BeZero())

			status, said = run(change(args)...)
			Expect(status).To(Equal(1))
			Expect(said).To(beOneLine())
		},
		Entry("with nothing", func([]string) []string { return nil }),
		Entry("with a command that signs", insteadOf(func(args []string) { args[0] = "sign-bundle" })),
		Entry("with an unknown command", insteadOf(func(args []string) { args[0] = "verify" })),
		Entry("without a bundle", withoutFlag("--bundle")),
		Entry("with an empty bundle", insteadOf(func(args []string) { args[2] = "" })),
		Entry("with a missing bundle", insteadOf(func(args []string) { args[2] += ".x" })),
		Entry("with a directory for a bundle", insteadOf(func(args []string) { args[2] = filepath.Dir(args[2]) })),
		Entry("without an identity", withoutFlag("--certificate-identity")),
		Entry("without an issuer", withoutFlag("--certificate-oidc-issuer")),
		Entry("with an identity and a key", func(args []string) []string { return append([]string{args[0], "--key", args[2]}, args[1:]...) }),
		Entry("with a malformed key", func(args []string) []string {
			args = withoutFlag("--certificate-identity")(withoutFlag("--certificate-oidc-issuer")(args))
			return append([]string{args[0], "--key", args[2]}, args[1:]...)
		}),
		Entry("with a missing key", func(args []string) []string {
			args = withoutFlag("--certificate-identity")(withoutFlag("--certificate-oidc-issuer")(args))
			return append([]string{args[0], "--key", args[2] + ".x"}, args[1:]...)
		}),
		Entry("with an unknown flag", func(args []string) []string { return append([]string{args[0], "--insecure"}, args[1:]...) }),
		Entry("with a call for help", func(args []string) []string { return []string{args[0], "--help"} }),
		Entry("without an artifact", func(args []string) []string { return args[:len(args)-1] }),
		Entry("with an empty artifact", insteadOf(func(args []string) { args[len(args)-1] = "" })),
		Entry("with two artifacts", func(args []string) []string { return append(args, args[len(args)-1]) }),
		Entry("with a flag after the artifact", func(args []string) []string { return append(args, "--staging") }),
		Entry("with a missing artifact", insteadOf(func(args []string) { args[len(args)-1] += ".x" })),
		Entry("with a missing root", insteadOf(func(args []string) { args[len(args)-2] += ".x" })),
		Entry("without a root, and with no network and no cache", withoutFlag("--trusted-root")),
		Entry("with a digest that is too short", insteadOf(func(args []string) { args[len(args)-1] = "sha256:00" })),
		Entry("with a digest by another algorithm", insteadOf(func(args []string) {
			args[len(args)-1] = digest.SHA512.FromString("artifact").String()
		})),
		Entry("with the digest of another artifact", insteadOf(func(args []string) { args[len(args)-1] = digest.FromString("x").String() })),
	)

	It("takes flags in any order, and values after an equals sign", func() {
		args := keyless()().arguments(GinkgoT().TempDir(), false)
		last := len(args) - 1
		reordered := []string{args[0]}
		for i := last - 2; i > 0; i -= 2 {
			reordered = append(reordered, args[i]+"="+args[i+1])
		}
		status, said := run(append(reordered, args[last])...)
		Expect(said).To(BeEmpty())
		Expect(status).To(BeZero())
	})

	It("takes a digest in capitals", func() {
		args := keyless()().arguments(GinkgoT().TempDir(), true)
		last := len(args) - 1
		args[last] = "sha256:" + strings.ToUpper(strings.TrimPrefix(args[last], "sha256:"))
		status, said := run(args...)
		Expect(said).To(BeEmpty())
		Expect(status).To(BeZero())
	})

	It("reads a file even if its name has the form of a digest", func() {
		dir := GinkgoT().TempDir()
		args := keyless()().arguments(dir, true)
		was, err := os.Getwd()
		Expect(err).NotTo(HaveOccurred())
		Expect(os.Chdir(dir)).To(Succeed())
		DeferCleanup(os.Chdir, was)

		Expect(os.WriteFile(args[len(args)-1], []byte("something else"), 0o600)).To(Succeed())
		status, said := run(args...)
		Expect(status).To(Equal(1))
		Expect(said).To(beOneLine())

		Expect(os.WriteFile(args[len(args)-1], []byte("artifact"), 0o600)).To(Succeed())
		status, said = run(args...)
		Expect(said).To(BeEmpty())
		Expect(status).To(BeZero())
	})

	It("prints the reason in one line, however long and strange the reason is", func() {
		g := keyless()()
		g.identity = strings.Repeat("\x1b[31m\n\xff", 1000)
		status, said := g.run(GinkgoT().TempDir(), true)
		Expect(status).To(Equal(1))
		Expect(said).To(beOneLine())
		Expect(said).NotTo(ContainSubstring("\x1b"))
	})
})

var _ = Describe("Without a root", func() {
	var (
		production, staging *trustroottest.Repository
		cache               string
	)

	mirror := func(raw []byte) *trustroottest.Repository {
		r := trustroottest.New()
		DeferCleanup(r.Close)
		r.SetTrustedRoot(raw)
		return r
	}
	options := func(r *trustroottest.Repository) trustroot.TUFOptions {
		return trustroot.TUFOptions{Mirror: r.URL(), Root: r.RootJSON()}
	}
	run := func(g *given) (int, string) {
		var stderr bytes.Buffer
		p := program{
			stderr: &stderr, cacheDir: func() (string, error) { return cache, nil },
			production: options(production), staging: options(staging),
		}
		status := p.run(context.Background(), g.arguments(GinkgoT().TempDir(), true))
		return status, stderr.String()
	}
	given := func() *given {
		g := keyless()()
		g.root = nil
		return g
	}

	BeforeEach(func() {
		raw, err := protojson.Marshal(rootOf(ours))
		Expect(err).NotTo(HaveOccurred())
		production, cache = mirror(raw), filepath.Join(GinkgoT().TempDir(), "cache")
		raw, err = protojson.Marshal(rootOf(theirs))
		Expect(err).NotTo(HaveOccurred())
		staging = mirror(raw)
	})

	It("the public Sigstore's root is used", func() {
		status, said := run(given())
		Expect(said).To(BeEmpty())
		Expect(status).To(BeZero())
	})

	It("with --staging the staging instance's root is used", func() {
		g := given()
		g.extra = []string{"--staging"}
		status, said := run(g)
		Expect(status).To(Equal(1))
		Expect(said).To(beOneLine())

		g.bundle = signedBy(theirs, how()).bundle
		status, said = run(g)
		Expect(said).To(BeEmpty())
		Expect(status).To(BeZero())
	})

	It("E17: the kept root verifies while the mirror is down", func() {
		status, _ := run(given())
		Expect(status).To(BeZero())
		production.SetFault(trustroottest.Down)
		status, said := run(given())
		Expect(said).To(BeEmpty())
		Expect(status).To(BeZero())
	})

	It("E17: nothing is trusted while the mirror is down and no root was kept, and the message names a fix", func() {
		production.SetFault(trustroottest.Down)
		status, said := run(given())
		Expect(status).To(Equal(1))
		Expect(said).To(And(beOneLine(), ContainSubstring("--trusted-root")))
	})
})
