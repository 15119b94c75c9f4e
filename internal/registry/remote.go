// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// maxBlobSize is larger than any blob that is read; a larger size is malformed.
const maxBlobSize = 1 << 30

// remote is a Reader of one repository over HTTP.
type remote struct {
	client     *Client
	target     Target
	name       string // host/path in the user's spelling
	host       string // the host that serves the repository
	base       string // https://host/v2/path
	scope      string // of the requested token
	origin     outbound.Origin
	authorized *auth.Client
}

// acceptManifests lists the media types of charts and signatures. It also lists indexes, so that an index can
// be distinguished from a missing manifest.
var acceptManifests = strings.Join([]string{
	ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex,
	"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
}, ", ")

var errNoTag = fmt.Errorf("%w: the name is not a tag", ErrNotFound)

// Resolve implements Reader.
func (r *remote) Resolve(ctx context.Context, tag string) (Manifest, error) {
	if !tagPattern.MatchString(tag) {
		return Manifest{}, r.failed("manifest", errNoTag)
	}
	m, err := r.manifest(ctx, tag)
	if err != nil {
		return Manifest{}, r.failed("tag "+tag, err)
	}
	return m, nil
}

// names reports whether the registry answers that the tag still names the manifest d. Any other answer, and any
// fault, only means that the manifest has to be read: the header of an answer proves nothing else. Registries
// count a HEAD neither as a pull nor towards the limit of pulls.
func (r *remote) names(ctx context.Context, tag string, d digest.Digest) bool {
	if !tagPattern.MatchString(tag) || r.limited(r.origin.Tenant) != nil {
		return false
	}
	req, err := r.request(outbound.For(ctx, r.origin), http.MethodHead, r.base+"/manifests/"+tag, acceptManifests)
	if err != nil {
		return false
	}
	req.Header.Set("If-None-Match", `"`+d.String()+`"`)
	resp, err := r.authorized.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusNotModified ||
		resp.StatusCode == http.StatusOK && resp.Header.Get("Docker-Content-Digest") == d.String()
}

// Manifest implements Reader.
func (r *remote) Manifest(ctx context.Context, d digest.Digest) (Manifest, error) {
	if err := checkDigest(d); err != nil {
		return Manifest{}, r.failed("manifest", err)
	}
	m, err := r.manifest(ctx, d.String())
	if err == nil && m.Descriptor.Digest != d {
		m.Descriptor.Digest = d.Algorithm().FromBytes(m.Raw)
		if m.Descriptor.Digest != d {
			err = fmt.Errorf("%w: %s", ErrIntegrity, m.Descriptor.Digest)
		}
	}
	if err != nil {
		return Manifest{}, r.failed("manifest "+d.String(), err)
	}
	return m, nil
}

