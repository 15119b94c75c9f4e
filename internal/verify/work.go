// SPDX-License-Identifier: Apache-2.0

package verify

import "context"

// MaxWork bounds the work that one policy spends on one Subject, whatever was pushed. One unit is about one
// verification of a signature, at most half a millisecond. So a verdict needs no deadline, and the chart of one
// tenant cannot delay the charts of others for long. Candidates over the bound are refused, like other
// candidates that are not considered.
const MaxWork = 512

type workKey struct{}

// withWork returns a context in which the authorities of one policy share MaxWork.
func withWork(ctx context.Context) context.Context {
	left := MaxWork
	return context.WithValue(ctx, workKey{}, &left)
}

// takeWork takes an amount of the work that is left in ctx, and reports whether there was enough. Without a
// bound in ctx there always is. It is not safe for concurrent use: a policy does not ask its authorities
// concurrently.
func takeWork(ctx context.Context, amount int) bool {
	left, ok := ctx.Value(workKey{}).(*int)
	if !ok {
		return true
	}
	if *left < amount {
		return false
	}
	*left -= amount
	return true
}
