// SPDX-License-Identifier: Apache-2.0

package charttest_test

import (
	"bytes"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

func TestArchiveIsAChartForHelm(t *testing.T) {
	raw := charttest.Archive("podinfo", "6.7.0+b", charttest.Subchart("redis", "1.2.3"))
	c, err := loader.LoadArchive(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name() != "podinfo" || c.Metadata.Version != "6.7.0+b" || len(c.Templates) != 1 || len(c.Dependencies()) != 1 {
		t.Errorf("helm reads another chart: %+v", c.Metadata)
	}
	if again := charttest.Archive("podinfo", "6.7.0+b", charttest.Subchart("redis", "1.2.3")); !bytes.Equal(raw, again) {
		t.Error("the same arguments gave other bytes")
	}
}
