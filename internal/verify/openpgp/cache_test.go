// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The cache of keyrings", func() {
	ours, theirs := Public(NewKey()), Public(NewKey())
	parse := func(c *openpgp.Cache, entries map[string][]byte) *openpgp.Keyring {
		GinkgoHelper()
		keyring, err := c.Parse(entries)
		Expect(err).NotTo(HaveOccurred())
		return keyring
	}

	It("parses the same entries once", func() {
		c := openpgp.NewCache(1 << 20)
		first := parse(c, map[string][]byte{"a": ours, "b": theirs})
		Expect(parse(c, map[string][]byte{"b": theirs, "a": ours})).To(BeIdenticalTo(first))
	})

	DescribeTable("takes no keyring for another",
		func(other map[string][]byte) {
			c := openpgp.NewCache(1 << 20)
			first := parse(c, map[string][]byte{"a": ours, "b": theirs})
			Expect(parse(c, other)).NotTo(BeIdenticalTo(first))
		},
		Entry("of fewer entries", map[string][]byte{"a": ours}),
		Entry("of entries by other names", map[string][]byte{"a": ours, "c": theirs}),
		Entry("of other entries by the same names", map[string][]byte{"a": theirs, "b": ours}),
		Entry("of the same bytes, parted elsewhere", map[string][]byte{"a": append(append([]byte{}, ours...), "b"...), "b": theirs}),
	)

	It("keeps what was used last, within its limit", func() {
		c := openpgp.NewCache(len(ours) + len(theirs) + 1)
		first := parse(c, map[string][]byte{"a": ours})
		parse(c, map[string][]byte{"a": theirs})
		Expect(parse(c, map[string][]byte{"a": theirs})).NotTo(BeIdenticalTo(first))
		second := parse(c, map[string][]byte{"a": theirs})
		Expect(parse(c, map[string][]byte{"a": theirs})).To(BeIdenticalTo(second))
		Expect(parse(c, map[string][]byte{"a": ours})).NotTo(BeIdenticalTo(first), "two are over the limit")
	})

	It("keeps none that is over its limit by itself", func() {
		c := openpgp.NewCache(8)
		first := parse(c, map[string][]byte{"a": ours})
		Expect(parse(c, map[string][]byte{"a": ours})).NotTo(BeIdenticalTo(first))
	})

	It("keeps no keyring that is none", func() {
		c := openpgp.NewCache(1 << 20)
		for range 2 {
			_, err := c.Parse(map[string][]byte{"a": []byte("x")})
			Expect(err).To(MatchError(openpgp.ErrKeyring))
		}
	})
})
