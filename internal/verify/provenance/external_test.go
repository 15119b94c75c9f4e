// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A provenance authority", Label("provenance"), func() {
	var w *world
	BeforeEach(func() { w = newWorld() })

	DescribeTable("with an external source",
		func(answer func() ([]byte, error), expected error) {
			external := func(_ context.Context, _ registry.Reader, name, version string) (string, []byte, error) {
				raw, err := answer()
				return "shelf " + name + "/" + version, raw, err
			}
			outside := func(a *provenance.Authority) { a.Source, a.External = provenance.Outside, external }
			result, err := w.check(w.trusting(outside), w.subject(w.prov(w.theirs)))
			if expected == nil {
				Expect(err).NotTo(HaveOccurred())
				Expect(result.Signatures).To(ConsistOf(HaveField("Source", "shelf app/1.0.0")))
				return
			}
			Expect(err).To(MatchError(expected))
			Expect(err).To(MatchError(ContainSubstring("shelf app/1.0.0")), "it lists the searched locations")
		},
		Entry("accepts a file from it", func() ([]byte, error) { return w.prov(w.ours), nil }, nil),
		Entry("F1: refuses a chart without a file", func() ([]byte, error) { return nil, nil }, verify.ErrRejected),
		Entry("refuses an empty file", func() ([]byte, error) { return []byte{}, nil }, verify.ErrRejected),
		Entry("F3: refuses a file that another key signed", func() ([]byte, error) { return w.prov(w.theirs), nil }, verify.ErrRejected),
		Entry("F21: refuses a file that is too large", func() ([]byte, error) { return make([]byte, provenance.MaxSize+1), nil }, verify.ErrRejected),
		Entry("refuses a file that cannot be valid", func() ([]byte, error) { return nil, verify.Refuse("x") }, verify.ErrRejected),
		Entry("reaches no verdict if the file could not be read", func() ([]byte, error) { return nil, fmt.Errorf("shelf app/1.0.0: %w", verifytest.ErrUnreachable) }, verifytest.ErrUnreachable),
	)
})
