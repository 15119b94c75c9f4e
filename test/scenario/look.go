// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/opencontainers/go-digest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// maxArchive is above the size of any archive of the scenario.
const maxArchive = 1 << 20

// Get returns a VerifiedChart.
func (w *World) Get(ctx context.Context, name string) (*v1alpha1.VerifiedChart, error) {
	vc := &v1alpha1.VerifiedChart{}
	return vc, w.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: name}, vc)
}

// Condition returns nil if a condition has the status and the reason.
func Condition(vc *v1alpha1.VerifiedChart, kind string, status metav1.ConditionStatus, reason string) error {
	c := apimeta.FindStatusCondition(vc.Status.Conditions, kind)
	if c == nil {
		return fmt.Errorf("VerifiedChart %s has no condition %s", vc.Name, kind)
	}
	if c.Status != status || c.Reason != reason {
		return fmt.Errorf("VerifiedChart %s is %s=%s/%s, not %s/%s: %s", vc.Name, kind, c.Status, c.Reason, status, reason, c.Message)
	}
	return nil
}

// Reconcile requests a reconciliation, as `flux reconcile` does, and returns when it is done and the object
// meets the expectation.
func (w *World) Reconcile(ctx context.Context, name string, expected func(*v1alpha1.VerifiedChart) error) error {
	vc, err := w.Get(ctx, name)
	if err != nil {
		return err
	}
	token := time.Now().Format(time.RFC3339Nano)
	before := client.MergeFrom(vc.DeepCopy())
	metav1.SetMetaDataAnnotation(&vc.ObjectMeta, meta.ReconcileRequestAnnotation, token)
	if err := w.Client.Patch(ctx, vc, before); err != nil {
		return err
	}
	return until(ctx, func(ctx context.Context) error {
		vc, err := w.Get(ctx, name)
		if err != nil {
			return err
		}
		if vc.Status.GetLastHandledReconcileRequest() != token {
			return fmt.Errorf("the request to reconcile VerifiedChart %s is not handled yet", name)
		}
		return expected(vc)
	})
}

// Announced returns the artifact of the ExternalArtifact with that name; nil if there is none.
func (w *World) Announced(ctx context.Context, name string) (*meta.Artifact, error) {
	var ea sourcev1.ExternalArtifact
	err := w.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: name}, &ea)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return ea.Status.Artifact, err
}

// ServedAsPushed returns nil if the artifact of a VerifiedChart, and that of its ExternalArtifact, is the
// latest pushed file.
func (w *World) ServedAsPushed(ctx context.Context, name string) error {
	return w.ServedAs(ctx, w.Charts[name])
}

// ServedAs returns nil if the artifact of the VerifiedChart of a chart, and that of its ExternalArtifact, is
// the file of this chart.
func (w *World) ServedAs(ctx context.Context, chart realparts.Pushed) error {
	name := chart.Name
	vc, err := w.Get(ctx, name)
	if err != nil {
		return err
	}
	if vc.Status.Artifact == nil {
		return fmt.Errorf("VerifiedChart %s has no artifact", name)
	}
	pushed, err := os.ReadFile(chart.Archive)
	if err != nil {
		return err
	}
	// NotServed relies on this form of the URL.
	if want := w.URL(chart); vc.Status.Artifact.URL != want {
		return fmt.Errorf("status.artifact.url of %s is %s, not %s", name, vc.Status.Artifact.URL, want)
	}
	status, got, err := w.Download(ctx, vc.Status.Artifact.URL)
	if err != nil {
		return err
	}
	if status != http.StatusOK || !bytes.Equal(got, pushed) {
		return fmt.Errorf("GET %s: status %d and %d bytes, not the %d that were pushed", vc.Status.Artifact.URL, status, len(got), len(pushed))
	}
	if want := digest.FromBytes(pushed).String(); vc.Status.Artifact.Digest != want {
		return fmt.Errorf("status.artifact.digest of %s is %s, not %s", name, vc.Status.Artifact.Digest, want)
	}
	announced, err := w.Announced(ctx, name)
	if err != nil {
		return err
	}
	if announced == nil || announced.URL != vc.Status.Artifact.URL || announced.Digest != vc.Status.Artifact.Digest {
		return fmt.Errorf("ExternalArtifact %s has artifact %+v, not %+v", name, announced, vc.Status.Artifact)
	}
	return nil
}

// NotServed returns nil if the archive of a chart is neither in the controller's storage, except for a retired
// file, nor available under a URL of the usual form.
func (w *World) NotServed(ctx context.Context, chart realparts.Pushed) error {
	refused, err := os.ReadFile(chart.Archive)
	if err != nil {
		return err
	}
	err = filepath.WalkDir(w.Controller.Storage(), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a staged file that has been renamed meanwhile
		}
		if err == nil && entry.Name() == ".retired" {
			return fs.SkipDir
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		stored, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && bytes.Equal(stored, refused) {
			return fmt.Errorf("the refused chart %s is stored in %s", chart.Ref(), path)
		}
		return err
	})
	if err != nil {
		return err
	}
	return w.notUnderURL(ctx, chart, refused)
}

// notUnderURL requests every URL that the chart would have if it were published.
func (w *World) notUnderURL(ctx context.Context, chart realparts.Pushed, archive []byte) error {
	folder := w.folderURL(chart.Name)
	candidates := []string{"http://" + w.Controller.Addr + "/", folder, w.URL(chart), folder + digest.FromBytes(archive).Encoded() + ".tgz"}
	for _, candidate := range candidates {
		status, _, err := w.Download(ctx, candidate)
		if err != nil {
			return err
		}
		if status != http.StatusNotFound {
			return fmt.Errorf("GET %s: status %d, and not 404, though nothing of the chart %s may be served", candidate, status, chart.Ref())
		}
	}
	return nil
}

// URL is the URL of a chart while it is published.
func (w *World) URL(chart realparts.Pushed) string {
	return w.folderURL(chart.Name) + chart.Digest.Encoded() + ".tgz"
}

func (w *World) folderURL(name string) string {
	return "http://" + w.Controller.Addr + "/verifiedchart/" + w.Namespace + "/" + name + "/"
}

// downloadTime is far longer than a download takes, also beside a full load.
const downloadTime = time.Minute

// Download returns the status and the body of a GET.
func (w *World) Download(ctx context.Context, url string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxArchive))
	return resp.StatusCode, body, err
}
