// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"errors"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// FuzzParseRevocations checks that a malformed list returns a bounded error that is not
// a rejection.
func FuzzParseRevocations(f *testing.F) {
	for _, s := range []string{
		"{}", "", "digests: [" + string(bad) + "]\nkeys: [c0ffee00c0ffee00]", "identities: [{issuer: x, subject: .*}]",
		"versions: [{url: oci://ghcr.io:0443/**, range: 1.10}]", "digests: &a [*a]", "? {a: b}\n: c", "--- a\n--- b", "<<: {digests: []}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, err := policy.ParseRevocations("the list", raw)
		if err != nil && (!errors.Is(err, verify.ErrTrustMalformed) || errors.Is(err, verify.ErrRejected) || len(err.Error()) > 4096) {
			t.Errorf("not a bounded fault: %v", err)
		}
	})
}
