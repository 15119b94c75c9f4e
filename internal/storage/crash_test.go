// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

const (
	// stopVariable makes the test binary a process that stops at one operation on the disk.
	stopVariable = "STORAGE_TEST_STOP"
	// folderVariable is the environment variable with that process's storage folder.
	folderVariable = "STORAGE_TEST_FOLDER"
)

var (
	before = []byte(strings.Repeat("before", 10_000))
	after  = []byte(strings.Repeat("after!", 10_000))
)

// stopper stops the process at its nth operation, with half of the operation done if it has halves.
type stopper struct{ n, at int }

func (s *stopper) here() {
	s.n++
	if s.n != s.at {
		return
	}
	fmt.Println("stopped")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent kills this process
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

// beKilled stores after, as charts and as material, both instead of old files and without any; then it
// withdraws. It stops on the way or at the end.
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
	check(s.WriteMaterial(object("apps", "old"), published, after))
	check(s.WriteMaterial(object("new", "new"), published, after))
	check(s.WriteMaterial(object("apps", "hurt"), published, after))
	check(s.KeepOnlyMaterial(object("apps", "old"), published))
	fmt.Println("finished")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// run starts a process that stops at an operation, and returns how it stopped.
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

var _ = Describe("A process that is killed", Label("storage", "restart"), func() {
	It("G1: leaves the old or the new file at any step of writing, and no other file after the sweep", func() {
		for at, word := 1, ""; word != "finished"; at++ {
			By(fmt.Sprintf("stopping at step %d", at))
			folder := GinkgoT().TempDir()
			first := open(folder)
			put(first, object("apps", "old"), "chart.tgz", before)
			put(first, object("apps", "gone"), "chart.tgz", before)
			Expect(first.WriteMaterial(object("apps", "old"), published, before)).To(Succeed())
			Expect(first.WriteMaterial(object("apps", "old"), replaced, before)).To(Succeed())
			Expect(first.WriteMaterial(object("apps", "hurt"), published, before)).To(Succeed())
			Expect(flip(filepath.Join(folder, ".material/apps/hurt", published.Encoded()), -1)).To(Succeed())
			Expect(first.Close()).To(Succeed())

			var child *exec.Cmd
			child, word = run(folder, at)
			Expect(word).To(BeElementOf("stopped", "finished"))
			left := staged(folder)
			open(folder)
			Expect(staged(folder)).To(ConsistOf(left), "G11: the files of a process that lives stay")
			Expect(child.Process.Kill()).To(Succeed())
			_ = child.Wait()

			restarted := open(folder)
			Expect(staged(folder)).To(BeEmpty())
			expectMaterial(restarted, word == "finished")
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
				// A write in halves, two or more syncs and a rename, five times, and new folders: the loop
				// covered them all.
				Expect(at).To(BeNumerically(">", 60))
			}
		}
	})
})

// expectMaterial expects that material is old or new, and whole; if the process has finished, all of it must be
// new.
func expectMaterial(s *storage.Storage, finished bool) {
	GinkgoHelper()
	old, err := s.ReadMaterial(object("apps", "old"), published)
	Expect(err).NotTo(HaveOccurred(), "it is replaced at once, or not")
	Expect(string(old)).To(BeElementOf(string(before), string(after)))
	wholeOrNone := func(o metav1.Object, d digest.Digest, allowed ...error) {
		GinkgoHelper()
		got, err := s.ReadMaterial(o, d)
		if err == nil {
			Expect(string(got)).To(BeElementOf(string(before), string(after)))
			return
		}
		Expect(slices.ContainsFunc(allowed, func(e error) bool { return errors.Is(err, e) })).To(BeTrue(), err.Error())
	}
	wholeOrNone(object("new", "new"), published, storage.ErrMissing)
	wholeOrNone(object("apps", "old"), replaced, storage.ErrMissing)
	wholeOrNone(object("apps", "hurt"), published, storage.ErrMissing, storage.ErrDamaged) // it was damaged before
	if finished {
		Expect(old).To(Equal(after))
		Expect(s.ReadMaterial(object("new", "new"), published)).To(Equal(after))
		Expect(s.ReadMaterial(object("apps", "hurt"), published)).To(Equal(after))
		_, err := s.ReadMaterial(object("apps", "old"), replaced)
		Expect(err).To(MatchError(storage.ErrMissing))
	}
}
