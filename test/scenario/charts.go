// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"slices"

	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// Names of the charts of the scenario, and of their VerifiedCharts.
func Names() []string { return append(forCosign(), forHelm()...) }

// forCosign are the charts whose VerifiedCharts demand a cosign signature, and forHelm those that demand a helm
// signature.
func forCosign() []string {
	return []string{"signed", "keyless", "unsigned", "stranger", "impostor", "moved"}
}

func forHelm() []string { return []string{"helm-signed", "prov-attached", "prov-altered"} }

// greeting is the message that a chart installs.
func greeting(name string) string { return "hello from the " + name + " chart" }

// authority returns the authority that must accept a chart of the scenario.
func (w *World) authority(name string) string {
	switch {
	case slices.Contains(forHelm(), name):
		return KeyringAuthority(KeyringSecret)
	case name == "keyless" || name == "impostor":
		return w.IdentityAuthority()
	}
	return KeyAuthority()
}

// Repository is the registry's folder with the charts of the tenant.
func (w *World) Repository() string { return w.Registry.Addr() + "/" + w.Folder }

// Push packages a chart with the name, pushes it and adds it to Charts.
func (w *World) Push(ctx context.Context, name string) (err error) {
	w.Charts[name], err = w.push(ctx, name, Version, greeting(name))
	return err
}

// PushSigned packages a new chart, pushes it, signs it with the release key and adds it to Charts.
func (w *World) PushSigned(ctx context.Context, name, version string) (realparts.Pushed, error) {
	return w.PushSignedBy(ctx, w.Release, name, version)
}

// PushSignedBy is PushSigned with another key.
func (w *World) PushSignedBy(ctx context.Context, key realparts.Key, name, version string) (realparts.Pushed, error) {
	chart, err := w.push(ctx, name, version, greeting(name))
	if err != nil {
		return chart, err
	}
	w.Charts[name] = chart
	return chart, w.Cosign.Sign(ctx, key, chart.Ref())
}

// push packages a chart that installs a ConfigMap with the message, and pushes it.
func (w *World) push(ctx context.Context, name, version, message string) (realparts.Pushed, error) {
	chart, err := w.Helm.Package(ctx, name, version, message)
	if err != nil {
		return realparts.Pushed{}, err
	}
	return w.Helm.Push(ctx, chart, w.Registry, w.Folder)
}

// Install applies a HelmRelease for a chart.
func (w *World) Install(ctx context.Context, name string) error {
	return w.Kubectl.Apply(ctx, w.HelmRelease(name))
}

// Declare applies a VerifiedChart for a pushed chart, with a ref such as "tag: 1.0.0", that the release key
// must accept.
func (w *World) Declare(ctx context.Context, name, ref string) error {
	return w.DeclareFor(ctx, name, ref, KeyAuthority())
}

// DeclareFor applies a VerifiedChart that the authority must accept, with rules such as "mode: Audit". The
// authority is the content of a YAML flow mapping.
func (w *World) DeclareFor(ctx context.Context, name, ref, authority string, rules ...string) error {
	return w.Kubectl.Apply(ctx, w.verifiedChart(name, ref, authority, rules...))
}

// TrustRoot makes a trusted root the only one for verifying identities.
func (w *World) TrustRoot(ctx context.Context, root []byte) error {
	return w.Kubectl.Apply(ctx, w.rootSecret(root))
}

// Trust makes the key the only key that may sign charts.
func (w *World) Trust(ctx context.Context, key realparts.Key) error {
	public, err := key.Public()
	if err != nil {
		return err
	}
	return w.Kubectl.Apply(ctx, w.keySecret(public))
}

func pushCharts(ctx context.Context, w *World) error {
	for _, name := range forCosign() {
		if err := w.Push(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func signCharts(ctx context.Context, w *World) error {
	for name, key := range map[string]realparts.Key{"signed": w.Release, "moved": w.Release, "stranger": w.Stranger} {
		if err := w.Cosign.Sign(ctx, key, w.Charts[name].Ref()); err != nil {
			return err
		}
	}
	return nil
}

// signKeyless signs with the defaults of cosign 3: a logged bundle, beside the chart.
func signKeyless(ctx context.Context, w *World) error {
	for name, email := range map[string]string{"keyless": Identity, "impostor": Impostor} {
		if err := w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, email, w.Sigstore, w.Charts[name].Ref()); err != nil {
			return err
		}
	}
	return nil
}
