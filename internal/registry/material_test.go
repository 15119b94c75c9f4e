// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

const (
	charts     = "registry.example/charts/app"
	signatures = "registry.example/signatures"
)

// material is a signed chart in a repository, and the questions about it.
type material struct {
	ctx     context.Context
	now     time.Time
	cache   *registry.Cache
	repo    *verifytest.Repository
	beside  *verifytest.Repository
	subject registry.Manifest
	blob    ocispec.Descriptor // small, of the subject
	listed  ocispec.Descriptor // refers to the subject
}

func newMaterial() *material {
	m := &material{ctx: context.Background(), now: time.Unix(1_700_000_000, 0), repo: verifytest.NewRepository()}
	m.cache = registry.NewCache(64<<20, time.Hour, func() time.Time { return m.now })
	m.blob = m.repo.PushBlob("text/plain", []byte("payload"))
	m.repo.PushLayers("1.0.0", m.blob)
	m.subject, _ = m.repo.Resolve(m.ctx, "1.0.0")
	m.listed = m.repo.PushReferrer("application/vnd.example", m.subject.Descriptor, m.blob)
	m.repo.PushLayers("sig", m.repo.PushBlob("text/plain", []byte("signature")))
	m.beside = m.repo.Other(signatures)
	m.beside.PushLayers("sig", m.beside.PushBlob("text/plain", []byte("beside")))
	return m
}

func (m *material) reader() *registry.CachingReader {
	return m.cache.Reader(registry.Scope{Namespace: "tenant", Object: "object"}, charts, m.repo)
}

// stored writes the answers of a reader, parses them again, and returns their Reader.
func stored(r *registry.CachingReader) registry.Reader {
	GinkgoHelper()
	raw, err := json.Marshal(r.Answers())
	Expect(err).NotTo(HaveOccurred())
	answers, err := registry.ParseAnswers(raw)
	Expect(err).NotTo(HaveOccurred())
	Expect(answers).To(Equal(r.Answers()))
	return answers.Reader(charts)
}

// inquiry asks one question, and returns the answer.
type inquiry func(m *material, r registry.Reader) (any, error)

func aTag(tag string) inquiry {
	return func(m *material, r registry.Reader) (any, error) { return r.Resolve(m.ctx, tag) }
}

func aManifest(d func(m *material) digest.Digest) inquiry {
	return func(m *material, r registry.Reader) (any, error) { return r.Manifest(m.ctx, d(m)) }
}

func referrers(m *material, r registry.Reader) (any, error) {
	return r.Referrers(m.ctx, m.subject.Descriptor.Digest)
}

func aBlob(limit int64, change func(d *ocispec.Descriptor)) inquiry {
	return func(m *material, r registry.Reader) (any, error) {
		d := m.blob
		change(&d)
		return r.Blob(m.ctx, d, limit)
	}
}

// aFile asks for the file beside an archive, which is there before the question.
func aFile(suffix string, limit int64) inquiry {
	return func(m *material, r registry.Reader) (any, error) {
		m.repo.AddBeside(ofNothing(m), ".prov", []byte("signed"))
		return r.Beside(m.ctx, ofNothing(m), suffix, limit)
	}
}

func same(*ocispec.Descriptor) {}

func outside(raw []byte, err error) inquiry {
	return func(_ *material, r registry.Reader) (any, error) {
		return r.ReadThrough("URL https://web.example/app.prov?token=hunter2", "", func() ([]byte, error) { return raw, err })
	}
}

func atSibling(repository string, ask inquiry) inquiry {
	return func(m *material, r registry.Reader) (any, error) {
		sibling, err := r.Sibling(repository)
		if err != nil {
			return nil, err
		}
		return ask(m, sibling)
	}
}

// failing makes the registry fail at the subject, or its blob, before the question.
func failing(err error, ask inquiry) inquiry {
	return func(m *material, r registry.Reader) (any, error) {
		for _, ref := range []string{"1.0.0", m.subject.Descriptor.Digest.String(), m.blob.Digest.String(), "referrers"} {
			m.repo.Fail(ref, err)
		}
		return ask(m, r)
	}
}

func ofSubject(m *material) digest.Digest { return m.subject.Descriptor.Digest }
func ofNothing(*material) digest.Digest   { return digest.FromString("nothing") }

// classes are the errors that decide about a candidate.
func classes(err error) (matched []error) {
	for _, class := range []error{
		registry.ErrNotFound, registry.ErrUnauthorized, registry.ErrIntegrity, registry.ErrTooLarge, registry.ErrMalformed,
		registry.ErrDescriptor, registry.ErrURL, registry.ErrNoAnswer,
	} {
		if errors.Is(err, class) {
			matched = append(matched, class)
		}
	}
	return matched
}
