// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"bytes"
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

var _ = Describe("The cache of trusted roots", Label("trustroot", "cache"), func() {
	var c *trustroot.Cache
	BeforeEach(func() { c = trustroot.NewCache(1 << 20) })

	parse := func(owner string, raw []byte) *trustroot.Root {
		GinkgoHelper()
		root, err := c.Parse(context.Background(), owner, raw)
		Expect(err).NotTo(HaveOccurred())
		return root
	}

	It("parses the same bytes once", func() {
		raw := newRoot()
		Expect(parse("team", raw)).To(BeIdenticalTo(parse("team", bytes.Clone(raw))))
	})

	It("J5: returns a cached root even after the deadline", func() {
		kept, raw := newRoot(), newRoot()
		root := parse("team", kept)
		late, cancel := context.WithCancel(context.Background())
		cancel()
		Expect(c.Parse(late, "team", kept)).To(BeIdenticalTo(root))
		_, err := c.Parse(late, "team", raw)
		Expect(err).To(MatchError(context.Canceled))
	})

	It("J12: counts the memory that a root takes, not only its text", func() {
		raw := published(publicGood)
		parse("team", raw)
		Expect(c.Size()).To(BeNumerically(">", 4*len(raw)))
	})

	It("does not confuse two roots", func() {
		Expect(parse("team", newRoot()).ID()).NotTo(Equal(parse("team", newRoot()).ID()))
	})

	DescribeTable("J12: parses a malformed root only once",
		func(raw []byte) {
			_, first := c.Parse(context.Background(), "team", raw)
			Expect(first).To(MatchError(trustroot.ErrMalformed))
			_, second := c.Parse(context.Background(), "team", raw)
			Expect(second).To(BeIdenticalTo(first))
		},
		Entry("an empty root", []byte{}),
		Entry("not JSON", []byte("-----BEGIN CERTIFICATE-----")),
		Entry("invalid UTF-8", []byte("{\"mediaType\":\"\xff\"}")),
		Entry("a log with a malformed key", bytes.Replace(newRoot(), []byte("PKIX_ED25519"), []byte("ROT13"), 1)),
	)

	It("J12: keeps nothing of a root that is too large, and names the limit", func() {
		_, err := c.Parse(context.Background(), "team", make([]byte, trustroot.MaxSize+1))
		Expect(err).To(MatchError(trustroot.ErrMalformed))
		Expect(err).To(MatchError(ContainSubstring("262144")))
		Expect(c.Size()).To(BeZero())
	})

	DescribeTable("J12: stays within its limit, and keeps other namespaces' roots",
		func(fill func(n int) []byte) {
			ours := newRoot()
			kept := parse("team", ours)
			for n := range 200 {
				_, _ = c.Parse(context.Background(), fmt.Sprint("tenant", n%2), fill(n))
			}
			Expect(c.Size()).To(And(BeNumerically("<=", 1<<20), BeNumerically(">", 1<<19)))
			Expect(parse("team", ours)).To(BeIdenticalTo(kept))
		},
		Entry("beside many roots", func(int) []byte { return append(newRoot(), blank(20<<10)...) }),
		Entry("beside much that is malformed", func(n int) []byte { return fmt.Appendf(blank(20<<10), "%d", n) }),
	)
})

// blank is white space of n bytes.
func blank(n int) []byte { return bytes.Repeat([]byte(" "), n) }
