// SPDX-License-Identifier: Apache-2.0

package trustroot

import "github.com/verifiedchart/verifiedchart/internal/printable"

// maxText bounds the text of an error in bytes: a trusted root and a TUF
// repository may name anything at any length.
const maxText = 512

// failure is an error that matches class and cause, with a text fit to be shown.
type failure struct{ class, cause error }

func failed(class, cause error) error { return &failure{class, cause} }

func (f *failure) Error() string {
	return printable.String(f.class.Error()+": "+f.cause.Error(), maxText)
}

func (f *failure) Unwrap() []error { return []error{f.class, f.cause} }
