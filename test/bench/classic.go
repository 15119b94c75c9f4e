// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// classicCharts is the number of charts of the measure classic.
const classicCharts = 100

// classicRepository is a classic repository with an index of the size and shape of Bitnami's. The newest version of each
// of the first classicCharts charts has an archive, and a bundle beside it.
type classicRepository struct {
	*httptest.Server
	files             map[string][]byte
	indexes, requests atomic.Int64
}

func newClassicRepository(by verifytest.Signer) *classicRepository {
	r := &classicRepository{files: map[string][]byte{}}
	var index strings.Builder
	index.WriteString("apiVersion: v1\nentries:\n")
	images := strings.Repeat("        - name: os-shell\n          image: docker.io/example/os-shell:12-debian-12-r0\n", 19)
	for c := range 144 {
		name := fmt.Sprintf("chart-%d", c)
		fmt.Fprintf(&index, "  %s:\n", name)
		for v := 109; v >= 0; v-- {
			version := fmt.Sprintf("1.%d.0", v)
			archive := []byte(name + version)
			if v == 109 && c < classicCharts {
				archive = charttest.Archive(name, version)
				r.files["/"+name+"-"+version+".tgz"] = archive
				r.files["/"+name+"-"+version+".tgz.sigstore.json"] = by.Blob(archive)
			}
			sum := sha256.Sum256(archive)
			fmt.Fprintf(&index, "  - annotations:\n      images: |\n%s    apiVersion: v2\n    name: %s\n    version: %s\n    created: \"2026-01-02T03:04:05Z\"\n    digest: %s\n    urls:\n    - %[2]s-%[3]s.tgz\n",
				images, name, version, hex.EncodeToString(sum[:]))
		}
	}
	r.files["/index.yaml"] = []byte(index.String())
	r.Server = httptest.NewServer(r)
	return r
}

// ServeHTTP implements http.Handler. The server sends no validators, as the worst of them.
func (r *classicRepository) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.requests.Add(1)
	if req.URL.Path == "/index.yaml" {
		r.indexes.Add(1)
	}
	raw, ok := r.files[req.URL.Path]
	if !ok {
		http.NotFound(w, req)
		return
	}
	_, _ = w.Write(raw)
}

// classic measures charts of one classic repository with a large index that are new to a running controller.
func (b *bench) classic(ctx context.Context) error {
	signer := verifytest.P256()
	charts := newClassicRepository(signer)
	defer charts.Close()
	b.limits.title("classic: %d charts of one repository whose index has %.1f MiB", classicCharts, float64(len(charts.files["/index.yaml"]))/(1<<20))
	keys := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "classic", Namespace: b.world.Namespace}, Data: map[string][]byte{"classic.pub": signer.Public}}
	if err := b.world.Client.Create(ctx, keys); err != nil {
		return err
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	before, err := b.usage(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for c := range classicCharts {
		name := fmt.Sprintf("chart-%d", c)
		obj := &v1alpha1.VerifiedChart{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: b.world.Namespace},
			Spec: v1alpha1.VerifiedChartSpec{
				URL: charts.URL, Chart: name, Insecure: true, Ref: v1alpha1.ChartRef{SemVer: ">=1.0.0"}, Interval: metav1.Duration{Duration: time.Hour},
				Verify: v1alpha1.Verification{Authorities: []v1alpha1.Authority{
					{Name: "release", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: keys.Name}},
				}},
			},
		}
		if err := b.world.Client.Create(ctx, obj); err != nil {
			return err
		}
	}
	if err := b.until(ctx, func(seen map[string]bool) bool { return ready(seen) == classicCharts }); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := b.usage(ctx)
	if err != nil {
		return err
	}
	b.limits.calibrate()
	used := after.since(before)
	b.limits.count("downloads of the index", float64(charts.indexes.Load()), 1)
	b.limits.count("requests per chart", per(int(charts.requests.Load()-charts.indexes.Load()), classicCharts), 2)
	b.limits.count("API writes per chart", per(used.writes.total(), classicCharts), 4)
	b.limits.memory("peak memory", after.peak, 150)
	b.limits.noted("CPU per chart is %.1f ms, and all of them took %.2f s", ms(used.cpu, classicCharts), took.Seconds())
	return b.clear(ctx)
}
