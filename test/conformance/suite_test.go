// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// expired is a bundle that is half a year old, with a timestamp from certificates that have expired since. The
// code that makes it uses the time of its clock.
var expired *given

func TestConformance(t *testing.T) {
	RegisterFailHandler(Fail)
	synctest.Test(t, func(*testing.T) {
		at := ours.Epoch.AddDate(0, -6, 0)
		time.Sleep(time.Until(at)) // the clock of the bubble jumps there
		expired = keyless(rekorV2Alone, func(h *How) { h.Time = at })()
		l := newLab(at.AddDate(0, -1, 0), at.AddDate(0, 1, 0))
		l.trustedBy(expired.root)
		addStamps(expired, l.stamp(expired.signature(), at))
	})
	RunSpecs(t, "Conformance")
}
