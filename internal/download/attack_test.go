// SPDX-License-Identifier: Apache-2.0

package download_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/download"
)

var _ = Describe("An attacked file that is read as it arrives", Label("classic"), func() {
	It("A2: is cut before the server has sent much more than its limit, even if it decompresses to nothing", func() {
		var nothing bytes.Buffer
		z := gzip.NewWriter(&nothing)
		_ = z.Close()
		members := bytes.Repeat(nothing.Bytes(), 4096)
		const most = 64 << 20
		sent := 0
		done := make(chan struct{})
		r := serve(func(w http.ResponseWriter, _ *http.Request) {
			defer close(done)
			w.Header().Set("Content-Encoding", "gzip")
			for sent < most {
				n, err := w.Write(members)
				if sent += n; err != nil {
					return
				}
			}
		}).request()
		r.Gzip = true
		stream, err := newClient().Open(context.Background(), r)
		Expect(err).NotTo(HaveOccurred())
		raw, err := io.ReadAll(stream)
		_ = stream.Close()
		<-done
		Expect(raw).To(BeEmpty())
		Expect(err).To(MatchError(download.ErrTooLarge))
		Expect(sent).To(BeNumerically("<", most))
	})
})
