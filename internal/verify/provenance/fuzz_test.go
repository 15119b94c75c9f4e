// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// FuzzProvenance checks that a provenance file is accepted only if the maintainer signed its text, and Helm
// reads exactly this chart from it; and that any other file gets a verdict, whatever it holds.
func FuzzProvenance(f *testing.F) {
	RegisterTestingT(f)
	first := newWorld()
	genuine := text("app", "1.0.0", first.archive)
	for _, seed := range []string{
		genuine, strings.Replace(genuine, "1.0.0", "1.0.1", 1), strings.ReplaceAll(genuine, "\n", "\r\n"),
		strings.Replace(genuine, "...", "...\n...", 1), genuine + "  other.tgz: sha256:00\n", "name: app\n" + genuine,
	} {
		f.Add([]byte(seed), true)
		f.Add(first.prov(first.ours, func(string) string { return seed }), false)
	}
	f.Add(first.prov(first.theirs), false)
	f.Add(append(first.prov(first.theirs), first.prov(first.ours)...), false)
	f.Fuzz(func(t *testing.T, content []byte, sign bool) {
		RegisterTestingT(t)
		w := &world{repo: verifytest.NewRepository(), ours: first.ours}
		w.archive = w.repo.PushBlob(first.archive.MediaType, []byte("archive"))
		w.config = w.configure("app", "1.0.0")
		file := content
		if sign {
			file = openpgptest.Sign(w.ours, string(content), openpgptest.At(signed))
		}
		result, err := w.check(w.trusting(), w.subject(file))
		switch {
		case err != nil:
			if !errors.Is(err, verify.ErrRejected) || len(err.Error()) > 4096 {
				t.Fatalf("no verdict: %v", err)
			}
		case len(result.Signatures) != 1:
			t.Fatalf("accepted by %v", result.Signatures)
		case sign:
			speaksFor(t, string(content), w)
		default:
			block, _ := clearsign.Decode(file)
			if block == nil {
				t.Fatalf("accepted %q", file)
			}
			speaksFor(t, string(block.Plaintext), w)
		}
	})
}

// speaksFor checks that Helm's lenient reading of a text is of the chart in w.
func speaksFor(t *testing.T, text string, w *world) {
	t.Helper()
	metadata, files, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n...\n")
	var chart struct{ Name, Version string }
	var sums struct{ Files map[string]string }
	if yaml.Unmarshal([]byte(metadata), &chart) != nil || yaml.Unmarshal([]byte(files), &sums) != nil {
		return // OpenPGP does not sign white space at the ends of lines, but Helm's reader depends on it
	}
	if chart.Name != "app" || strings.TrimPrefix(chart.Version, "v") != "1.0.0" || sums.Files["app-"+chart.Version+".tgz"] != w.archive.Digest.String() {
		t.Fatalf("accepted %q", text)
	}
}
