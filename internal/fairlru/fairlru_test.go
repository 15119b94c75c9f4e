// SPDX-License-Identifier: Apache-2.0

package fairlru_test

import (
	"fmt"
	"sync"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/fairlru"
)

func TestFairLRU(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Fair cache")
}

// unit is the size of a value that counts as 1,000 bytes, and limit holds ten of them.
const unit, limit = 1000 - fairlru.Overhead, 10_000

var _ = Describe("The cache", Label("cache"), func() {
	var c *fairlru.Cache[int, string]
	BeforeEach(func() { c = fairlru.New[int, string](limit) })

	fill := func(owner string, n int) {
		for i := range n {
			c.Add(owner, i, fmt.Sprint(owner, i), unit)
		}
	}
	kept := func(owner string, among int) (n int) {
		for i := range among {
			if value, ok := c.Get(owner, i); ok {
				Expect(value).To(Equal(fmt.Sprint(owner, i)))
				n++
			}
		}
		return n
	}

	It("returns a value to its owner only", func() {
		fill("a", 1)
		Expect(kept("a", 1)).To(Equal(1))
		Expect(kept("b", 1)).To(BeZero())
	})

	It("J12: gives no owner more than half, whatever it adds", func() {
		fill("a", 1000)
		Expect(c.Size()).To(Equal(limit / 2))
		Expect(kept("a", 1000)).To(Equal(5))
	})

	It("keeps the values that their owner used last", func() {
		fill("a", 5)
		_, ok := c.Get("a", 0)
		Expect(ok).To(BeTrue())
		c.Add("a", 5, "a5", unit)
		_, ok = c.Get("a", 0)
		Expect(ok).To(BeTrue(), "it was used after the second")
		_, ok = c.Get("a", 1)
		Expect(ok).To(BeFalse())
	})

	// load is how many other owners add values in each round, and how many values each adds.
	type load struct{ owners, values int }
	DescribeTable("J12: takes nothing from an owner of few values",
		func(others load) {
			fill("small", 1)
			for round := range 3 {
				for i := range others.owners {
					for j := range others.values {
						c.Add(fmt.Sprint("big", i), round*others.values+j, "x", unit)
					}
				}
			}
			Expect(kept("small", 1)).To(Equal(1))
			Expect(c.Size()).To(BeNumerically("<=", limit))
		},
		Entry("if one other fills its half", load{owners: 1, values: 100}),
		Entry("if two others fill their halves", load{owners: 2, values: 100}),
		Entry("if four others add more than the limit", load{owners: 4, values: 50}),
	)

	It("keeps most values that equal owners ask for in turn, even if not all of them fit", func() {
		found := 0
		for range 50 {
			for i := range 12 {
				owner := fmt.Sprint("o", i)
				if _, ok := c.Get(owner, 0); ok {
					found++
				} else {
					c.Add(owner, 0, "x", unit)
				}
			}
		}
		Expect(found).To(BeNumerically(">", 50*12/4))
	})

	const isKept, isNotKept = true, false
	DescribeTable("keeps no value that takes more than half by itself, and drops the value it would replace",
		func(size int, expected bool) {
			c.Add("a", 1, "small", unit)
			c.Add("a", 1, "large", size)
			value, found := c.Get("a", 1)
			Expect(found).To(Equal(expected))
			if expected {
				Expect(value).To(Equal("large"))
			} else {
				Expect(c.Size()).To(BeZero())
			}
		},
		Entry("exactly half", limit/2-fairlru.Overhead, isKept),
		Entry("a byte more", limit/2-fairlru.Overhead+1, isNotKept),
		Entry("more than all", limit*2, isNotKept),
	)

	It("no longer counts a value that is replaced or removed", func() {
		for range 100 {
			c.Add("a", 1, "x", unit)
		}
		Expect(c.Size()).To(Equal(1000))
		c.Remove("a", 1)
		c.Remove("a", 1)
		c.Remove("b", 1)
		Expect(c.Size()).To(BeZero())
	})

	DescribeTable("keeps nothing if it has no room",
		func(limit int) {
			c = fairlru.New[int, string](limit)
			fill("a", 10)
			Expect(c.Size()).To(BeZero())
		},
		Entry("at all", 0),
		Entry("for the overhead", fairlru.Overhead),
		Entry("because the limit is negative", -1),
	)

	It("is safe for concurrent use", func() {
		var wait sync.WaitGroup
		for i := range 4 {
			wait.Go(func() {
				for j := range 500 {
					c.Add(fmt.Sprint(i), j%7, "x", unit)
					c.Get(fmt.Sprint(i), j%5)
					c.Remove(fmt.Sprint(i), j%3)
				}
			})
		}
		wait.Wait()
		Expect(c.Size()).To(BeNumerically("<=", limit))
	})
})
