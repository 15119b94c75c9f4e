// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/process"
)

var _ = Describe("the keeper", func() {
	const soon = time.Minute // on a busy machine a shell takes a while to start

	// keep starts a keeper of a shell script. It returns the keeper, and the channel on which the keeper reports a failure.
	keep := func(ctx context.Context, script string) (*keeper, chan error) {
		GinkgoHelper()
		dir := GinkgoT().TempDir()
		k := &keeper{pidFile: filepath.Join(dir, "pid"), start: func(ctx context.Context, group *process.Group) (*process.Process, error) {
			return group.Start(ctx, process.Command{Name: "shell", Path: "/bin/sh", Args: []string{"-c", script}, Dir: dir, Ready: func(context.Context) error {
				_, err := os.Stat(filepath.Join(dir, "ready"))
				return err
			}})
		}}
		failed := make(chan error, 1)
		Expect(k.Start(ctx, func(err error) { failed <- err })).To(Succeed())
		DeferCleanup(k.Stop)
		return k, failed
	}

	const waits = `: >ready; while :; do sleep 300 & wait $!; done`

	DescribeTable("starts the program again", func(ctx SpecContext, script string, signal syscall.Signal) {
		k, failed := keep(ctx, script)
		first, since := k.Current()
		Expect(syscall.Kill(first, signal)).To(Succeed())
		Eventually(func() int { pid, _ := k.Current(); return pid }).WithTimeout(soon).ShouldNot(Equal(first))
		second, later := k.Current()
		Expect(later).To(BeTemporally(">", since))
		Eventually(func() (string, error) {
			content, err := os.ReadFile(k.pidFile)
			return string(bytes.TrimSpace(content)), err
		}).WithTimeout(soon).Should(Equal(strconv.Itoa(second)))
		Expect(failed).NotTo(Receive())
		Expect(k.Stop()).To(Succeed())
		Expect(syscall.Kill(second, 0)).To(MatchError(syscall.ESRCH))
		Expect(failed).NotTo(Receive())
	},
		Entry("if it ends well on SIGTERM", "trap 'exit 0' TERM; "+waits, syscall.SIGTERM),
		Entry("if SIGKILL ends it", waits, syscall.SIGKILL),
	)

	It("reports a program that crashes, and does not start it again", func(ctx SpecContext) {
		k, failed := keep(ctx, "trap 'echo no disk; exit 2' TERM; "+waits)
		pid, _ := k.Current()
		Expect(syscall.Kill(pid, syscall.SIGTERM)).To(Succeed())
		Eventually(failed).WithTimeout(soon).Should(Receive(MatchError(ContainSubstring("no disk"))))
		Expect(k.Stop()).To(Succeed())
	})

	It("has nothing to stop before it has started", func() { Expect((&keeper{}).Stop()).To(Succeed()) })
})

var _ = Describe("the lines of the builder", func() {
	It("are shown, except those about parts that need no build", func() {
		var out bytes.Buffer
		b := &builds{to: &out}
		for _, part := range []string{"etcd v3: ca", "ched\nhelm v3", ": built in 3s\nrekor: cached\n", "2 parts\n"} {
			Expect(b.Write([]byte(part))).To(Equal(len(part)))
		}
		Expect(out.String()).To(Equal("helm v3: built in 3s\n2 parts\n"))
	})
})
