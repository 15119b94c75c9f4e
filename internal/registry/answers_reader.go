// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// stored is a Reader of Answers. It uses no network.
type stored struct {
	answers    Answers
	repository string
}

// Tags implements Reader. Answers hold no tags.
func (r stored) Tags(context.Context) ([]string, error) { return nil, r.failed("tags", ErrNoAnswer) }

// Open implements Reader. Answers hold no archive.
func (r stored) Open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	return nil, r.failed("blob "+d.Digest.String(), ErrNoAnswer)
}

// Resolve implements Reader.
func (r stored) Resolve(ctx context.Context, tag string) (Manifest, error) {
	if !tagPattern.MatchString(tag) {
		return Manifest{}, r.failed("manifest", errNoTag)
	}
	given, err := r.answer(kindTag, tag, "tag "+tag)
	if err != nil {
		return Manifest{}, err
	}
	return r.Manifest(ctx, given.Digest)
}

// Manifest implements Reader.
func (r stored) Manifest(_ context.Context, d digest.Digest) (Manifest, error) {
	what := "manifest " + d.String()
	if err := checkDigest(d); err != nil {
		return Manifest{}, r.failed("manifest", err)
	}
	given, err := r.answer(kindManifest, d.String(), what)
	if err != nil {
		return Manifest{}, err
	}
	if got := d.Algorithm().FromBytes(given.Raw); got != d {
		return Manifest{}, r.failed(what, fmt.Errorf("%w: %s", ErrIntegrity, got))
	}
	return Manifest{
		Descriptor: ocispec.Descriptor{MediaType: given.MediaType, Digest: d, Size: int64(len(given.Raw))},
		Raw:        given.Raw,
	}, nil
}

// Referrers implements Reader.
func (r stored) Referrers(_ context.Context, d digest.Digest) (Referrers, error) {
	what := "referrers of " + d.String()
	if err := checkDigest(d); err != nil {
		return Referrers{}, r.failed("referrers", err)
	}
	given, err := r.answer(kindReferrers, d.String(), what)
	if err != nil {
		return Referrers{}, err
	}
	var list struct {
		Descriptors Descriptors `json:"descriptors"`
		More        bool        `json:"more"`
		Omitted     int         `json:"omitted"`
	}
	if err := json.Unmarshal(given.Raw, &list); err != nil {
		return Referrers{}, r.failed(what, fmt.Errorf("%w: not a list of referrers", ErrMalformed))
	}
	return Referrers{Descriptors: list.Descriptors, More: list.More, Omitted: max(list.Omitted, 0)}, nil
}

// LacksReferrers implements Reader.
func (r stored) LacksReferrers() bool {
	_, lacks := r.answers.held[question{Repository: r.repository, Kind: kindLacks}]
	return lacks
}

// Blob implements Reader.
func (r stored) Blob(_ context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	what := "blob " + d.Digest.String()
	if d.Size > limit {
		return nil, r.failed(what, tooLarge(d.Size, limit))
	}
	if err := checkDescriptor(d); err != nil {
		return nil, r.failed("blob", err)
	}
	given, err := r.answer(kindBlob, blobRef(d), what)
	if err != nil {
		return nil, err
	}
	if err := checkBlob(d, given.Raw); err != nil {
		return nil, r.failed(what, err)
	}
	return given.Raw, nil
}

// Sibling implements Reader.
func (r stored) Sibling(repository string) (Reader, error) {
	name, err := ParseURL(scheme + repository)
	if err != nil {
		return nil, err
	}
	return stored{answers: r.answers, repository: name}, nil
}

// ReadThrough implements Reader. It never calls ask.
func (r stored) ReadThrough(text, _ string, _ func() ([]byte, error)) ([]byte, error) {
	given, err := r.answer(kindOutside, digest.FromString(text).String(), "a file that is kept outside")
	if err != nil {
		return nil, err
	}
	return given.Raw, nil
}

// Beside implements Reader.
func (r stored) Beside(_ context.Context, archive digest.Digest, suffix string, limit int64) ([]byte, error) {
	what := "file " + suffix + " beside archive " + archive.String()
	given, err := r.answer(kindBeside, besideRef(archive, suffix), what)
	if err != nil {
		return nil, err
	}
	if n := int64(len(given.Raw)); n > limit {
		return nil, r.failed(what, tooLarge(n, limit))
	}
	return given.Raw, nil
}

// answer returns the answer to a question if it is content.
func (r stored) answer(k kind, ref, what string) (answer, error) {
	given, ok := r.answers.held[question{Repository: r.repository, Kind: k, Ref: ref}]
	switch {
	case given.Problem == faultDropped, !ok && r.answers.full:
		return answer{}, &DroppedError{Size: given.Dropped, what: "read " + what + " of " + r.repository}
	case !ok:
		return answer{}, r.failed(what, ErrNoAnswer)
	case given.Problem != "":
		return answer{}, r.failed(what, given.Problem.class())
	}
	return given, nil
}

// failed adds to an error which content of which repository could not be read.
func (r stored) failed(what string, err error) error {
	return outbound.Redacted("read "+what+" of "+r.repository, err)
}
