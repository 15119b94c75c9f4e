// SPDX-License-Identifier: Apache-2.0

package trustroot

import "github.com/verifiedchart/verifiedchart/internal/printable"

// maxText bounds the text of an error in bytes, because an error may quote a trusted
// root or a TUF repository.
const maxText = 512

// failure is an error that matches class and cause. Its text is printable.
type failure struct{ class, cause error }

func failed(class, cause error) error { return &failure{class, cause} }

func (f *failure) Error() string {
	return printable.String(f.class.Error()+": "+f.cause.Error(), maxText)
}

func (f *failure) Unwrap() []error { return []error{f.class, f.cause} }
