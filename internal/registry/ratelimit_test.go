// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("A registry that limits the rate", Label("registry", "network"), func() {
	var (
		ctx    = context.Background()
		start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		now    atomic.Int64
		client *registry.Client
		p      pushed
	)
	BeforeEach(func() {
		now.Store(start.UnixNano())
		client = registry.NewClient(registry.ClientOptions{AllowedHosts: loopback, Now: func() time.Time { return time.Unix(0, now.Load()) }})
		p = push()
	})
	limited := func(after string) {
		p.Break(answer(http.StatusTooManyRequests, "Retry-After", after))
	}

	DescribeTable("A3: is not called before the time it names, at most an hour", func(after string, pause time.Duration) {
		limited(after)
		r := open(client, p.target())
		var e *outbound.RateLimitedError
		Expect(errors.As(resolve(ctx, p, r), &e)).To(BeTrue())
		Expect(e.RetryAfter).To(Equal(pause))
		Expect(p.Requests()).To(HaveLen(1))

		p.Break(nil)
		now.Add(int64(pause - time.Second/2))
		for _, ask := range []question{tags, resolve, manifest, blob} {
			Expect(errors.As(ask(ctx, p, open(client, p.target())), &e)).To(BeTrue())
			Expect(e.RetryAfter).To(Equal(time.Second / 2))
		}
		Expect(p.Requests()).To(HaveLen(1))

		now.Add(int64(time.Second / 2))
		Expect(resolve(ctx, p, r)).To(Succeed())
		Expect(resolve(ctx, p, r)).To(Succeed())
	},
		Entry("in seconds", "120", 2*time.Minute),
		Entry("as a date", start.Add(90*time.Second).Format(http.TimeFormat), 90*time.Second),
		Entry("as a date in the past", start.Add(-time.Hour).Format(http.TimeFormat), time.Second),
		Entry("as a date in a hundred years", start.AddDate(100, 0, 0).Format(http.TimeFormat), time.Hour),
		Entry("as nothing", "", 30*time.Second),
		Entry("as 0", "0", time.Second),
		Entry("as a negative number", "-5", time.Second),
		Entry("as a day", "86400", time.Hour),
		Entry("as a number that overflows a duration", strconv.FormatInt(1<<62, 10), time.Hour),
		Entry("as a number beyond 64 bits", "99999999999999999999999999", time.Hour),
		Entry("as a word", "soon", 30*time.Second),
	)

	// scopes are those of two tenants, and whether the limit of the first is also one of the second.
	type scopes struct {
		abuser, other string
		shared        bool
	}
	DescribeTable("J16: is called by other tenants, which have limits of their own", func(s scopes) {
		as := func(scope string) registry.Reader {
			t := p.target()
			t.Scope = scope
			return open(client, t)
		}
		limited("600")
		Expect(resolve(ctx, p, as(s.abuser))).To(HaveOccurred())
		p.Break(nil)
		var e *outbound.RateLimitedError
		sibling, err := as(s.other).Sibling(p.Host() + "/" + app)
		Expect(err).NotTo(HaveOccurred())
		for _, r := range []registry.Reader{as(s.other), sibling} {
			Expect(errors.As(resolve(ctx, p, r), &e)).To(Equal(s.shared))
		}
	},
		Entry("by an anonymous namespace, after another anonymous one", scopes{abuser: "abuser", other: "other"}),
		Entry("by a namespace with the same prefix", scopes{abuser: "abuser", other: "abuser-2"}),
		Entry("by credentials, after an anonymous namespace", scopes{abuser: "abuser", other: "other/secret@1"}),
		Entry("by credentials, after the same namespace without them", scopes{abuser: "abuser", other: "abuser/secret@1"}),
		Entry("by an anonymous namespace, after credentials", scopes{abuser: "abuser/secret@1", other: "other"}),
		Entry("but not by the same namespace", scopes{abuser: "abuser", other: "abuser", shared: true}),
	)

	It("A3: is called while a different registry is rate limited", func() {
		limited("60")
		Expect(resolve(ctx, p, open(client, p.target()))).To(HaveOccurred())
		another := push()
		Expect(resolve(ctx, another, open(client, another.target()))).To(Succeed())
	})

	It("A3: is not called either while its token service limits the rate", func() {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				return answer(http.StatusTooManyRequests, "Retry-After", "60")(w, r)
			}
			return answer(http.StatusUnauthorized, "Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token"`, p.Server.URL))(w, r)
		})
		var e *outbound.RateLimitedError
		Expect(errors.As(resolve(ctx, p, open(client, p.target())), &e)).To(BeTrue())
		Expect(e.RetryAfter).To(Equal(time.Minute))
		Expect(errors.As(resolve(ctx, p, open(client, p.target())), &e)).To(BeTrue())
		Expect(p.Requests()).To(HaveLen(2))
	})

	It("A3: still answers that missing content is not found", func() {
		p.Break(answer(http.StatusNotFound))
		Expect(resolve(ctx, p, open(client, p.target()))).To(MatchError(registry.ErrNotFound))
	})
})
