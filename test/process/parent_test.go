// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/verifiedchart/verifiedchart/test/process"
)

// TestMain makes this program the parent that a test kills, if the environment demands it.
func TestMain(m *testing.M) {
	dir := os.Getenv("PROCESS_TEST_PARENT")
	if dir == "" {
		os.Exit(m.Run())
	}
	_, err := process.Start(context.Background(), shell(dir, `echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 300`))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}
