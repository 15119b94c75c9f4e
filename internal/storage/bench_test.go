// SPDX-License-Identifier: Apache-2.0

package storage_test

import (
	"bytes"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// chartSize is that of a usual chart's archive.
const chartSize = 50 << 10

func BenchmarkCheck(b *testing.B) {
	s, err := storage.New(options(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	a := s.NewArtifact(object("apps", "podinfo"), "1.0.0", "chart.tgz")
	if err := commit(s, &a, bytes.Repeat([]byte("x"), chartSize)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(chartSize)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Check(a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	s, err := storage.New(options(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	content := bytes.Repeat([]byte("x"), chartSize)
	a := s.NewArtifact(object("apps", "podinfo"), "1.0.0", "chart.tgz")
	b.SetBytes(chartSize)
	b.ReportAllocs()
	for b.Loop() {
		a.Digest = ""
		if err := commit(s, &a, content); err != nil {
			b.Fatal(err)
		}
	}
}
