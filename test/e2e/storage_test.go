// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

var errNoArtifact = errors.New("there is no artifact")

// stored returns the path of the file behind the artifact of a VerifiedChart.
func stored(ctx context.Context, w *scenario.World, name string) string {
	vc, err := w.Get(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	Expect(vc.Status.Artifact).NotTo(BeNil())
	return filepath.Join(w.Controller.Storage(), filepath.FromSlash(vc.Status.Artifact.Path))
}

// storage is what happens to the files and to the process that serves them.
func storage(w **scenario.World) {
	spec("G4: a stored file that was damaged is replaced by what was proven", w,
		func(ctx context.Context, w *scenario.World) {
			path := stored(ctx, w, "signed")
			content, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			content[len(content)/2] ^= 1
			Expect(os.WriteFile(path, content, 0o644)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "signed")).To(Succeed())
		})

	spec("G4: a stored file that was deleted is replaced by what was proven", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(os.Remove(stored(ctx, w, "signed"))).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "signed")).To(Succeed())
		})

	spec("G1: a controller that was killed serves what was proven once it is back, and refuses what it refused", w,
		func(ctx context.Context, w *scenario.World) {
			w.Controller.Kill()
			Expect(w.Controller.Start(ctx, &w.Group)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "signed")).To(Succeed())
			Expect(w.Reconcile(ctx, "moved", scenario.IsRefused)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "moved")).To(Succeed())
			Expect(w.NotServed(ctx, w.Moved)).To(Succeed())
		})

	spec("G12: a controller whose volume was wiped publishes what is proven again, and only that", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Controller.Stop()).To(Succeed())
			Expect(os.RemoveAll(w.Controller.Storage())).To(Succeed())
			Expect(w.Controller.Start(ctx, &w.Group)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.Proven(ctx, "signed")).To(Succeed())
			for _, name := range []string{"unsigned", "stranger"} {
				Expect(w.Reconcile(ctx, name, scenario.IsRefused)).To(Succeed())
				Expect(w.NotServed(ctx, w.Charts[name])).To(Succeed())
			}
			Expect(w.NotServed(ctx, w.Moved)).To(Succeed())
		})
}

// files returns the regular files below a folder.
func files(folder string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found = append(found, path)
		}
		return err
	})
	return found, err
}
