// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/process"
)

// shell is a program that runs a script.
func shell(dir, script string) process.Command {
	return process.Command{Name: "shell", Path: "/bin/sh", Args: []string{"-c", script}, Dir: dir}
}

// exists returns a probe for a file.
func exists(path string) func(context.Context) error {
	return func(context.Context) error { _, err := os.Stat(path); return err }
}

// alive returns a function that reports whether a process exists and is not a zombie.
func alive(pid int) func() bool {
	return func() bool {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		return err == nil && !strings.Contains(string(stat), ") Z ")
	}
}

// written returns the process id that a script has written to a file.
func written(path string) int {
	GinkgoHelper()
	content, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	Expect(err).NotTo(HaveOccurred())
	return pid
}

var _ = Describe("a process", func() {
	var dir string
	BeforeEach(func() { dir = GinkgoT().TempDir() })

	It("is returned once it is ready, and leaves no child when it is stopped", func(ctx SpecContext) {
		c := shell(dir, `sleep 300 & echo $! > child.tmp; mv child.tmp child; wait`)
		c.Ready = exists(filepath.Join(dir, "child"))
		p, err := process.Start(ctx, c)
		Expect(err).NotTo(HaveOccurred())
		child := written(filepath.Join(dir, "child"))
		Expect(alive(child)()).To(BeTrue())
		Expect(p.Stop()).To(Succeed())
		Expect(p.Err()).NotTo(HaveOccurred())
		Eventually(alive(child)).Should(BeFalse())
		Expect(p.Stop()).To(Succeed(), "a second time")
	})

	DescribeTable("is a failure with its log if it ends before it is ready", func(ctx SpecContext, said string, cause, not error) {
		c := shell(dir, `echo "`+said+`"; i=0; while [ $i -lt 100 ]; do echo a long line of a stack trace; i=$((i+1)); done; exit 3`)
		c.Ready = exists(filepath.Join(dir, "never"))
		_, err := process.Start(ctx, c)
		var failure *process.Failure
		Expect(errors.As(err, &failure)).To(BeTrue(), "%v", err)
		Expect(failure.Tail).To(ContainSubstring(said))
		Expect(err).To(MatchError(cause))
		Expect(err).NotTo(MatchError(not))
	},
		Entry("because another has its port", "listen: address already in use", syscall.EADDRINUSE, syscall.ENOSPC),
		Entry("because the disk is full", "write: no space left on device", syscall.ENOSPC, syscall.EADDRINUSE),
	)

	It("is started again if another program has taken its port", func() {
		tries := 0
		port, err := process.RetryAddrInUse(func() (int, error) {
			if tries++; tries < 3 {
				return 0, &process.Failure{Tail: "listen: address already in use"}
			}
			return tries, nil
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(port).To(Equal(3))
	})

	It("is not left running if it is not ready in time", func(ctx SpecContext) {
		pid := filepath.Join(dir, "pid")
		c := shell(dir, `echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 300`)
		c.Ready = exists(filepath.Join(dir, "never"))
		ctx2, cancel := context.WithCancel(ctx)
		go func() {
			defer GinkgoRecover()
			defer cancel()
			Eventually(pid).Should(BeAnExistingFile())
		}()
		_, err := process.Start(ctx2, c)
		Expect(err).To(MatchError(context.Canceled))
		Expect(alive(written(pid))()).To(BeFalse())
	})

	It("is killed if it does not end when it is asked to", func(ctx SpecContext) {
		c := shell(dir, `trap '' TERM; echo > ready; while :; do sleep 1; done`)
		c.Ready, c.Grace = exists(filepath.Join(dir, "ready")), 1
		p, err := process.Start(ctx, c)
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Stop()).NotTo(Succeed())
		Expect(alive(p.PID())()).To(BeFalse())
	})

	It("is noticed by its group when it dies", func(ctx SpecContext) {
		var g process.Group
		stays, err := g.Start(ctx, shell(dir, `exec sleep 300`))
		Expect(err).NotTo(HaveOccurred())
		c := shell(dir, `echo last words >&2; exit 7`)
		c.Name = "dies"
		_, err = g.Start(ctx, c)
		Expect(err).NotTo(HaveOccurred())
		Eventually(g.Died()).Should(BeClosed())
		var failure *process.Failure
		Expect(errors.As(g.Err(), &failure)).To(BeTrue())
		Expect(failure.Name).To(Equal("dies"))
		Expect(failure.Tail).To(ContainSubstring("last words"))
		Expect(g.Stop()).To(Succeed())
		Expect(alive(stays.PID())()).To(BeFalse())
	})

	It("dies with its parent, though the parent is killed", func() {
		if _, err := os.Stat("/proc/self/stat"); err != nil {
			Skip("only Linux tells a child of its parent's death")
		}
		pid := filepath.Join(dir, "pid")
		parent := exec.Command(os.Args[0])
		parent.Env = append(os.Environ(), "PROCESS_TEST_PARENT="+dir)
		parent.Stderr = GinkgoWriter
		Expect(parent.Start()).To(Succeed())
		Eventually(pid).Should(BeAnExistingFile())
		child := written(pid)
		Expect(alive(child)()).To(BeTrue())
		Expect(parent.Process.Kill()).To(Succeed())
		_ = parent.Wait()
		Eventually(alive(child)).Should(BeFalse())
	})
})
