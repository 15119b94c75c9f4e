// SPDX-License-Identifier: Apache-2.0

package pipeline

// Step names a step of the pipeline, the same in code, logs, metrics and documentation.
type Step string

// The steps, in their order. Store and publish are the caller's.
const (
	StepResolve  Step = "resolve"
	StepManifest Step = "manifest"
	StepVerify   Step = "verify"
	StepFetch    Step = "fetch"
	StepValidate Step = "validate"
	StepStore    Step = "store"
	StepPublish  Step = "publish"
)

// Failure is the error of one step. What kind of failure it is, the wrapped error says.
type Failure struct {
	Step Step
	Err  error
}

// Error is the cause's; the step is for who sorts failures.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

func failed(step Step, err error) error { return &Failure{Step: step, Err: err} }
