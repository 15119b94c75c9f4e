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
var ErrMismatch = errors.New("the provenance is another chart's")

// Binds returns an error matching ErrMismatch unless the document speaks for
// just this chart: its name and version are these, and the one file that it names
// is the archive, by the file name under which `helm package` writes it and by
// digest. An error is bounded in length and fit to be shown.
//
// Versions are compared as texts, but for a leading 'v' that one has and the
// other lacks, since a tag may have one that Chart.yaml does not, and the reverse.
// They are not compared as semantic versions: those are equal whatever build they
// name after '+'. Where the version comes from a tag, the caller has turned '_' into '+'.
func (d Document) Binds(name, version string, archive digest.Digest) error {
	if name == "" || d.Name != name {
		return mismatch("it is for the chart %q, not %q", d.Name, name)
	}
	if version == "" || !sameVersion(d.Version, version) {
		return mismatch("it is for the version %q, not %q", d.Version, version)
	}
	if len(d.Files) != 1 {
		return fmt.Errorf("%w: it names %d files, not one", ErrMismatch, len(d.Files))
	}
	for file, sum := range d.Files {
		if want := d.Name + "-" + d.Version + ".tgz"; file != want {
			return mismatch("it names the file %q, not %q", file, want)
		}
		if archive == "" || sum != archive {
			return mismatch("it is for an archive with the digest %q, not %q", string(sum), string(archive))
		}
	}
	return nil
}

// sameVersion reports whether two texts are the same but for a 'v' at the beginning of one of them.
func sameVersion(a, b string) bool {
	return strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v")
}

// mismatch returns an error that says what was found, and what was asked for.
func mismatch(format, found, asked string) error {
	return fmt.Errorf("%w: "+format, ErrMismatch, printable.String(found, maxShown), printable.String(asked, maxShown))
}
