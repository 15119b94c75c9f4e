// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// Two of three authorities must have signed, each with its own key. If an
// authority that cannot be verified now could still be the second, there is no verdict.
func ExampleAtLeast() {
	ctx, repository := context.Background(), verifytest.NewRepository()
	subject := repository.Subject("chart")
	unsigned, unreachable := verifytest.Rejects("security"), verifytest.Inconclusive()
	build, quality := verifytest.Accepts("build", "SHA256:aa"), verifytest.Accepts("quality", "SHA256:bb")
	sameKey := verifytest.Accepts("quality", "SHA256:aa")

	for _, authorities := range [][]verify.Verifier{
		{build, quality, unsigned},
		{build, sameKey, unsigned},
		{build, unsigned, unreachable},
	} {
		_, err := verify.Check(ctx, verify.AtLeast(2, authorities...), subject, repository)
		switch {
		case err == nil:
			fmt.Println("accepted")
		case errors.Is(err, verify.ErrRejected):
			fmt.Println("rejected")
		default:
			fmt.Println("no verdict")
		}
	}
	// Output:
	// accepted
	// rejected
	// no verdict
}
