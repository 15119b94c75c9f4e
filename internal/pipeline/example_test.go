// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// A chart goes from its tag to proven bytes, step by step. Fetch takes the result of
// Verify, so no unproven archive can be fetched.
func Example() {
	ctx, stored := context.Background(), verifytest.NewRepository()
	config, archive := charttest.ConfigJSON("app", "1.0.0"), charttest.Archive("app", "1.0.0")
	stored.PushBlob(chart.ConfigMediaType, config)
	stored.PushBlob(chart.ArchiveMediaType, archive)
	stored.PushManifest("1.0.0", charttest.Manifest(config, archive))

	const name = "registry.example/charts/app"
	reader := registry.NewCache(1<<20, time.Hour, time.Now).Reader(registry.Scope{Object: "app"}, name, stored)
	policies := []verify.Named{{Verifier: verifytest.Accepts("release", "SHA256:aa")}}
	wanted := pipeline.Request{Repository: name, Name: "app", Tag: "1.0.0"}

	resolved, err := pipeline.Resolve(ctx, reader, wanted)
	fmt.Println("resolve:", resolved.Tag, err)
	subject, err := pipeline.Manifest(wanted, resolved)
	fmt.Println("manifest:", subject.Chart.Name, subject.Chart.Version, err)

	var fetched bytes.Buffer
	_, err = pipeline.Fetch(ctx, reader, verify.Accepted{}, &fetched)
	fmt.Println("fetch without a proof is refused:", err != nil, fetched.Len())

	accepted, outcomes, err := pipeline.Verify(ctx, policies, subject, reader)
	fmt.Println("verify:", outcomes[0].Verdict, err)
	layout, err := pipeline.Fetch(ctx, reader, accepted, &fetched)
	fmt.Println("fetch:", bytes.Equal(fetched.Bytes(), archive), err)
	metadata, err := pipeline.Inspect(&fetched)
	fmt.Println("inspect:", metadata.Name, metadata.Version, err)
	fmt.Println("validate:", pipeline.Validate(ctx, reader, metadata, layout, wanted, resolved))
	// Output:
	// resolve: 1.0.0 <nil>
	// manifest: app 1.0.0 <nil>
	// fetch without a proof is refused: true 0
	// verify: accepted <nil>
	// fetch: true <nil>
	// inspect: app 1.0.0 <nil>
	// validate: <nil>
}
