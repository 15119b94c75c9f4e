// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

const (
	// stopVariable makes the test binary a process that stops at one operation on the disk.
	stopVariable = "STORAGE_TEST_STOP"
	// folderVariable is where that process stores.
	folderVariable = "STORAGE_TEST_FOLDER"
)

var (
	before = []byte(strings.Repeat("before", 10_000))
	after  = []byte(strings.Repeat("after!", 10_000))
)

// stopper stops the process at its nth operation: half of it done, where it has halves.
type stopper struct{ n, at int }

func (s *stopper) here() {
	s.n++
	if s.n != s.at {
		return
	}
	fmt.Println("stopped")
	_, _ = io.Copy(io.Discard, os.Stdin) // for ever: the other side kills this one
}

func (s *stopper) disk() storage.Disk {
	return storage.Disk{
		Write: func(f *os.File, p []byte) (int, error) {
			s.here()
			n, err := f.Write(p[:len(p)/2])
			if err != nil {
				return n, err
			}
			s.here()
			m, err := f.Write(p[len(p)/2:])
			return n + m, err
		},
		Sync: func(f *os.File) error {
			s.here()
			defer s.here()
			return f.Sync()
		},
		Rename: func(r *os.Root, from, to string) error {
			s.here()
			defer s.here()
			return r.Rename(from, to)
		},
		Remove: func(r *os.Root, name string) error {
			s.here()
			defer s.here()
			return r.RemoveAll(name)
		},
	}
}

// beKilled stores after, in place of what is there and where nothing is, and
// withdraws; it stops on the way or at the end.
func beKilled(stop string) {
	at, err := strconv.Atoi(stop)
	check(err)
	s, err := storage.NewOn(options(os.Getenv(folderVariable)), (&stopper{at: at}).disk())
	check(err)
	over := s.NewArtifact(object("apps", "old"), "1.0.0", "chart.tgz")
	check(commit(s, &over, after))
	fresh := s.NewArtifact(object("new", "new"), "1.0.0", "chart.tgz")
	check(commit(s, &fresh, after))
	check(s.Withdraw(s.NewArtifact(object("apps", "gone"), "1.0.0", "chart.tgz")))
	fmt.Println("finished")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// run starts a process that stops at an operation, and says how it stopped.
func run(folder string, at int) (*exec.Cmd, string) {
	GinkgoHelper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), stopVariable+"="+strconv.Itoa(at), folderVariable+"="+folder)
	stdin, err := child.StdinPipe()
	Expect(err).NotTo(HaveOccurred())
	stdout, err := child.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(child.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = child.Process.Kill()
		_ = stdin.Close()
	})
	word, err := bufio.NewReader(stdout).ReadString('\n')
	Expect(err).NotTo(HaveOccurred())
	return child, strings.TrimSpace(word)
}

var _ = Describe("A process that is killed", func() {
	It("G1: leaves the old or the new file at any step of writing, and nothing once it is swept", func() {
		for at, word := 1, ""; word != "finished"; at++ {
			By(fmt.Sprintf("stopping at step %d", at))
			folder := GinkgoT().TempDir()
			first := open(folder)
			put(first, object("apps", "old"), "chart.tgz", before)
			put(first, object("apps", "gone"), "chart.tgz", before)
			Expect(first.Close()).To(Succeed())

			var child *exec.Cmd
			child, word = run(folder, at)
			Expect(word).To(BeElementOf("stopped", "finished"))
			left := staged(folder)
			open(folder)
			Expect(staged(folder)).To(ConsistOf(left), "G11: the files of a process that lives stay")
			Expect(child.Process.Kill()).To(Succeed())
			_ = child.Wait()

			open(folder)
			Expect(staged(folder)).To(BeEmpty())
			tree := served(folder)
			Expect(tree).To(HaveKeyWithValue("verifiedchart/apps/old/chart.tgz", BeElementOf(string(before), string(after))))
			for p, content := range tree {
				Expect(content).To(BeElementOf(string(before), string(after)), p)
			}
			if word == "finished" {
				Expect(tree).To(Equal(map[string]string{
					"verifiedchart/apps/old/chart.tgz": string(after),
					"verifiedchart/new/new/chart.tgz":  string(after),
				}))
				// Two writes in halves, six or more syncs, a rename, twice over: the loop saw them all.
				Expect(at).To(BeNumerically(">", 30))
			}
		}
	})
})