func (r *remote) manifest(ctx context.Context, reference string) (Manifest, error) {
	resp, err := r.get(ctx, r.base+"/manifests/"+reference, acceptManifests)
	if err != nil {
		return Manifest{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	raw, err := outbound.ReadAll(ctx, resp.Body, MaxManifestSize, ErrTooLarge)
	if err != nil {
		return Manifest{}, err
	}
	return Manifest{
		Descriptor: ocispec.Descriptor{MediaType: mediaTypeOf(raw, resp.Header), Digest: digest.FromBytes(raw), Size: int64(len(raw))},
		Raw:        raw,
	}, nil
}

func mediaTypeOf(raw []byte, h http.Header) string {
	var inside struct {
		MediaType string `json:"mediaType"`
	}
	if json.Unmarshal(raw, &inside) == nil && inside.MediaType != "" {
		return inside.MediaType
	}
	return mediaTypeIn(h)
}

// mediaTypeIn returns the Content-Type without its parameters, in lower case.
func mediaTypeIn(h http.Header) string {
	mediaType, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// Blob implements Reader.
func (r *remote) Blob(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		return nil, r.failed("blob "+d.Digest.String(), tooLarge(d.Size, limit))
	}
	resp, failed, err := r.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing of a read body depends on it
	raw, err := outbound.ReadAll(ctx, resp.Body, limit, ErrTooLarge)
	if errors.Is(err, ErrTooLarge) {
		err = fmt.Errorf("%w: more than its descriptor says", ErrIntegrity)
	}
	if err == nil {
		err = checkBlob(d, raw)
	}
	if err != nil {
		return nil, failed(err)
	}
	return raw, nil
}

func tooLarge(size, limit int64) error {
	return fmt.Errorf("%w: %d bytes, of at most %d", ErrTooLarge, size, limit)
}

// checkBlob returns an error if the bytes do not match the descriptor.
func checkBlob(d ocispec.Descriptor, raw []byte) error {
	switch {
	case d.Digest.Algorithm().FromBytes(raw) != d.Digest:
		return fmt.Errorf("%w: digest mismatch", ErrIntegrity)
	case int64(len(raw)) != d.Size:
		return fmt.Errorf("%w: %d bytes, and it has %d", ErrDescriptor, d.Size, len(raw))
	}
	return nil
}

// Open implements Reader.
func (r *remote) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	resp, failed, err := r.blob(ctx, d)
	if err != nil {
		return nil, err
	}
	if resp.ContentLength >= 0 && resp.ContentLength != d.Size {
		_ = resp.Body.Close()
		return nil, failed(fmt.Errorf("%w: Content-Length %d, not %d", ErrIntegrity, resp.ContentLength, d.Size))
	}
	return newVerifiedBody(resp.Body, d, failed), nil
}

// blob requests a blob. The caller passes errors of its body through failed.
func (r *remote) blob(ctx context.Context, d ocispec.Descriptor) (resp *http.Response, failed func(error) error, err error) {
	if err := checkDescriptor(d); err != nil {
		return nil, nil, r.failed("blob", err)
	}
	failed = func(err error) error { return r.failed("blob "+d.Digest.String(), err) }
	if resp, err = r.get(ctx, r.base+"/blobs/"+d.Digest.String(), ""); err != nil {
		return nil, nil, failed(err)
	}
	return resp, failed, nil
}

// Beside implements Reader.
func (r *remote) Beside(_ context.Context, _ digest.Digest, suffix string, _ int64) ([]byte, error) {
	return nil, r.failed("file "+suffix, ErrNotFound)
}

// Sibling implements Reader.
func (r *remote) Sibling(repository string) (Reader, error) {
	target := r.target
	target.Repository = repository
	host, _ := endpointOf(repository)
	target.PlainHTTP = r.target.PlainHTTP && host == r.host
	return r.client.Repository(target)
}

// ReadThrough implements Reader. It caches nothing.
func (r *remote) ReadThrough(_, _ string, ask func() ([]byte, error)) ([]byte, error) { return ask() }

func checkDescriptor(d ocispec.Descriptor) error {
	if d.Size < 0 || d.Size > maxBlobSize {
		return fmt.Errorf("%w: a size of %d bytes", ErrDescriptor, d.Size)
	}
	return checkDigest(d.Digest)
}

func checkDigest(d digest.Digest) error {
	if err := d.Validate(); err != nil || (d.Algorithm() != digest.SHA256 && d.Algorithm() != digest.SHA512) {
		return fmt.Errorf("%w: a digest that is neither sha256 nor sha512", ErrDescriptor)
	}
	return nil
}

// failed adds to an error which content of which repository could not be read, and removes secrets.
func (r *remote) failed(what string, err error) error {
	var limited *outbound.RateLimitedError
	switch {
	case errors.As(err, &limited) && isDockerHub(r.host) && r.target.Credentials.isEmptyFor(r.name):
		return problem.Explain(limited, limited.Error(), "name an account of Docker Hub in secretRef for a higher limit")
	case errors.As(err, &limited):
		return limited
	}
	var answer *refusal
	redacted := outbound.Redacted(fmt.Sprintf("read %s of %s", what, r.name), err)
	switch {
	case errors.Is(err, ErrNotFound):
		return problem.Explain(redacted, fmt.Sprintf("%s not found in %s", what, r.name),
			"correct url or ref; if the repository is private, set secretRef to credentials that may read the repository")
	case errors.As(err, &answer) && answer.isAccess():
		return r.explainAccess(redacted, answer)
	case errors.Is(err, ErrUnauthorized):
		return problem.Explain(redacted, fmt.Sprintf("%s refuses access to %s", r.host, strings.TrimPrefix(r.name, r.host+"/")), r.accessFix())
	case errors.Is(err, ErrIntegrity), errors.Is(err, ErrTooLarge), errors.Is(err, ErrMalformed), errors.Is(err, ErrDescriptor):
		return redacted
	}
	brief, fix := outbound.Explain(r.host, err)
	return problem.Explain(redacted, brief, fix)
}
