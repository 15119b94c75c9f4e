// SPDX-License-Identifier: Apache-2.0

package document

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ErrMismatch is matched by every error of Binds.
var ErrMismatch = errors.New("the provenance is for a different chart")

// Binds returns an error matching ErrMismatch unless the document is for exactly this chart: it has this name
// and version, and the one file that it names is the archive, with this digest and the file name that `helm
// package` gives it. The error is bounded in length and safe to display.
//
// Versions are compared as texts. Only a leading 'v' may differ, because a tag may have one that Chart.yaml
// lacks, and the reverse. They are not compared as semantic versions, which ignore the build after '+'. If the
// version comes from a tag, the caller has replaced '_' with '+'.
func (d Document) Binds(name, version string, archive digest.Digest) error {
	if name == "" || d.Name != name {
		return mismatch("it is for chart %q, not %q", d.Name, name)
	}
	if version == "" || !sameVersion(d.Version, version) {
		return mismatch("it is for version %q, not %q", d.Version, version)
	}
	if len(d.Files) != 1 {
		return fmt.Errorf("%w: it names %d files, not one", ErrMismatch, len(d.Files))
	}
	for file, sum := range d.Files {
		if expected := d.Name + "-" + d.Version + ".tgz"; file != expected {
			return mismatch("it names the file %q, not %q", file, expected)
		}
		if archive == "" || sum != archive {
			return mismatch("it is for an archive with digest %q, not %q", string(sum), string(archive))
		}
	}
	return nil
}

// sameVersion reports whether two texts are equal, except for a 'v' at the beginning of one of them.
func sameVersion(a, b string) bool {
	return strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v")
}

// mismatch returns an error with the found and the requested value.
func mismatch(format, found, requested string) error {
	return fmt.Errorf("%w: "+format, ErrMismatch, printable.String(found, maxShown), printable.String(requested, maxShown))
}
