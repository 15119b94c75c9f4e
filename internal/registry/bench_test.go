// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// benchmark reads from a registry in process, whose costs are included in the results.
func benchmark(b *testing.B, ask question, opts ...registrytest.Option) {
	r := registrytest.New(opts...)
	defer r.Close()
	p := pushTo(r)
	client, target := newClient(), p.target()
	if r.Server.TLS != nil {
		target.Route, target.PlainHTTP = trusting(r.Roots()), false
	}
	reader, err := client.Repository(target)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := ask(context.Background(), p, reader); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTags(b *testing.B)       { benchmark(b, tags) }
func BenchmarkResolve(b *testing.B)    { benchmark(b, resolve) }
func BenchmarkResolveTLS(b *testing.B) { benchmark(b, resolve, registrytest.TLS) }
func BenchmarkManifest(b *testing.B)   { benchmark(b, manifest) }
func BenchmarkBlob(b *testing.B)       { benchmark(b, blob) }
func BenchmarkRepository(b *testing.B) {
	client := newClient()
	for b.Loop() {
		if _, err := client.Repository(registry.Target{Repository: "ghcr.io/org/charts/app"}); err != nil {
			b.Fatal(err)
		}
	}
}
