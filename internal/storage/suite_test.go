// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/test/skips"
)

func TestMain(m *testing.M) {
	if stop, ok := os.LookupEnv(stopVariable); ok {
		beKilled(stop)
	}
	os.Exit(m.Run())
}

func TestStorage(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Storage")
}

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)

func options(folder string) *config.Options {
	return &config.Options{StoragePath: folder, StorageAdvAddress: "artifacts.example"}
}

// open returns the storage in a folder.
func open(folder string) *storage.Storage {
	GinkgoHelper()
	s, err := storage.New(options(folder))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { _ = s.Close() })
	return s
}

func object(namespace, name string) metav1.Object {
	return &metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// put stores content as the object's file.
func put(s *storage.Storage, obj metav1.Object, file string, content []byte) meta.Artifact {
	GinkgoHelper()
	a := s.NewArtifact(obj, "1.0.0", file)
	Expect(commit(s, &a, content)).To(Succeed())
	return a
}

// commit writes content in two pieces, like a download.
func commit(s *storage.Storage, a *meta.Artifact, content []byte) error {
	st, err := s.Stage()
	if err != nil {
		return err
	}
	defer st.Discard()
	half := len(content) / 2
	if _, err := io.Copy(st, io.MultiReader(bytes.NewReader(content[:half]), bytes.NewReader(content[half:]))); err != nil {
		return err
	}
	return s.Commit(st, a)
}

// served returns the files in the served tree and their content.
func served(folder string) map[string]string {
	return files(folder, func(p string) bool { return strings.HasPrefix(p, "verifiedchart/") })
}

// staged returns the staged files.
func staged(folder string) []string {
	var names []string
	for p := range files(folder, func(p string) bool {
		return strings.HasPrefix(p, ".staging/") && filepath.Base(p) != ".lock"
	}) {
		names = append(names, p)
	}
	return names
}

func files(folder string, want func(string) bool) map[string]string {
	GinkgoHelper()
	found := map[string]string{}
	Expect(fs.WalkDir(os.DirFS(folder), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !want(p) {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, p))
		found[p] = string(content)
		return err
	})).To(Succeed())
	return found
}
