// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// KeyringSecret is the name of the Secret with the keyring of the maintainers, and KeyringEntry its entry.
const (
	KeyringSecret = "maintainers"
	KeyringEntry  = "pubring.gpg"
)

// provenanceType is the media type of a provenance file that helm pushes.
const provenanceType = "application/vnd.cncf.helm.chart.provenance.v1.prov"

// Sources of provenance files, as prefixes of the texts in a status.
const (
	InManifest = "the chart's manifest"
	Attached   = "referrer sha256:"
)

// Maintainers sign with `helm package --sign`.
type Maintainers struct {
	realparts.OpenPGPKey
	// Keyring is their public key.
	Keyring []byte
}

// NewMaintainers returns maintainers with a new key.
func (w *World) NewMaintainers() (Maintainers, error) {
	const userID = "Maintainers <maintainers@example.com>"
	pair := openpgptest.NewKey(openpgptest.WithUserIDs(userID), openpgptest.CreatedAt(time.Now().Add(-time.Hour)))
	fingerprint := fmt.Sprintf("%X", pair.PrimaryKey.Fingerprint)
	key := realparts.OpenPGPKey{UserID: userID, Fingerprint: fingerprint, PrivateFile: filepath.Join(w.Dir, fingerprint+".gpg")}
	return Maintainers{key, openpgptest.Public(pair)}, os.WriteFile(key.PrivateFile, openpgptest.Private(pair), 0o600)
}

// KeyringAuthority returns the authority of the OpenPGP keys in a Secret.
func KeyringAuthority(secret string) string {
	return "name: maintainers, provider: provenance, secretRef: {name: " + secret + "}"
}

// TrustMaintainers makes their key the only key that may sign provenance files.
func (w *World) TrustMaintainers(ctx context.Context, m Maintainers) error {
	return w.TrustKeyring(ctx, KeyringSecret, KeyringEntry, m.Keyring)
}

// TrustKeyring makes a keyring the content of a Secret.
func (w *World) TrustKeyring(ctx context.Context, name, entry string, keyring []byte) error {
	return w.Kubectl.Apply(ctx, w.secret(name, entry, keyring))
}

// PackageSigned packages a chart with the name, with a provenance file signed by a key.
func (w *World) PackageSigned(ctx context.Context, name string, by realparts.OpenPGPKey) (realparts.Chart, error) {
	return w.Helm.PackageSigned(ctx, name, Version, greeting(name), by)
}

// PushPackaged pushes a chart, and the provenance file beside it, and adds the chart to Charts.
func (w *World) PushPackaged(ctx context.Context, chart realparts.Chart) (err error) {
	w.Charts[chart.Name], err = w.Helm.Push(ctx, chart, w.Registry, w.Folder)
	return err
}

// ProvenBy waits until the chart is published as it was pushed, accepted by a provenance file of the key from
// the given source.
func (w *World) ProvenBy(ctx context.Context, name string, key realparts.OpenPGPKey, source string) error {
	return w.served(ctx, w.Charts[name], func(a v1alpha1.AuthorityStatus) bool {
		return a.Signer == "OPENPGP:"+key.Fingerprint && a.UserID == key.UserID && strings.HasPrefix(a.Source, source)
	})
}

func signWithHelm(ctx context.Context, w *World) error {
	for _, push := range []func(context.Context, *World) error{pushWithProvenance, pushAndAttach, pushAltered} {
		if err := push(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func pushWithProvenance(ctx context.Context, w *World) error {
	chart, err := w.PackageSigned(ctx, "helm-signed", w.Maintainers.OpenPGPKey)
	if err != nil {
		return err
	}
	return w.PushPackaged(ctx, chart)
}

func pushAndAttach(ctx context.Context, w *World) error {
	chart, err := w.PackageSigned(ctx, "prov-attached", w.Maintainers.OpenPGPKey)
	if err != nil {
		return err
	}
	file, err := chart.SetProvenanceAside()
	if err != nil {
		return err
	}
	if err := w.PushPackaged(ctx, chart); err != nil {
		return err
	}
	return w.Oras.Attach(ctx, w.Charts[chart.Name].Ref(), provenanceType, file)
}

// pushAltered pushes a chart that differs from the signed one, with the signed chart's provenance file after
// its digest was changed to match: all fits except the signature.
func pushAltered(ctx context.Context, w *World) error {
	genuine, err := w.PackageSigned(ctx, "prov-altered", w.Maintainers.OpenPGPKey)
	if err != nil {
		return err
	}
	other, err := w.Helm.Package(ctx, genuine.Name, Version, "hello from whoever altered the chart")
	if err != nil {
		return err
	}
	if err := alter(genuine, other); err != nil {
		return err
	}
	return w.PushPackaged(ctx, other)
}

// alter gives the other chart the provenance file of the genuine chart, with the digest changed to that of the
// other chart.
func alter(genuine, other realparts.Chart) error {
	file, err := os.ReadFile(genuine.Provenance())
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(genuine.Archive)
	if err != nil {
		return err
	}
	pushed, err := os.ReadFile(other.Archive)
	if err != nil {
		return err
	}
	changed := bytes.Replace(file, []byte(digest.FromBytes(signed)), []byte(digest.FromBytes(pushed)), 1)
	if bytes.Equal(changed, file) {
		return fmt.Errorf("the provenance file does not name the digest of the archive: %s", file)
	}
	return os.WriteFile(other.Provenance(), changed, 0o644)
}

// ProvenByMaintainers waits until the chart is published as it was pushed, accepted by a provenance file of the
// maintainers from the given source.
func (w *World) ProvenByMaintainers(ctx context.Context, name, source string) error {
	return w.ProvenBy(ctx, name, w.Maintainers.OpenPGPKey, source)
}

// AlteredRefused waits until the altered chart is refused, and the status names the key whose signature does not match.
func (w *World) AlteredRefused(ctx context.Context) error {
	if err := w.Refused(ctx, "prov-altered"); err != nil {
		return err
	}
	vc, err := w.Get(ctx, "prov-altered")
	if err != nil {
		return err
	}
	c := apimeta.FindStatusCondition(vc.Status.Conditions, v1alpha1.SourceVerifiedCondition)
	if !strings.Contains(c.Message, w.Maintainers.Fingerprint) {
		return fmt.Errorf("the status of prov-altered does not name key %s: %s", w.Maintainers.Fingerprint, c.Message)
	}
	return nil
}
