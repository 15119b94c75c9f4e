// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// messagesPath is the document with every message. UPDATE_MESSAGES=1 writes it.
var messagesPath = filepath.Join(root, "docs", "messages.md")

const (
	atAdmission = `# Messages

These tables list the message for each usual mistake. ` + "`make messages`" + ` writes them: a test (` + "`internal/controller/messages_test.go`" + `) makes each mistake with a real
API server and registry, and fails if a message differs from this document.

## Answers of ` + "`kubectl apply`" + `

The API server refuses the object with one of these messages. "accepted" means that it does not refuse this object.

| mistake | message |
|---|---|
`
	inStatus = `
## Reported in the status

` + "`Ready`, the column STATUS of `kubectl get`, is one clause: the fault, and the served version. The details and the fix are in another condition\n(SourceVerified, Stalled or Reconciling), which `kubectl describe` shows, and in the event." + `

| mistake | ` + "`Ready`" + ` | details and fix |
|---|---|---|
`
)

// A Ready message fits into a row of a terminal, and is readable for people.
const maxClause = 96

var (
	goType   = regexp.MustCompile(`\*?\b[a-z]+\.[A-Z][A-Za-z]+\b|%!`)
	sentence = regexp.MustCompile(`[.] [A-Z]`)
	fullHex  = regexp.MustCompile(`[0-9a-f]{40}`)
	anyHex   = regexp.MustCompile(`[0-9a-fA-F]{64}|\b[0-9A-F]{40}\b`)
	shortHex = regexp.MustCompile(`sha256:[0-9a-f]{12}\b`)
	resolver = regexp.MustCompile(` on [0-9.:]+: `)
)

// plain replaces text that differs from run to run.
func (w *world) plain(text string) string {
	if w.charts != nil {
		host := strings.TrimPrefix(w.charts.URL, "http://")
		text = strings.NewReplacer("http://"+host, "https://charts.example.com", host, "charts.example.com").Replace(text)
	}
	text = strings.NewReplacer(w.registry.Host(), "ghcr.io", "company-"+w.namespace, "company", w.namespace, "apps").Replace(text)
	text = anyHex.ReplaceAllString(text, "5f86…")
	text = resolver.ReplaceAllString(text, ": ")
	return shortHex.ReplaceAllString(text, "sha256:5f86…")
}

// cell escapes a text for a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// apply creates a VerifiedChart as kubectl does, with its spec changed.
func (w *world) apply(change func(spec map[string]any)) error {
	spec := map[string]any{
		"url": "oci://ghcr.io/org/app", "interval": "10m", "ref": map[string]any{"tag": "1.0.0"},
		"verify": map[string]any{"authorities": []any{map[string]any{
			"name": "release", "provider": "cosign", "secretRef": map[string]any{"name": "cosign-pub"},
		}}},
	}
	change(spec)
	return client.WithFieldValidation(w.client, metav1.FieldValidationStrict).Create(w.ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": v1alpha1.VerifiedChartKind,
		"metadata": map[string]any{"name": "app", "namespace": w.namespace}, "spec": spec,
	}})
}

// complaint returns the text that kubectl shows for a refusal.
func complaint(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		_, text, _ := strings.Cut(err.Error(), "strict decoding error: ")
		return text
	}
	var causes []string
	for _, c := range status.Status().Details.Causes {
		if c.Field != "<nil>" { // skip the note that some rules were not checked
			causes = append(causes, c.Field+": "+c.Message)
		}
	}
	return strings.Join(causes, "; ")
}

var _ = Describe("Messages", Label("messages"), Serial, Ordered, ContinueOnFailure, func() {
	admission, status := map[string]string{}, map[string]string{}

	for _, row := range admissionMistakes {
		It("of the API server: "+row.mistake, func() {
			w := newWorld(context.Background())
			text := "accepted"
			if err := w.apply(row.change); err != nil {
				text = complaint(err)
			}
			Expect(text).NotTo(BeEmpty())
			admission[row.mistake] = fmt.Sprintf("| %s | %s |\n", row.mistake, cell(w.plain(text)))
		})
	}

	for _, row := range mistakes {
		It("of the controller: "+row.mistake, func() {
			w := newWorld(context.Background())
			row.make(w)
			var ready string
			obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				ready = conditions.GetMessage(obj, meta.ReadyCondition)
				g.Expect(conditions.GetReason(obj, meta.ReadyCondition)).NotTo(Or(BeEmpty(), Equal(meta.ProgressingReason)))
				g.Expect(ready).To(ContainSubstring(row.until))
			})
			Expect(len(w.plain(ready))).To(BeNumerically("<=", maxClause), ready)
			Expect(ready).NotTo(Or(MatchRegexp(goType.String()), MatchRegexp(sentence.String()), MatchRegexp(fullHex.String())))
			details := map[string]bool{}
			var list []string
			for _, c := range obj.Status.Conditions {
				Expect(len(c.Message)).To(BeNumerically("<=", 4096))
				Expect(c.Message).NotTo(MatchRegexp(`%!`))
				if c.Message != ready && !details[c.Message] && c.Type != v1alpha1.ArtifactInStorageCondition {
					details[c.Message] = true
					list = append(list, c.Message)
				}
			}
			status[row.mistake] = fmt.Sprintf("| %s | %s | %s |\n", row.mistake, cell(w.plain(ready)), cell(w.plain(strings.Join(list, "; "))))
		})
	}

	It("are those of docs/messages.md", func() {
		var text strings.Builder
		text.WriteString(atAdmission)
		for _, row := range admissionMistakes {
			text.WriteString(admission[row.mistake])
		}
		text.WriteString(inStatus)
		for _, row := range mistakes {
			text.WriteString(status[row.mistake])
		}
		if os.Getenv("UPDATE_MESSAGES") != "" {
			Expect(os.WriteFile(messagesPath, []byte(text.String()), 0o600)).To(Succeed())
		}
		raw, err := os.ReadFile(messagesPath)
		Expect(err).NotTo(HaveOccurred())
		Expect(text.String()).To(Equal(string(raw)), "run make messages")
	})
})
