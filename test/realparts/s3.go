// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

const bucketName = "charts"

// Bucket is a bucket of an S3 storage, gofakes3, in memory and on another host than the registries.
type Bucket struct{ Server }

// StartBucket starts an S3 storage, as a member of the group, with its log in dir.
func StartBucket(ctx context.Context, dir string, group *process.Group) (*Bucket, error) {
	p, addr, err := listen(ctx, dir, parts.FakeS3, group, func(addr string) ([]string, error) {
		return []string{"-backend=memory", "-host=" + addr, "-initialbucket=" + bucketName, "-quiet"}, nil
	})
	if err != nil {
		return nil, err
	}
	server, err := countElsewhere(allowed(forward(addr)), p.Stop)
	if err != nil {
		return nil, err
	}
	return &Bucket{server}, nil
}

// allowed refuses the requests that S3 refuses and gofakes3 accepts: a request needs either the header of an S3
// client, which the registry sends, or a presigned URL.
func allowed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, presigned := r.Header.Get("Authorization"), r.URL.Query().Has("X-Amz-Signature")
		switch {
		case strings.HasPrefix(header, "AWS4-HMAC-SHA256 ") && !presigned:
			next.ServeHTTP(w, r)
		case header != "":
			http.Error(w, "Unsupported Authorization Type", http.StatusBadRequest)
		case !presigned || expired(r, time.Now()):
			http.Error(w, "AccessDenied", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// expired reports whether a presigned URL is no longer valid.
func expired(r *http.Request, now time.Time) bool {
	signed, err := time.Parse("20060102T150405Z", r.URL.Query().Get("X-Amz-Date"))
	if err != nil {
		return true
	}
	seconds, err := strconv.Atoi(r.URL.Query().Get("X-Amz-Expires"))
	return err != nil || now.After(signed.Add(time.Duration(seconds)*time.Second))
}
