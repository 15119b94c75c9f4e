// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

// The signed text of a provenance file names one chart and the digest of its archive.
func ExampleParse() {
	archive := digest.FromString("the archive")
	text := "name: app\nversion: 1.0.0\n\n...\nfiles:\n  app-1.0.0.tgz: " + archive.String() + "\n"

	signed, err := document.Parse([]byte(text))
	fmt.Println(signed.Name, signed.Version, err)
	fmt.Println("this chart:", signed.Binds("app", "1.0.0", archive))
	fmt.Println("a mismatch under a newer tag:", errors.Is(signed.Binds("app", "1.1.0", archive), document.ErrMismatch))
	// Output:
	// app 1.0.0 <nil>
	// this chart: <nil>
	// a mismatch under a newer tag: true
}
