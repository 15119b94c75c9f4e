// SPDX-License-Identifier: Apache-2.0

package pipeline

// Step names a step of the pipeline. The documents use the same names.
type Step string

// The steps, in their order. The caller stores and publishes.
const (
	StepResolve  Step = "resolve"
	StepManifest Step = "manifest"
	StepVerify   Step = "verify"
	StepFetch    Step = "fetch"
	StepValidate Step = "validate"
	StepStore    Step = "store"
	StepPublish  Step = "publish"
)

// Failure is the error of one step. The wrapped error determines the kind of failure.
type Failure struct {
	Step Step
	Err  error
}

// Error returns the text of the cause. The step is for callers that classify failures.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

func failed(step Step, err error) error { return &Failure{Step: step, Err: err} }
