// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"strings"
)

// Table returns the truth table of the rules as Markdown. The first row that applies decides.
func Table() string {
	var b strings.Builder
	b.WriteString("| # | if | then | verdict on the published chart | its path |\n|---|---|---|---|---|\n")
	for i, r := range rules {
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", i+1, r.name, r.action, yes(r.verified), r.path())
	}
	return b.String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// path returns the next state of the published chart's path, as text for the table.
func (r rule) path() string {
	switch {
	case r.action == Withdraw, r.action == Remove, r.absent:
		return "404"
	case r.action == Publish:
		return "200, under the path of the new chart; the old path at most 60 s longer"
	case r.pending:
		return "as before, for at most 3 s; 503 if this process did not serve it yet"
	case r.action == Hold:
		return "200"
	}
	return "200; 503 while its file is lost"
}
