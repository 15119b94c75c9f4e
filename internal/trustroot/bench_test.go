// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"unicode/utf8"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

// FuzzParse checks that no bytes make Parse panic, accept an unusable root, or return a long error.
func FuzzParse(f *testing.F) {
	f.Add(published(publicGood))
	f.Add(newRoot())
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`))
	f.Add([]byte(`{"tlogs":[null],"certificateAuthorities":[{"certChain":{"certificates":[{}]}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		root, err := trustroot.Parse(raw)
		if err != nil {
			if !errors.Is(err, trustroot.ErrMalformed) || len(err.Error()) > 512 || !utf8.ValidString(err.Error()) {
				t.Errorf("unfit error of %d bytes: %v", len(err.Error()), err)
			}
			return
		}
		for _, log := range root.Material().RekorLogs() {
			if log.ValidityPeriodStart.IsZero() || log.PublicKey == nil {
				t.Errorf("a log without key or start: %v", log)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := published(publicGood)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := trustroot.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRoot measures Root with a root in memory.
func BenchmarkRoot(b *testing.B) {
	root := benchmarked(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := root.Root(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRootParallel measures the same, with many concurrent callers.
func BenchmarkRootParallel(b *testing.B) {
	root := benchmarked(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := root.Root(context.Background()); err != nil {
				b.Error(err)
			}
		}
	})
}

func benchmarked(b *testing.B) *trustroot.TUF {
	repository := trustroottest.New()
	repository.SetTrustedRoot(published(publicGood))
	server := httptest.NewServer(repository)
	b.Cleanup(server.Close)
	root, err := trustroot.NewTUF(trustroot.TUFOptions{Mirror: server.URL, Root: repository.RootJSON(), CacheDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := root.Root(b.Context()); err != nil {
		b.Fatal(err)
	}
	return root
}
