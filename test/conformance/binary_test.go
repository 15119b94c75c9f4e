// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

var _ = Describe("The binary", Ordered, func() {
	var binary string

	BeforeAll(func() {
		binary = filepath.Join(GinkgoT().TempDir(), "conformance")
		build := exec.Command("go", "build", "-o", binary, ".")
		build.Stdout, build.Stderr = GinkgoWriter, GinkgoWriter
		Expect(build.Run()).To(Succeed())
	})

	// run returns the exit status, and the output on the two streams.
	run := func(args ...string) (status int, out, said string) {
		var stdout, stderr bytes.Buffer
		command := exec.Command(binary, args...)
		command.Stdout, command.Stderr = &stdout, &stderr
		// All network requests of the program fail.
		command.Env = append(os.Environ(), "XDG_CACHE_HOME="+GinkgoT().TempDir(), "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=")
		if err := command.Run(); err != nil {
			Expect(err).To(BeAssignableToTypeOf(&exec.ExitError{}))
		}
		return command.ProcessState.ExitCode(), stdout.String(), stderr.String()
	}

	DescribeTable("verifies as the rows do, in silence if it trusts",
		func(given func() *given, byDigest bool, want int) {
			status, out, said := run(given().arguments(GinkgoT().TempDir(), byDigest)...)
			Expect(status).To(Equal(want))
			Expect(out).To(BeEmpty())
			if want == 0 {
				Expect(said).To(BeEmpty())
			} else {
				Expect(said).To(beOneLine())
			}
		},
		Entry("an identity, by path", keyless(withRekorV2), false, 0),
		Entry("an identity, by digest", keyless(), true, 0),
		Entry("a key, by path", keyed(statement), false, 0),
		Entry("a key, by digest", keyed(), true, 0),
		Entry("another identity", changed(keyless(), func(g *given) { g.identity = otherIdentity }), false, 1),
		Entry("another artifact", changed(keyless(), func(g *given) { g.artifact = []byte("x") }), true, 1),
		Entry("another key", changed(keyed(), func(g *given) { g.key = PublicKey(NewKey()) }), false, 1),
	)

	DescribeTable("says so if it cannot find out",
		func(extra ...string) {
			g := keyless()()
			g.root, g.extra = nil, extra
			status, out, said := run(g.arguments(GinkgoT().TempDir(), true)...)
			Expect(status).To(Equal(1))
			Expect(out).To(BeEmpty())
			Expect(said).To(And(beOneLine(), ContainSubstring("--trusted-root")))
		},
		Entry("without a network"),
		Entry("without a network, for the staging instance", "--staging"),
	)

	It("does not sign", func() {
		status, _, said := run("sign-bundle", "--identity-token", "t", "--bundle", "b", "f")
		Expect(status).To(Equal(1))
		Expect(said).To(And(beOneLine(), ContainSubstring("not supported: verifies only")))
	})
})
