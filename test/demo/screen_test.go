// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// tooLong returns the lines of a text that have more than 110 columns.
func tooLong(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return len([]rune(line)) <= 110 })
}

// repeat returns a text of some columns, which has no spaces.
func repeat(columns int) string { return strings.Repeat("✓", columns) }

var _ = Describe("the screen", func() {
	DescribeTable("breaks", func(text, shown string) {
		for chunk := 1; chunk <= len(text); chunk += max(len(text)/3, 1) {
			var to strings.Builder
			s := &screen{to: &to}
			for part := range slices.Chunk([]byte(text), chunk) {
				Expect(s.Write(part)).To(Equal(len(part)))
			}
			Expect(to.String()).To(Equal(shown))
		}
	},
		Entry("no line of 110 columns", repeat(110)+"\n", repeat(110)+"\n"),
		Entry("a line of 111 columns", repeat(111)+"\n", repeat(110)+"\n✓\n"),
		Entry("a line twice if that is needed", repeat(225), repeat(110)+"\n"+repeat(110)+"\n"+repeat(5)),
		Entry("each line by itself", repeat(60)+"\n"+repeat(60)+"\n", repeat(60)+"\n"+repeat(60)+"\n"),
		Entry("at no tab, which becomes a space", "a\tb\n", "a b\n"),
	)

	DescribeTable("clips", func(text, shown string) { Expect(clip(text, 10)).To(Equal(shown)) },
		Entry("nothing of a text that fits", "ten  chars", "ten chars"),
		Entry("a longer text between words", "eleven char", "eleven…"),
		Entry("a longer text after a word that just fits", "nine char is", "nine char…"),
		Entry("a longer word between characters", repeat(11), repeat(9)+"…"),
		Entry("several lines to one line", "a\n\tb", "a b"),
	)

	DescribeTable("folds", func(text, shown string) { Expect(fold(text, "  ")).To(Equal(shown)) },
		Entry("a short line into one", "not seen\n", "  not seen\n"),
		Entry("a long line between words", repeat(60)+" "+repeat(60), "  "+repeat(60)+"\n  "+repeat(60)+"\n"),
		Entry("a line that just fits into one", repeat(50)+" "+repeat(57), "  "+repeat(50)+" "+repeat(57)+"\n"),
		Entry("each line by itself", "a\nb", "  a\n  b\n"),
	)
})

var _ = Describe("a command", func() {
	long := strings.TrimSuffix(strings.Repeat("--flag=0123456789 ", 30), " ")

	DescribeTable("reads in a shell as it did before it was broken", func(arguments string, lines int) {
		printed := typeable("    $ ", "printf %s, "+arguments)
		Expect(tooLong(printed)).To(BeEmpty())
		Expect(strings.Count(printed, "\n")).To(Equal(lines))
		Expect(printed).To(HavePrefix("    $ "))
		said, err := exec.Command("/bin/sh", "-c", strings.TrimPrefix(printed, "    $ ")).Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(string(said)).To(Equal(strings.ReplaceAll(arguments, " ", ",") + ","))
	},
		Entry("if it is short", "a b", 1),
		Entry("if it has many arguments", long, 6),
		Entry("if it has an argument that fits no line", "a /"+strings.Repeat("0123456789", 30)+" b", 4),
		Entry("if it fills the line but for a backslash", strings.Repeat("x", 110-6-len("printf %s, ")-2), 1),
	)

	DescribeTable("runs in the folder of the demo", func(name string) {
		dir := filepath.Join(GinkgoT().TempDir(), name)
		Expect(exec.Command("mkdir", "-p", dir).Run()).To(Succeed())
		env := environment(dir, "/a b/kubeconfig", []string{"/x/kubectl", "/y/helm", "/y/cosign3"})
		Expect(exec.Command("/bin/sh", "-c", "printf %s "+quote(env)+" >"+quote(filepath.Join(dir, envFile))).Run()).To(Succeed())
		said, err := shell(GinkgoT().Context(), dir, `echo "$PWD|$KUBECONFIG|${PATH%%:/*:*}|$DOCKER_CONFIG"`)
		Expect(err).NotTo(HaveOccurred())
		Expect(said).To(Equal(fmt.Sprintf("%[1]s|/a b/kubeconfig|/x|%[1]s/home\n", dir)))
	},
		Entry("whose name is plain", "demo"),
		Entry("whose name has a space and quotes", `it's a "demo"`),
	)

	It("fails with all that it printed", func() {
		dir := GinkgoT().TempDir()
		Expect(exec.Command("touch", filepath.Join(dir, envFile)).Run()).To(Succeed())
		_, err := shell(GinkgoT().Context(), dir, "echo out; echo err >&2; exit 3")
		Expect(err).To(MatchError("the command failed (exit status 3): out\nerr"))
	})
})
