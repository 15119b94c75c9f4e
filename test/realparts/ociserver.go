// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// StartOCIServer starts the registry of CUE Labs, with its content in memory, as a member of the group and with
// its log in dir. Flags such as "-omit-link" are the quirks of other registries (test/parts/ociserver).
func StartOCIServer(ctx context.Context, dir string, group *process.Group, flags ...string) (OCIRegistry, error) {
	p, addr, err := listen(ctx, dir, parts.OCIServer, group, func(addr string) ([]string, error) {
		return append([]string{"-addr=" + addr}, flags...), nil
	})
	if err != nil {
		return nil, err
	}
	return front(addr, p.Stop), nil
}
