// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// Road returns the checks, in order, after the charts of the scenario are declared.
func Road() []Step {
	return []Step{
		{"the signed chart is proven, and its bytes are served as helm packaged them", of("signed", (*World).Proven)},
		{"helm-controller has installed the signed chart", of("signed", (*World).Installed)},
		{"the chart that " + Identity + " signed is proven, without a key, and its bytes are served", of("keyless", (*World).Proven)},
		{"helm-controller has installed the keyless chart", of("keyless", (*World).Installed)},
		{"the chart that helm signed is proven by the provenance file that helm pushed with it, and its bytes are served", provenAt("helm-signed", InManifest)},
		{"helm-controller has installed the chart that helm signed", of("helm-signed", (*World).Installed)},
		{"the chart that helm signed is proven by the provenance file that oras attached to it, and its bytes are served", provenAt("prov-attached", Attached)},
		{"the unsigned chart is refused, and nothing of it is served", of("unsigned", (*World).Refused)},
		{"the chart that a stranger signed is refused, and nothing of it is served", of("stranger", (*World).Refused)},
		{"the chart that an impostor signed keyless is refused, and the status says who signed it", func(ctx context.Context, w *World) error { return w.ImpostorRefused(ctx) }},
		{"the chart that was altered together with its provenance file is refused, nothing of it is served, and the status says whose signature does not match", func(ctx context.Context, w *World) error { return w.AlteredRefused(ctx) }},
		{"the chart whose tag will move is proven while it is what was signed", of("moved", (*World).Proven)},
		{"its tag moves to other bytes, which are refused: nothing of them is served, and what was proven still is", moved},
	}
}

// of returns the action of a Step that checks one chart.
func of(name string, check func(*World, context.Context, string) error) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error { return check(w, ctx, name) }
}

func provenAt(name, source string) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error { return w.ProvenByMaintainers(ctx, name, source) }
}

// Proven waits until the latest pushed chart is published.
func (w *World) Proven(ctx context.Context, name string) error {
	return w.ProvenAs(ctx, w.Charts[name])
}

// ProvenAs waits until the VerifiedChart of a chart publishes this chart.
func (w *World) ProvenAs(ctx context.Context, chart realparts.Pushed) error {
	return w.served(ctx, chart, byRelease)
}

// Until waits until a VerifiedChart meets the expectation.
func (w *World) Until(ctx context.Context, name string, expected func(*v1alpha1.VerifiedChart) error) error {
	return until(ctx, func(ctx context.Context) error {
		vc, err := w.Get(ctx, name)
		if err != nil {
			return err
		}
		return expected(vc)
	})
}

// authorityStatus reports whether the status names the right authority, key or identity.
type authorityStatus func(v1alpha1.AuthorityStatus) bool

// served waits until the chart is published as it was pushed.
func (w *World) served(ctx context.Context, chart realparts.Pushed, right authorityStatus) error {
	if err := until(ctx, func(ctx context.Context) error { return w.proven(ctx, chart, right) }); err != nil {
		return err
	}
	return w.ServedAs(ctx, chart)
}

// proven returns nil if the VerifiedChart of a chart is Ready with the digest that was pushed.
func (w *World) proven(ctx context.Context, chart realparts.Pushed, right authorityStatus) error {
	vc, err := w.Get(ctx, chart.Name)
	if err != nil {
		return err
	}
	if err := Condition(vc, meta.ReadyCondition, metav1.ConditionTrue, meta.SucceededReason); err != nil {
		return err
	}
	if err := Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionTrue, v1alpha1.SucceededReason); err != nil {
		return err
	}
	want := chart.Digest.String()
	if v := vc.Status.Verification; v == nil || v.Digest != want || len(v.Authorities) != 1 || !right(v.Authorities[0]) {
		return fmt.Errorf("status.verification of %s is %+v, which does not say that the publisher signed %s", chart.Name, v, want)
	}
	if a := vc.Status.Artifact; a == nil || a.Revision != chart.Version+"@"+want {
		return fmt.Errorf("status.artifact of %s is %+v, not revision %s@%s", chart.Name, a, chart.Version, want)
	}
	return nil
}

