// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// Tenant makes a namespace, and returns the world as its tenant sees it: with its own charts, in a folder of a
// registry with the name of the namespace, and with its own Secrets, which hold the release key, the trusted
// root of the Sigstore, if there is one, and the keyring of the maintainers.
func (w *World) Tenant(ctx context.Context, namespace string, registry realparts.OCIRegistry) (*World, error) {
	t := *w
	t.Namespace, t.Folder, t.Registry = namespace, namespace, registry
	t.Charts, t.Moved = map[string]realparts.Pushed{}, realparts.Pushed{}
	var err error
	if t.Kubectl, err = w.Kubectl.In(namespace); err != nil {
		return nil, err
	}
	if err := w.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, fmt.Errorf("cannot make a tenant: %w", err)
	}
	public, err := w.Release.Public()
	if err != nil {
		return nil, err
	}
	secrets := t.keySecret(public) + t.secret(KeyringSecret, KeyringEntry, w.Maintainers.Keyring)
	if w.Sigstore != nil {
		secrets += t.rootSecret(w.Sigstore.TrustedRoot())
	}
	return &t, t.Kubectl.Apply(ctx, secrets)
}

// Leave deletes the tenant's objects without waiting, so that no controller has to reconcile them any longer.
func (w *World) Leave(ctx context.Context) error {
	_, err := w.Kubectl.Run(ctx, "delete", "helmreleases,verifiedcharts", "--all", "--wait=false")
	return err
}
