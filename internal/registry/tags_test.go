// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// linked returns a fault that answers with a page of tags and a link.
func linked(tags, link string) registrytest.Fault {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Query().Has("last") {
			_, _ = w.Write([]byte(`{"name":"app","tags":["9.9.9"]}`))
			return true
		}
		w.Header().Set("Link", link)
		_, _ = w.Write([]byte(`{"name":"app","tags":` + tags + `}`))
		return true
	}
}

var _ = Describe("The list of tags", Label("registry"), func() {
	ctx := context.Background()
	var p pushed
	BeforeEach(func() { p = push() })

	DescribeTable("is read page by page", func(link func(host string) string) {
		p.Break(linked(`["1.0.0","2.0.0"]`, link(p.Server.URL)))
		Expect(p.reader().Tags(ctx)).To(Equal([]string{"1.0.0", "2.0.0", "9.9.9"}))
		Expect(p.Requests()).To(HaveLen(2))
	},
		Entry("by a path", func(string) string { return `</v2/charts/app/tags/list?n=2&last=2.0.0>; rel="next"` }),
		Entry("by a URL", func(url string) string { return `<` + url + `/v2/charts/app/tags/list?last=2.0.0>; rel="next"` }),
		Entry("by a query", func(string) string { return `<?last=2.0.0>;rel=next` }),
		Entry("by the second of two links", func(string) string {
			return `</v2/charts/app/tags/list>; rel="prev", </v2/charts/app/tags/list?last=2.0.0>; rel="next"`
		}),
	)

	DescribeTable("ends if no next page is named", func(link string) {
		p.Break(linked(`["1.0.0"]`, link))
		Expect(p.reader().Tags(ctx)).To(Equal([]string{"1.0.0"}))
		Expect(p.Requests()).To(HaveLen(1))
	},
		Entry("no link", ""),
		Entry("a link to something else", `</v2/charts/app/tags/list?last=1>; rel="first"`),
		Entry("a link to nothing", `rel="next"`),
	)

	It("leaves out malformed tags", func() {
		p.Break(linked(`["1.0.0","","-a","a/b","`+strings.Repeat("x", 129)+`","\u001b[31m",null]`, ""))
		Expect(p.reader().Tags(ctx)).To(Equal([]string{"1.0.0"}))
	})

	It("may be empty", func() {
		p.Break(linked(`null`, ""))
		Expect(p.reader().Tags(ctx)).To(BeEmpty())
	})

	It("A17: endless pages are cut", func() {
		page := 0
		p.Break(func(w http.ResponseWriter, _ *http.Request) bool {
			page++
			w.Header().Set("Link", fmt.Sprintf(`</v2/charts/app/tags/list?last=%d>; rel="next"`, page))
			_, _ = w.Write([]byte(`{"tags":["1.0.0"]}`))
			return true
		})
		_, err := p.reader().Tags(ctx)
		Expect(err).To(MatchError(registry.ErrTooLarge))
		Expect(p.Requests()).To(HaveLen(registry.MaxTagPages))
	})

	// tagList is an endless list of tags on equal pages.
	type tagList struct {
		page     string
		requests int // after which it is refused
	}
	DescribeTable("A17: too many tags are refused", func(l tagList) {
		p.Break(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Link", `</v2/charts/app/tags/list?last=1>; rel="next"`)
			_, _ = w.Write([]byte(l.page))
			return true
		})
		r := p.reader()
		Expect(allocated(func() { Expect(tags(ctx, p, r)).To(MatchError(registry.ErrTooLarge)) })).To(BeNumerically("<", 64<<20))
		Expect(p.Requests()).To(HaveLen(l.requests))
	},
		Entry("on one page, by their number", tagList{page: `{"tags":["a"` + strings.Repeat(`,"a"`, registry.MaxTags) + `]}`, requests: 1}),
		Entry("on one page, with empty names", tagList{page: `{"tags":[""` + strings.Repeat(`,""`, 1_300_000) + `]}`, requests: 1}),
		Entry("on several pages, by their bytes", tagList{page: `{"tags":["a"` + strings.Repeat(`,"`+strings.Repeat("a", 128)+`"`, 20_000) + `]}`, requests: 2}),
		Entry("on several pages, by their number", tagList{page: `{"tags":["a"` + strings.Repeat(`,"a"`, 60_000) + `]}`, requests: 2}),
	)

	DescribeTable("A17: a link to another host leads to the same path of the registry", func(link func(other pushed) string) {
		other := push()
		p.Break(linked(`["1.0.0"]`, link(other)))
		Expect(p.reader().Tags(ctx)).To(Equal([]string{"1.0.0", "9.9.9"}))
		Expect(other.Requests()).To(BeEmpty())
		Expect(p.Requests()).To(HaveLen(2))
	},
		Entry("another port", func(o pushed) string { return `<` + o.Server.URL + `/v2/charts/app/tags/list?last=1>; rel="next"` }),
		Entry("another host", func(o pushed) string {
			return `<` + strings.Replace(o.Server.URL, "127.0.0.1", "localhost", 1) + `/v2/charts/app/tags/list?last=1>; rel="next"`
		}),
		Entry("another host, by a path", func(o pushed) string { return `<//` + o.Host() + `/v2/charts/app/tags/list?last=1>; rel="next"` }),
		Entry("another scheme", func(pushed) string { return `<https://` + p.Host() + `/v2/charts/app/tags/list?last=1>; rel="next"` }),
		Entry("another user", func(pushed) string {
			return `<http://user:pass@` + p.Host() + `/v2/charts/app/tags/list?last=1>; rel="next"`
		}),
	)

	DescribeTable("A17: a link that leads out of the API is malformed, and gets no request", func(link string) {
		p.Break(linked(`["1.0.0"]`, link))
		_, err := p.reader().Tags(ctx)
		Expect(err).To(MatchError(registry.ErrMalformed))
		Expect(p.Requests()).To(HaveLen(1))
	},
		Entry("no URL", `<http://a b:c/%zz>; rel="next"`),
		Entry("a web page", `</tags?last=1>; rel="next"`),
		Entry("another scheme without a path", `<mailto:user@host.example>; rel="next"`),
	)

	// cut returns a fault of a registry that lists at most max tags, obeys last, and names no next page.
	cut := func(all []string, most int) registrytest.Fault {
		return func(w http.ResponseWriter, r *http.Request) bool {
			n, err := strconv.Atoi(r.URL.Query().Get("n"))
			if err != nil || n > most {
				n = most
			}
			from := 0
			if last := r.URL.Query().Get("last"); last != "" {
				from = slices.Index(all, last) + 1
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"tags": all[from:min(from+n, len(all))]})
			return true
		}
	}
	numbered := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("1.0.%05d", i))
		}
		return all
	}

	DescribeTable("A21: a list that the registry cuts without a link is read to its end", func(count, requests int) {
		p.Break(cut(numbered(count), 1000))
		Expect(p.reader().Tags(ctx)).To(HaveLen(count))
		Expect(p.Requests()).To(HaveLen(requests))
	},
		Entry("one tag less than a page", 999, 1),
		Entry("exactly a page", 1000, 2),
		Entry("a page and a half", 1500, 2),
		Entry("ten pages", 10_000, 11),
	)

	It("A21: a list that may be incomplete is an error that names ref.tag", func() {
		p.Break(func(w http.ResponseWriter, _ *http.Request) bool {
			_ = json.NewEncoder(w).Encode(map[string]any{"tags": numbered(1000)})
			return true
		})
		_, err := p.reader().Tags(ctx)
		Expect(err).To(MatchError(registry.ErrMalformed))
		Expect(err.Error()).To(ContainSubstring("ref.tag"))
	})

	DescribeTable("A22: a refused size of the page is asked for smaller, and then left out", func(status, most, requests int) {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if n, err := strconv.Atoi(r.URL.Query().Get("n")); err == nil && n > most {
				w.WriteHeader(status)
				return true
			}
			return cut([]string{"1.0.0", "2.0.0"}, 1000)(w, r)
		})
		Expect(p.reader().Tags(ctx)).To(Equal([]string{"1.0.0", "2.0.0"}))
		Expect(p.Requests()).To(HaveLen(requests))
	},
		Entry("by 405, as at ECR", http.StatusMethodNotAllowed, 999, 2),
		Entry("by 400", http.StatusBadRequest, 100, 2),
		Entry("by 400, any size", http.StatusBadRequest, -1, 3),
		Entry("by 422", http.StatusUnprocessableEntity, 500, 2),
	)

	DescribeTable("A22: an answer that is not about the size of the page is final", func(status, requests int) {
		p.Break(answer(status))
		_, err := p.reader().Tags(ctx)
		Expect(err).To(HaveOccurred())
		Expect(err.Error()).To(ContainSubstring("ref.tag"))
		Expect(p.Requests()).To(HaveLen(requests))
	},
		Entry("401", http.StatusUnauthorized, 1),
		Entry("403", http.StatusForbidden, 1),
		Entry("404", http.StatusNotFound, 1),
		Entry("500, which is retried", http.StatusInternalServerError, 3),
	)

	DescribeTable("C13: an answer that is no list is malformed", func(page string) {
		p.Break(body(len(page), []byte(page)))
		_, err := p.reader().Tags(ctx)
		Expect(err).To(MatchError(registry.ErrMalformed))
	},
		Entry("a login page", "<!doctype html><title>Log in</title>"),
		Entry("nothing", ""),
		Entry("tags of another type", `{"tags":{"1.0.0":true}}`),
	)
})
