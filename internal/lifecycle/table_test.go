// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the truth table into docs/architecture.md")

const (
	architecture = "../../docs/architecture.md"
	tableBegin   = "<!-- truth table: go test ./internal/lifecycle -run TestTable -update -->\n"
	tableEnd     = "<!-- end of the truth table -->"
)

// TestTable fails if the truth table in the documentation differs from the rules.
func TestTable(t *testing.T) {
	raw, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), tableBegin)
	if !found {
		t.Fatalf("%s has no line %q", architecture, tableBegin)
	}
	table, after, found := strings.Cut(rest, tableEnd)
	if !found {
		t.Fatalf("%s has no line %q", architecture, tableEnd)
	}
	if table == Table() {
		return
	}
	if !*update {
		t.Fatalf("the truth table in %s is stale: run go test ./internal/lifecycle -run TestTable -update", architecture)
	}
	if err := os.WriteFile(architecture, []byte(before+tableBegin+Table()+tableEnd+after), 0o600); err != nil {
		t.Fatal(err)
	}
}
