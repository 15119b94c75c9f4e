// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/repo"

	"github.com/verifiedchart/verifiedchart/internal/helmindex"
)

// read finds a chart in the text of an index.
func read(text, name string) (helmindex.Chart, error) {
	return helmindex.Find(strings.NewReader(text), int64(len(text)), name)
}

// byHelm loads the text of an index by Helm.
func byHelm(folder, text string) (*repo.IndexFile, error) {
	log.SetOutput(io.Discard) // Helm logs each entry that it skips
	path := filepath.Join(folder, "index.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		panic(err)
	}
	return repo.LoadIndexFile(path)
}

// difference describes how our entries of a chart differ from Helm's, or is empty. The order does not count, because
// Helm sorts the entries.
func difference(ours []helmindex.Entry, helms repo.ChartVersions) string {
	var have, want []string
	for _, e := range ours {
		have = append(have, fmt.Sprintf("%q %q %q %v", e.Name, e.Version, e.URLs, e.Created.UnixNano()))
	}
	for _, e := range helms {
		want = append(want, fmt.Sprintf("%q %q %q %v", e.Name, e.Version, e.URLs, e.Created.UnixNano()))
	}
	slices.SortFunc(have, cmp.Compare)
	slices.SortFunc(want, cmp.Compare)
	if slices.Equal(have, want) {
		return ""
	}
	return fmt.Sprintf("found %v\nHelm has %v", have, want)
}
