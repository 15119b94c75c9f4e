// SPDX-License-Identifier: Apache-2.0

package material

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("J12: The held part of a Secret with keys", Label("cache"),
	func(data map[string][]byte, names ...string) {
		held := keyEntries(data)
		Expect(len(held)).To(BeNumerically("<=", maxEntries))
		Expect(sizeOf(held)).To(BeNumerically("<=", maxEntries*(maxEntry+253)))
		for _, name := range names {
			Expect(held).To(HaveKey(name))
		}
	},
	Entry("is all of a small one", map[string][]byte{"cosign.pub": []byte("key"), "cosign.key": []byte("PRIVATE")}, "cosign.pub", "cosign.key"),
	Entry("is the beginning of a long entry", map[string][]byte{"cosign.pub": []byte(strings.Repeat("x", 1<<20))}, "cosign.pub"),
	Entry("is the public keys before other entries", many("a", 1000, "z.pub"), "z.pub"),
	Entry("is empty for an empty one", map[string][]byte{}),
)

// many returns a number of entries, and one more.
func many(prefix string, n int, more string) map[string][]byte {
	data := map[string][]byte{more: nil}
	for i := range n {
		data[fmt.Sprint(prefix, i)] = []byte("x")
	}
	return data
}
