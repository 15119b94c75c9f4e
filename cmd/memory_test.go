// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestMemoryLimit(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want int64
		ok   bool
	}{
		"a limit of 1 GiB":              {"1073741824\n", 912680550, true},
		"no limit, of cgroup version 2": {"max\n", 0, false},
		"no limit, of cgroup version 1": {"9223372036854771712\n", 0, false},
		"zero":                          {"0", 0, false},
		"a negative number":             {"-1", 0, false},
		"no number":                     {"", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := memoryLimit(row.text); got != row.want || ok != row.ok {
				t.Fatalf("got %d, %t", got, ok)
			}
		})
	}
}
