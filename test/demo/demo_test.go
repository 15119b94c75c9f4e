// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

func TestDemo(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Demo")
}

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)

// patience is long enough for a busy machine.
const patience = 10 * time.Minute

// processes returns the ids of the processes that have the text in their command line.
func processes(text string) []int {
	var found []int
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		if content, err := os.ReadFile(line); err == nil && strings.Contains(string(content), text) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
			Expect(err).NotTo(HaveOccurred())
			found = append(found, pid)
		}
	}
	return found
}

// commandFormat matches a command that the demo prints: after a prompt in its steps, without a prompt at the end.
var commandFormat = regexp.MustCompile(`(?m)^ {4}(?:\$ )?((?:\. |kubectl |helm |kill |curl |tail |cosign3 )(?:.*\\\n)*.*)$`)

// commands returns the commands that the demo printed, as they stand there.
func commands(printed []byte) []string {
	var found []string
	for _, m := range commandFormat.FindAllSubmatch(printed, -1) {
		found = append(found, string(m[1]))
	}
	return found
}

var _ = Describe("the demo", func() {
	var program string

	BeforeEach(func() {
		if _, err := os.Stat("/proc/self/cmdline"); err != nil {
			Skip("remaining processes are searched in /proc")
		}
		program = filepath.Join(GinkgoT().TempDir(), "demo")
		Expect(exec.Command("go", "build", "-o", program, ".").Run()).To(Succeed())
	})

	// start runs the demo with a temporary folder of its own, which everything it starts has in its command line or environment.
	start := func(temp, once string) *gexec.Session {
		GinkgoHelper()
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "TMPDIR="+temp, "ONCE="+once)
		session, err := gexec.Start(cmd, GinkgoWriter, GinkgoWriter)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { session.Terminate().Wait(patience) })
		return session
	}

	nothingLeft := func(temp string) {
		GinkgoHelper()
		Expect(processes(temp)).To(BeEmpty())
		left, err := os.ReadDir(temp)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(BeEmpty())
	}

	It("ends by itself with ONCE=1, once every step is seen, and leaves nothing behind", func() {
		temp := GinkgoT().TempDir()
		session := start(temp, "1")
		Eventually(session).WithTimeout(patience).Should(gexec.Exit(0))
		Expect(session.Out).To(gbytes.Say(`\n22 of 22 steps seen in `))
		Expect(tooLong(string(session.Out.Contents()))).To(BeEmpty())
		nothingLeft(temp)
	})

	It("prints commands that work again while it is up", func() {
		if _, err := exec.LookPath("curl"); err != nil {
			Skip("curl is not installed")
		}
		temp := GinkgoT().TempDir()
		session := start(temp, "")
		Eventually(session.Out).WithTimeout(patience).Should(gbytes.Say("The demo stays up until Ctrl-C"))
		Eventually(session.Out).Should(gbytes.Say("Every command above works again, too.\n"))
		typed := commands(session.Out.Contents())
		Expect(len(typed)).To(BeNumerically(">", 20))
		Expect(typed[0]).To(HavePrefix(". "))
		for _, command := range typed[1:] {
			// A chart that a command before this one brings back takes a moment.
			Eventually(func() error {
				said, err := exec.Command("/bin/sh", "-c", typed[0]+"\n"+command).CombinedOutput()
				if err != nil {
					err = fmt.Errorf("%s: %w: %s", command, err, said)
				}
				return err
			}).WithTimeout(time.Minute).WithPolling(time.Second).Should(Succeed())
			Expect(session).NotTo(gexec.Exit(), command)
		}
		session.Interrupt()
		Eventually(session).WithTimeout(patience).Should(gexec.Exit(0))
		nothingLeft(temp)
	})

	DescribeTable("leaves nothing behind when it is interrupted", func(stage string, status int, signal os.Signal) {
		temp := GinkgoT().TempDir()
		session := start(temp, "")
		Eventually(session.Out).WithTimeout(patience).Should(gbytes.Say(stage))
		session.Signal(signal)
		Eventually(session).WithTimeout(patience).Should(gexec.Exit(status))
		nothingLeft(temp)
	},
		Entry("while it starts the control plane, by SIGTERM", "start etcd", 130, syscall.SIGTERM),
		Entry("while it pushes charts, because its terminal is closed", "package and push six charts", 130, syscall.SIGHUP),
		Entry("while the registry is stopped, by Ctrl-C", `The controller restarts`, 130, os.Interrupt),
	)

	It("ends with an error and leaves nothing behind when a part of it dies", func() {
		temp := GinkgoT().TempDir()
		session := start(temp, "")
		Eventually(session.Out).WithTimeout(patience).Should(gbytes.Say("The demo stays up until Ctrl-C"))
		etcd := processes(filepath.Join("parts", "etcd") + "\x00--data-dir=" + temp)
		Expect(etcd).To(HaveLen(1))
		Expect(syscall.Kill(etcd[0], syscall.SIGKILL)).To(Succeed())
		Eventually(session).WithTimeout(patience).Should(gexec.Exit(1))
		Expect(session.Err).To(gbytes.Say("etcd failed"))
		nothingLeft(temp)
	})
})
