// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	artifactconfig "github.com/fluxcd/pkg/artifact/config"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

var _ = Describe("Downloads", Label("registry"), func() {
	var (
		ctx    = context.Background()
		d      *downloads
		store  *storage.Storage
		folder string
		began  atomic.Int64
	)
	archive := []byte("archive")
	want := digest.FromBytes(archive)
	BeforeEach(func() {
		folder = GinkgoT().TempDir()
		var err error
		store, err = storage.New(&artifactconfig.Options{StoragePath: folder, StorageAddress: ":0", StorageAdvAddress: "artifacts.example"})
		Expect(err).NotTo(HaveOccurred())
		d = newDownloads()
		began.Store(0)
	})
	write := func(into *storage.Staged) error {
		began.Add(1)
		_, err := into.Write(archive)
		return err
	}
	get := func(download func(*storage.Staged) error) error {
		staged, err := d.get(ctx, store, "key", want, download)
		if err != nil {
			return err
		}
		defer staged.Discard()
		if got := staged.Digest(); got != want {
			return errors.New("got " + got.String())
		}
		return nil
	}

	It("happen once for all who ask at the same time, and each gets a file of its own", func() {
		entered, proceed := make(chan struct{}), make(chan struct{})
		results := make(chan error, 10)
		go func() {
			results <- get(func(into *storage.Staged) error {
				close(entered)
				<-proceed
				return write(into)
			})
		}()
		<-entered
		for range 9 {
			go func() { results <- get(write) }()
		}
		Eventually(func() int {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.running["key"].joined
		}).Should(Equal(9))
		close(proceed)
		for range 10 {
			Expect(<-results).To(Succeed())
		}
		Expect(began.Load()).To(BeEquivalentTo(1))
		Expect(d.running).To(BeEmpty())
	})

	It("that fail, or panic, fail nobody else", func() {
		entered, proceed := make(chan struct{}), make(chan struct{})
		first := make(chan any, 1)
		go func() {
			defer func() { first <- recover() }()
			_ = get(func(*storage.Staged) error {
				close(entered)
				<-proceed
				panic("broken")
			})
		}()
		<-entered
		second := make(chan error, 1)
		go func() { second <- get(write) }()
		Eventually(func() int {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.running["key"].joined
		}).Should(Equal(1))
		close(proceed)
		Expect(<-first).To(Equal("broken"))
		Expect(<-second).To(Succeed())
		Expect(get(func(*storage.Staged) error { return errors.New("502") })).To(MatchError("502"))
		Expect(get(write)).To(Succeed())
	})

	It("are waited for no longer than the one who asks has time", func() {
		entered, proceed := make(chan struct{}), make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- get(func(into *storage.Staged) error {
				close(entered)
				<-proceed
				return write(into)
			})
		}()
		<-entered
		short, cancel := context.WithCancel(ctx)
		cancel()
		_, err := d.get(short, store, "key", want, write)
		Expect(err).To(MatchError(context.Canceled))
		close(proceed)
		Expect(<-done).To(Succeed())
	})

	DescribeTable("are left out if the archive is stored,",
		func(change func(path string), downloads int) {
			obj := &metav1.ObjectMeta{Namespace: "apps", Name: "app"}
			staged, err := store.Stage()
			Expect(err).NotTo(HaveOccurred())
			Expect(write(staged)).To(Succeed())
			at := store.NewArtifact(obj, "1.0.0", "x.tgz")
			at.Digest = want.String()
			Expect(store.Commit(staged, &at)).To(Succeed())
			d.keep("key", at)
			change(filepath.Join(folder, at.Path))
			began.Store(0)
			Expect(get(write)).To(Succeed())
			Expect(began.Load()).To(BeEquivalentTo(downloads))
		},
		Entry("and still there", func(string) {}, 0),
		Entry("but not if it was withdrawn meanwhile", func(path string) { Expect(os.Remove(path)).To(Succeed()) }, 1),
		Entry("but not if it was damaged meanwhile", func(path string) {
			Expect(os.WriteFile(path, []byte("altered"), 0o600)).To(Succeed())
		}, 1),
	)

	DescribeTable("are shared",
		func(a, b string, same bool) {
			if same {
				Expect(a).To(Equal(b))
			} else {
				Expect(a).NotTo(Equal(b))
			}
		},
		Entry("by namespaces with the same password", keyOfDownload("ghcr.io/org/app", "a/secret/1", want), keyOfDownload("GHCR.io:443/org/app", "b/secret/1", want), true),
		Entry("by namespaces without one", keyOfDownload("ghcr.io/org/app", "a/", want), keyOfDownload("ghcr.io/org/app", "b/", want), true),
		Entry("not with another password", keyOfDownload("ghcr.io/org/app", "a/secret/1", want), keyOfDownload("ghcr.io/org/app", "a/secret/2", want), false),
		Entry("not with and without a password", keyOfDownload("ghcr.io/org/app", "a/secret/1", want), keyOfDownload("ghcr.io/org/app", "a/", want), false),
		Entry("not with other certificates", keyOfDownload("ghcr.io/org/app", "a/1", want), keyOfDownload("ghcr.io/org/app", "a/", want), false),
		Entry("not from another repository", keyOfDownload("ghcr.io/org/app", "a/", want), keyOfDownload("ghcr.io/org/other", "a/", want), false),
		Entry("not of another archive", keyOfDownload("ghcr.io/org/app", "a/", want), keyOfDownload("ghcr.io/org/app", "a/", digest.FromString("other")), false),
	)

	It("happen once for two objects with the same chart and credentials", func() {
		w := newWorld(ctx)
		chart := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(chart.Digest)
		w.registry.Reset()
		other := w.get().DeepCopy()
		other.ObjectMeta = metav1.ObjectMeta{Namespace: w.namespace, Name: "other"}
		other.Status = v1alpha1.VerifiedChartStatus{}
		Expect(w.client.Create(ctx, other)).To(Succeed())
		Eventually(func(g Gomega) {
			var got v1alpha1.VerifiedChart
			g.Expect(w.client.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: "other"}, &got)).To(Succeed())
			g.Expect(got.Status.Artifact).To(HaveField("Digest", w.get().Status.Artifact.Digest))
		}).WithTimeout(patience).Should(Succeed())
		for _, request := range w.registry.Requests() {
			Expect(strings.Contains(request, w.get().Status.Artifact.Digest)).To(BeFalse(), request)
		}
	})
})
