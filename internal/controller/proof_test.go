// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Stored signature material", Serial, func() {
	It("J12: is parsed at most twice at a time if it is large, and at once if it is small", func() {
		proof := `{"repository":"r/a","answers":{"version":1,"answers":[]}}`
		parse := func(padding int) <-chan error {
			done := make(chan error, 1)
			go func() {
				_, err := parseProof([]byte(proof + strings.Repeat(" ", padding)))
				done <- err
			}()
			return done
		}
		for range cap(largeProofs) {
			largeProofs <- struct{}{}
		}
		large := parse(largeProof)
		Eventually(parse(0)).Should(Receive(BeNil()))
		Consistently(large, "100ms").ShouldNot(Receive())
		for range cap(largeProofs) {
			<-largeProofs
		}
		Eventually(large).Should(Receive(BeNil()))
	})
})
