// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"slices"

	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// Names are those of the charts of the road, and of the VerifiedCharts that ask for them.
func Names() []string { return append(forCosign(), forHelm()...) }

// forCosign are the charts whose VerifiedCharts ask for a signature of cosign, and forHelm those that ask for one of helm.
func forCosign() []string {
	return []string{"signed", "keyless", "unsigned", "stranger", "impostor", "moved"}
}

func forHelm() []string { return []string{"helm-signed", "prov-attached", "prov-altered"} }

// greeting is what a chart of a name installs.
func greeting(name string) string { return "hello from the " + name + " chart" }

// authority is the one that has to accept a chart of the road.
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

// Push packages a chart of the name, pushes it and keeps it in Charts.
func (w *World) Push(ctx context.Context, name string) (err error) {
	w.Charts[name], err = w.push(ctx, name, Version, greeting(name))
	return err
}

// PushSigned packages a chart anew, pushes it, signs it with the release key and keeps it in Charts.
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

// Declare applies a VerifiedChart for a chart that was pushed, with a ref like "tag: 1.0.0", for whom the release key has to accept.
func (w *World) Declare(ctx context.Context, name, ref string) error {
	return w.DeclareFor(ctx, name, ref, KeyAuthority())
}

// DeclareFor applies a VerifiedChart for whom an authority has to accept, which is the
// inside of a YAML flow mapping, with the rules that are given, like "mode: Audit".
func (w *World) DeclareFor(ctx context.Context, name, ref, authority string, rules ...string) error {
	return w.Kubectl.Apply(ctx, w.verifiedChart(name, ref, authority, rules...))
}

// TrustRoot makes a trusted root the one that identities have to be proven by.
func (w *World) TrustRoot(ctx context.Context, root []byte) error {
	return w.Kubectl.Apply(ctx, w.rootSecret(root))
}

// Trust makes the key the one that charts have to be signed with.
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

// signKeyless signs as cosign 3 does by default: a bundle that is logged, beside the chart.
func signKeyless(ctx context.Context, w *World) error {
	for name, email := range map[string]string{"keyless": Identity, "impostor": Impostor} {
		if err := w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, email, w.Sigstore, w.Charts[name].Ref()); err != nil {
			return err
		}
	}
	return nil
}
