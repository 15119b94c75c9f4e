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

// Road returns what has to be seen once Setup is done, in this order.
func Road() []Step {
	return []Step{
		{"the signed chart is proven, and its bytes are served as helm packaged them", served("signed", byRelease)},
		{"helm-controller has installed the signed chart", installed("signed")},
		{"the chart that " + Identity + " signed is proven, without a key, and its bytes are served", served("keyless", byRelease)},
		{"helm-controller has installed the keyless chart", installed("keyless")},
		{"the chart that helm signed is proven by the provenance file that helm pushed with it, and its bytes are served", provenBy("helm-signed", inManifest)},
		{"helm-controller has installed the chart that helm signed", installed("helm-signed")},
		{"the chart that helm signed is proven by the provenance file that oras attached to it, and its bytes are served", provenBy("prov-attached", "referrer sha256:")},
		{"the unsigned chart is refused, and nothing of it is served", refused("unsigned")},
		{"the chart that a stranger signed is refused, and nothing of it is served", refused("stranger")},
		{"the chart that an impostor signed keyless is refused, and the status says who signed it", impostor},
		{"the chart that was altered together with its provenance file is refused, nothing of it is served, and the status says whose signature does not match", altered},
		{"the chart whose tag will move is proven while it is what was signed", served("moved", byRelease)},
		{"its tag moves to other bytes, which are refused: nothing of them is served, and what was proven still is", moved},
	}
}

// Proven waits until the chart is published as it was pushed last.
func (w *World) Proven(ctx context.Context, name string) error {
	return w.ProvenAs(ctx, w.Charts[name])
}

// ProvenAs waits until the VerifiedChart of a chart publishes this one.
func (w *World) ProvenAs(ctx context.Context, chart realparts.Pushed) error {
	return w.served(ctx, chart, byRelease)
}

// Until waits until a VerifiedChart is as it is expected to be.
func (w *World) Until(ctx context.Context, name string, expected func(*v1alpha1.VerifiedChart) error) error {
	return until(ctx, func(ctx context.Context) error {
		vc, err := w.Get(ctx, name)
		if err != nil {
			return err
		}
		return expected(vc)
	})
}

// vouches says whether the authority that vouched for a chart is the one that should.
type vouches func(v1alpha1.AuthorityStatus) bool

// served says that the chart is published as it was pushed.
func served(name string, right vouches) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error { return w.served(ctx, w.Charts[name], right) }
}

func (w *World) served(ctx context.Context, chart realparts.Pushed, right vouches) error {
	if err := until(ctx, func(ctx context.Context) error { return w.proven(ctx, chart, right) }); err != nil {
		return err
	}
	return w.ServedAs(ctx, chart)
}

// proven says that the VerifiedChart of a chart is Ready at the digest that was pushed.
func (w *World) proven(ctx context.Context, chart realparts.Pushed, right vouches) error {
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

// byRelease says whether the publisher vouched: by the key, or by the identity at a proven time.
func byRelease(a v1alpha1.AuthorityStatus) bool {
	return a.Key == KeyEntry || (a.Subject == Identity && a.SignedAt != nil)
}

// impostor says that a chart is refused that somebody else signed, and that it is said who.
func impostor(ctx context.Context, w *World) error {
	if err := refused("impostor")(ctx, w); err != nil {
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

// refused says that a VerifiedChart is proven not to be trusted, and that none of its bytes are to be had.
func refused(name string) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
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
}

// IsRefused returns nil if a VerifiedChart is proven not to be trusted.
func IsRefused(vc *v1alpha1.VerifiedChart) error {
	return errors.Join(
		Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason),
		Condition(vc, meta.ReadyCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason),
	)
}

// installed says that helm-controller has installed the chart.
func installed(name string) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		return until(ctx, func(ctx context.Context) error {
			if err := w.ReleaseReady(ctx, name); err != nil {
				return err
			}
			var note corev1.ConfigMap
			if err := w.Client.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: name}, &note); err != nil {
				return err
			}
			if got, want := note.Data["message"], greeting(name); got != want {
				return fmt.Errorf("the installed ConfigMap says %q, not %q", got, want)
			}
			return nil
		})
	}
}

// ReleaseReady returns nil if the HelmRelease of a chart is Ready.
func (w *World) ReleaseReady(ctx context.Context, name string) error {
	release := &unstructured.Unstructured{}
	release.SetGroupVersionKind(schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"})
	if err := w.Client.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: name}, release); err != nil {
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

// moved moves the tag of a proven chart to bytes that nobody has signed.
func moved(ctx context.Context, w *World) (err error) {
	if w.Moved, err = w.push(ctx, "moved", Version, "hello from whoever moved the tag"); err != nil {
		return err
	}
	if w.Moved.Digest == w.Charts["moved"].Digest {
		return errors.New("the tag did not move: helm packaged the same bytes")
	}
	if err := w.Reconcile(ctx, "moved", IsRefused); err != nil {
		return err
	}
	vc, err := w.Get(ctx, "moved")
	if err != nil {
		return err
	}
	if v := vc.Status.Verification; v == nil || v.Digest != w.Charts["moved"].Digest.String() {
		return fmt.Errorf("status.verification is %+v, not that of what was proven", v)
	}
	return errors.Join(w.ServedAsPushed(ctx, "moved"), w.NotServed(ctx, w.Moved))
}