// byRelease reports whether the publisher signed: by the key, or by the identity at a proven time.
func byRelease(a v1alpha1.AuthorityStatus) bool {
	return a.Key == KeyEntry || (a.Subject == Identity && a.SignedAt != nil)
}

// ImpostorRefused waits until the impostor's chart is refused, and the status names the impostor.
func (w *World) ImpostorRefused(ctx context.Context) error {
	if err := w.Refused(ctx, "impostor"); err != nil {
		return err
	}
	vc, err := w.Get(ctx, "impostor")
	if err != nil {
		return err
	}
	want := "^" + regexp.QuoteMeta(Impostor) + "$"
	for _, s := range vc.Status.ObservedSigners {
		if a := s.Authority; s.Verified && a != nil && len(a.MatchOIDCIdentity) == 1 && a.MatchOIDCIdentity[0].Subject == want {
			return nil
		}
	}
	return fmt.Errorf("status.observedSigners of impostor is %+v, which does not say that %s signed it", vc.Status.ObservedSigners, Impostor)
}

// Refused waits until a VerifiedChart is rejected, and checks that no byte of its chart is available.
func (w *World) Refused(ctx context.Context, name string) error {
	if err := w.Until(ctx, name, IsRefused); err != nil {
		return err
	}
	vc, err := w.Get(ctx, name)
	if err != nil {
		return err
	}
	if vc.Status.Artifact != nil || vc.Status.URL != "" || vc.Status.Verification != nil {
		return fmt.Errorf("the refused chart %s is published: %+v", name, vc.Status)
	}
	if a, err := w.Announced(ctx, name); err != nil || a != nil {
		return errors.Join(err, fmt.Errorf("the refused chart %s is announced: %+v", name, a))
	}
	return w.NotServed(ctx, w.Charts[name])
}

// IsRefused returns nil if a VerifiedChart is rejected.
func IsRefused(vc *v1alpha1.VerifiedChart) error {
	return errors.Join(
		Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason),
		Condition(vc, meta.ReadyCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason),
	)
}

// Installed waits until helm-controller has installed the chart.
func (w *World) Installed(ctx context.Context, name string) error {
	return until(ctx, func(ctx context.Context) error {
		if err := w.ReleaseReady(ctx, name); err != nil {
			return err
		}
		var note corev1.ConfigMap
		if err := w.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: name}, &note); err != nil {
			return err
		}
		if got, want := note.Data["message"], greeting(name); got != want {
			return fmt.Errorf("the installed ConfigMap says %q, not %q", got, want)
		}
		return nil
	})
}

// ReleaseReady returns nil if the HelmRelease of a chart is Ready.
func (w *World) ReleaseReady(ctx context.Context, name string) error {
	release := &unstructured.Unstructured{}
	release.SetGroupVersionKind(schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"})
	if err := w.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: name}, release); err != nil {
		return err
	}
	conditions, _, err := unstructured.NestedSlice(release.Object, "status", "conditions")
	if err != nil {
		return err
	}
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == meta.ReadyCondition && c["status"] == "True" {
			return nil
		}
	}
	return fmt.Errorf("HelmRelease %s is not Ready: %v", name, conditions)
}

// moved moves the tag of a verified chart to unsigned bytes.
func moved(ctx context.Context, w *World) (err error) {
	if w.Moved, err = w.push(ctx, "moved", Version, "hello from whoever moved the tag"); err != nil {
		return err
	}
	if err := w.Reconcile(ctx, "moved", IsRefused); err != nil {
		return err
	}
	return w.MovedRefused(ctx)
}

// MovedRefused returns nil if the chart that "moved" had before the tag moved is served, and the chart that the
// tag names now is not.
func (w *World) MovedRefused(ctx context.Context) error {
	vc, err := w.Get(ctx, "moved")
	if err != nil {
		return err
	}
	if v := vc.Status.Verification; v == nil || v.Digest != w.Charts["moved"].Digest.String() {
		return fmt.Errorf("status.verification is %+v, not that of what was proven", v)
	}
	return errors.Join(w.ServedAsPushed(ctx, "moved"), w.NotServed(ctx, w.Moved))
}
