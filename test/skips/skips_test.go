// SPDX-License-Identifier: Apache-2.0

package skips_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

func TestSkips(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Skips")
}

// spec is the report of a spec that ended in a state, with its output.
func spec(text string, state types.SpecState, said string) types.SpecReport {
	return types.SpecReport{LeafNodeType: types.NodeTypeIt, LeafNodeText: text, State: state, Failure: types.Failure{Message: said}}
}

var _ = Describe("the summary of a suite", func() {
	some := types.Report{SuiteDescription: "Parts", SpecReports: types.SpecReports{
		spec("reads", types.SpecStatePassed, ""),
		spec("signs", types.SpecStateSkipped, "gpg is not installed"),
		spec("mounts", types.SpecStateSkipped, "not allowed"),
		spec("revokes", types.SpecStateSkipped, "gpg is not installed"),
		spec("writes", types.SpecStateSkipped, ""),
	}}
	const told = `Parts: skipped: 2 of 5 specs: gpg is not installed
  - signs
  - revokes
Parts: skipped: 1 of 5 specs: not allowed
  - mounts
`

	DescribeTable("is", func(suite types.Report, summary string) {
		Expect(skips.Summary(suite)).To(Equal(summary))
	},
		Entry("nothing if no spec was skipped", types.Report{SpecReports: types.SpecReports{spec("reads", types.SpecStatePassed, "")}}, ""),
		Entry("nothing if a spec was skipped since it was not selected", types.Report{SpecReports: types.SpecReports{spec("reads", types.SpecStateSkipped, "")}}, ""),
		Entry("how many specs were skipped, which, and why", some, told),
	)

	It("is added to the file that the environment names", func() {
		path := filepath.Join(GinkgoT().TempDir(), "skipped")
		GinkgoT().Setenv(skips.Variable, path)
		skips.Tell(some)
		skips.Tell(some)
		Expect(os.ReadFile(path)).To(BeEquivalentTo(told + told))
	})
})
