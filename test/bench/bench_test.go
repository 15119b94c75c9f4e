// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestBench(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Bench")
}

// request is a line of the metrics of an API server.
func request(verb, group, resource, subresource, n string) string {
	return `apiserver_request_total{code="200",component="apiserver",dry_run="",group="` + group + `",resource="` + resource +
		`",scope="resource",subresource="` + subresource + `",verb="` + verb + `",version="v1"} ` + n + "\n"
}

var _ = DescribeTable("a request to the API server is a write of the controller", Label("status"), func(line string, expected int) {
	counted, err := parseWrites(strings.NewReader("# TYPE apiserver_request_total counter\n" + line))
	Expect(err).NotTo(HaveOccurred())
	Expect(counted.total()).To(Equal(expected))
},
	Entry("if it patches a status", request("PATCH", "source.verifiedchart.dev", "verifiedcharts", "status", "7"), 7),
	Entry("if it applies an ExternalArtifact", request("APPLY", "source.toolkit.fluxcd.io", "externalartifacts", "", "3"), 3),
	Entry("if it deletes an ExternalArtifact", request("DELETE", "source.toolkit.fluxcd.io", "externalartifacts", "", "3"), 3),
	Entry("if it adds a finalizer", request("PATCH", "source.verifiedchart.dev", "verifiedcharts", "", "2"), 2),
	Entry("if it sends an event", request("POST", "", "events", "", "1"), 1),
	Entry("if it sends an event of the newer API", request("POST", "events.k8s.io", "events", "", "1"), 1),
	Entry("with a large count", request("POST", "", "events", "", "1.234567e+06"), 1234567),
	Entry("and is added to those with another code", request("POST", "", "events", "", "1")+strings.Replace(request("POST", "", "events", "", "2"), "200", "409", 1), 3),
	Entry("not if the bench creates a VerifiedChart", request("POST", "source.verifiedchart.dev", "verifiedcharts", "", "1"), 0),
	Entry("not if it reads", request("GET", "source.verifiedchart.dev", "verifiedcharts", "", "1"), 0),
	Entry("not if it watches", request("WATCH", "", "events", "", "1"), 0),
	Entry("not if the bench edits a Secret", request("PUT", "", "secrets", "", "1"), 0),
	Entry("not if the API server renews its lease", request("PUT", "coordination.k8s.io", "leases", "", "1"), 0),
	Entry("not if the metric differs", strings.Replace(request("POST", "", "events", "", "1"), "_total", "_aborts_total", 1), 0),
)

var _ = Describe("writes", Label("status"), func() {
	It("are those since an earlier count", func() {
		now := writes{"POST events": 5, "PATCH verifiedcharts/status": 4}.since(writes{"POST events": 3, "PATCH verifiedcharts/status": 4})
		Expect(now).To(Equal(writes{"POST events": 2}))
		Expect(now.each(4)).To(Equal("POST events 0.50"))
	})
})

// These are the outcomes of a limit.
const exceeded, kept = true, false

var _ = DescribeTable("a limit", Label("deadline"), func(measured func(*limits), expected bool) {
	l := &limits{slowness: 1.5}
	measured(l)
	Expect(l.err() != nil).To(Equal(expected))
},
	Entry("is kept at the limit", func(l *limits) { l.count("writes", 4, 4) }, kept),
	Entry("is exceeded above it", func(l *limits) { l.count("writes", 4.01, 4) }, exceeded),
	Entry("of zero is kept by zero", func(l *limits) { l.count("writes", 0, 0) }, kept),
	Entry("of zero is exceeded by any number", func(l *limits) { l.count("writes", 0.001, 0) }, exceeded),
	Entry("of a count does not grow on a slow machine", func(l *limits) { l.count("writes", 5, 4) }, exceeded),
	Entry("of memory does not grow on a slow machine", func(l *limits) { l.memory("peak", 111<<20, 110) }, exceeded),
	Entry("of wall time grows with the load", func(l *limits) { l.wall("all", span{wall: 9 * time.Second, others: 4 * time.Second}, 5*time.Second) }, kept),
	Entry("of wall time is exceeded by more than the load explains", func(l *limits) { l.wall("all", span{wall: 10 * time.Second, others: 4 * time.Second}, 5*time.Second) }, exceeded),
	Entry("of CPU time grows with the slowness of the processor", func(l *limits) { l.cpu("each", 14*time.Millisecond, 1, 10*time.Millisecond) }, kept),
	Entry("of CPU time does not grow with the load", func(l *limits) { l.cpu("each", 16*time.Millisecond, 1, 10*time.Millisecond) }, exceeded),
)

var _ = Describe("the work of the processors", Label("deadline"), func() {
	It("is all but idle time, waiting for a disk, and that of guests", func() {
		Expect(busy([]byte("cpu  100 20 3 9000 800 0 7 10 5 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))).To(Equal(1400 * time.Millisecond))
	})

	It("rejects malformed text", func() {
		_, err := busy([]byte("intr 1 2 3\n"))
		Expect(err).To(HaveOccurred())
	})
})

var _ = Describe("the calibration", Label("deadline"), func() {
	It("makes no limit stricter", func() {
		Expect(calibrate()).To(BeNumerically(">=", 1))
	})
})
