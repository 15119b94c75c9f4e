// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// stored returns the path of the file behind the artifact of a VerifiedChart.
func stored(ctx context.Context, w *scenario.World, name string) string {
	GinkgoHelper()
	vc := get(ctx, w, name)
	Expect(published(vc)).To(Succeed())
	return filepath.Join(w.Controller.Storage(), filepath.FromSlash(vc.Status.Artifact.Path))
}

// Damage to the files, and to the process that serves them.
var _ = Describe("the storage", Label("storage"), func() {
	for _, damage := range []struct {
		text string
		do   func(path string) error
	}{
		{"was damaged", func(path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content[len(content)/2] ^= 1
			return os.WriteFile(path, content, 0o644)
		}},
		{"was deleted", os.Remove},
	} {
		spec("G4: a stored file that "+damage.text+" is replaced by the verified file", distribution,
			func(ctx context.Context, w *scenario.World) {
				chart := declareSigned(ctx, w, "signed", pinned)
				Expect(damage.do(stored(ctx, w, "signed"))).To(Succeed())
				Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
				Expect(w.ServedAs(ctx, chart)).To(Succeed())
			})
	}

	spec("G1: a restarted controller that was killed serves the verified charts, and still refuses the others", distribution,
		func(ctx context.Context, w *scenario.World) {
			signed := declareSigned(ctx, w, "signed", pinned)
			proven, unsigned := declareMoved(ctx, w, "moved")
			w.Controller.Kill()
			DeferCleanup(func(ctx SpecContext) { startController(ctx, w) })
			startController(ctx, w)
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAs(ctx, signed)).To(Succeed())
			Expect(w.Reconcile(ctx, "moved", scenario.IsRefused)).To(Succeed())
			Expect(w.ServedAs(ctx, proven)).To(Succeed())
			Expect(w.NotServed(ctx, unsigned)).To(Succeed())
		})

	spec("G12: a controller with a wiped volume publishes the verified charts again, and no others", distribution,
		func(ctx context.Context, w *scenario.World) {
			signed := declareSigned(ctx, w, "signed", pinned)
			_, unsigned := declareMoved(ctx, w, "moved")
			Expect(w.Push(ctx, "unsigned")).To(Succeed())
			Expect(w.Declare(ctx, "unsigned", pinned)).To(Succeed())
			Expect(w.Until(ctx, "unsigned", scenario.IsRefused)).To(Succeed())
			stopController(w)
			Expect(os.RemoveAll(w.Controller.Storage())).To(Succeed())
			startController(ctx, w)
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ProvenAs(ctx, signed)).To(Succeed())
			Expect(w.Reconcile(ctx, "unsigned", scenario.IsRefused)).To(Succeed())
			Expect(w.Reconcile(ctx, "moved", scenario.IsRefused)).To(Succeed())
			Expect(w.NotServed(ctx, w.Charts["unsigned"])).To(Succeed())
			Expect(w.NotServed(ctx, unsigned)).To(Succeed())
		})
})

// declareMoved publishes a signed chart, whose tag then moves to unsigned bytes. It returns both charts when
// the latter is refused.
func declareMoved(ctx context.Context, w *scenario.World, name string) (proven, unsigned realparts.Pushed) {
	GinkgoHelper()
	proven = declareSigned(ctx, w, name, pinned)
	Expect(w.Push(ctx, name)).To(Succeed())
	Expect(w.Reconcile(ctx, name, scenario.IsRefused)).To(Succeed())
	return proven, w.Charts[name]
}

// files returns the regular files below a folder, if there is one.
func files(folder string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found = append(found, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return found, err
}
