// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("A registry's answer that is larger than the free bytes", Label("registry"), func() {
	list := func(ctx context.Context, p pushed, r registry.Reader) error {
		_, err := r.Referrers(ctx, p.manifest.Digest)
		return err
	}
	DescribeTable("J12: needs a ticket",
		func(ask question, answer string) {
			p, ctx, pool := push(), context.Background(), outbound.NewPool(2)
			raw := answer + strings.Repeat(" ", outbound.FreeRead+1)
			p.archive.Digest, p.archive.Size = digest.FromString(raw), int64(len(raw))
			p.Break(body(len(raw), []byte(raw)))
			_, err := outbound.ReadAll(outbound.WithMeter(ctx, pool.Meter("a")), strings.NewReader(raw), 1<<20, nil)
			Expect(err).NotTo(HaveOccurred())
			soon, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			Expect(ask(outbound.WithMeter(soon, pool.Meter("a")), p, p.reader())).To(MatchError(context.DeadlineExceeded))
			Expect(ask(outbound.WithMeter(ctx, pool.Meter("b")), p, p.reader())).To(Succeed())
		},
		Entry("as a list of tags", question(tags), `{"tags":[]}`),
		Entry("as a list of referrers", question(list), `{"manifests":[]}`),
		Entry("as a manifest", question(resolve), `{}`),
		Entry("as a blob", question(blob), ""),
	)
})
