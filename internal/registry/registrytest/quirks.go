// SPDX-License-Identifier: Apache-2.0

package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// User and Password are the credentials for a registry that asks for some.
const (
	User     = "user"
	Password = "hunter2"
)

// anonymousToken is the token that a token service gives to requests without credentials.
const anonymousToken = "token-of-nobody"

// refusal is an answer that is not 200 OK.
type refusal struct {
	status int
	code   string // of the distribution specification
}

func (a refusal) refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"","detail":null}]}`, a.code)
}

// quirks are how registries differ from each other.
type quirks struct {
	basic          string // the challenge for a password, or empty
	tokenPath      string // of the token service, or empty
	tokenElsewhere bool
	tokenField     string // of the token service's answer
	scope          string // that the challenge names; by default, that of the repository
	anonymous      bool   // the token service also gives a token without credentials
	public         bool   // a token without credentials, or none, is enough to read
	afterToken     string // the challenge after a refused token, instead of the usual one

	wrong            refusal // of wrong credentials
	missing          refusal // of a missing repository
	missingElsewhere bool    // the token service refuses a missing repository
	emptyChallenge   bool    // of missing
	missingTag       refusal
	limit            refusal // while the rate is limited
	retryAfter       string  // of limit, or empty
	pullsOnly        bool    // a limit is one of GETs of manifests

	pageSize       int // the most tags in a page; 0 for all
	refusesBigPage bool
	withoutLink    bool
	unsorted       bool

	conditional        bool // answers 304
	bareHead           bool // answers to HEAD have no Docker-Content-Digest
	blobsElsewhere     bool
	referrersElsewhere bool
	charset            string
}

// specified are the answers that the distribution specification names.
var specified = quirks{
	tokenField: "token",
	wrong:      refusal{http.StatusUnauthorized, "UNAUTHORIZED"},
	missing:    refusal{http.StatusNotFound, "NAME_UNKNOWN"},
	missingTag: refusal{http.StatusNotFound, "MANIFEST_UNKNOWN"},
	limit:      refusal{http.StatusTooManyRequests, "TOOMANYREQUESTS"},
}

// Limit makes the registry limit the rate of requests, or ends that.
func (r *Registry) Limit(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isLimited = on
}

// ExpireTokens makes the registry refuse all tokens that User got before.
func (r *Registry) ExpireTokens() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expired++
}

// token returns the token that User gets.
func (r *Registry) token() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("token-of-user-%d", r.expired)
}

func (q quirks) needsElsewhere() bool {
	return q.tokenElsewhere || q.blobsElsewhere || q.referrersElsewhere
}

// serveElsewhere serves the other host: a token service, a storage that refuses credentials beside its signature as
// S3 does, and a web site that limits the rate.
func (r *Registry) serveElsewhere(w http.ResponseWriter, req *http.Request) {
	r.record(req.Method + " elsewhere" + req.URL.Path)
	path := content.FindStringSubmatch(strings.TrimPrefix(req.URL.Path, "/storage"))
	switch {
	case r.tokenElsewhere && req.URL.Path == r.tokenPath:
		r.giveToken(w, req)
	case path == nil || !strings.HasPrefix(req.URL.Path, "/storage"):
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	case req.Header.Get("Authorization") != "":
		w.WriteHeader(http.StatusBadRequest)
	default:
		_, raw, _ := r.Repository(path[1]).Get(path[2])
		_, _ = w.Write(raw)
	}
}

// givesToken reports whether it answered a request to the token service of the registry's own host.
func (r *Registry) givesToken(w http.ResponseWriter, req *http.Request) bool {
	if r.tokenPath == "" || r.tokenElsewhere || req.URL.Path != r.tokenPath {
		return false
	}
	r.giveToken(w, req)
	return true
}

func (r *Registry) giveToken(w http.ResponseWriter, req *http.Request) {
	user, password, isLogin := req.BasicAuth()
	parts := strings.Split(req.URL.Query().Get("scope"), ":")
	given := r.token()
	switch {
	case isLogin && (user != User || password != Password), !isLogin && !r.anonymous:
		r.wrong.refuse(w)
		return
	case r.missingElsewhere && len(parts) == 3 && r.Repository(parts[1]).empty():
		r.missing.refuse(w)
		return
	case !isLogin:
		given = anonymousToken
	}
	_ = json.NewEncoder(w).Encode(map[string]any{r.tokenField: given, "expires_in": 300})
}

// limits reports whether it refused a request because of a limit of the rate.
func (r *Registry) limits(w http.ResponseWriter, req *http.Request) bool {
	r.mu.Lock()
	limited := r.isLimited
	r.mu.Unlock()
	if !limited || r.pullsOnly && (req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/manifests/")) {
		return false
	}
	if r.retryAfter != "" {
		w.Header().Set("Retry-After", r.retryAfter)
	}
	r.limit.refuse(w)
	return true
}

// admits reports whether the credentials of a request are good; otherwise it answers the request.
func (r *Registry) admits(w http.ResponseWriter, req *http.Request, repository *Repository) bool {
	sent := req.Header.Get("Authorization")
	_, _, isLogin := req.BasicAuth()
	switch {
	case r.isGood(req, sent):
		return true
	case r.anonymous && sent == "Bearer "+anonymousToken:
		r.refuseMissing(w, repository.Name)
		return false
	case isLogin && r.basic != "" && r.wrong.status != http.StatusUnauthorized:
		r.wrong.refuse(w)
		return false
	case r.afterToken != "" && sent != "":
		w.Header().Set("Www-Authenticate", r.afterToken)
	default:
		w.Header()["Www-Authenticate"] = r.challenges(repository.Name)
	}
	specified.wrong.refuse(w)
	return false
}

// isGood reports whether a request with the header Authorization may read.
func (r *Registry) isGood(req *http.Request, sent string) bool {
	user, password, _ := req.BasicAuth()
	switch {
	case r.tokenPath != "" && sent == "Bearer "+r.token(), r.basic != "" && user == User && password == Password:
		return true
	case r.tokenPath != "":
		return r.public && r.anonymous && sent == "Bearer "+anonymousToken
	}
	return r.basic == "" || r.public && sent == ""
}

// refuseMissing answers a request for a missing repository.
func (r *Registry) refuseMissing(w http.ResponseWriter, repository string) {
	switch {
	case r.emptyChallenge:
		w.Header().Set("Www-Authenticate", "")
	case r.missing.status == http.StatusUnauthorized:
		w.Header()["Www-Authenticate"] = r.challenges(repository)
	}
	r.missing.refuse(w)
}

// challenges returns the headers that ask for credentials.
func (r *Registry) challenges(repository string) (all []string) {
	if r.tokenPath != "" {
		host, scope := r.Server.URL, r.scope
		if r.tokenElsewhere {
			host = r.elsewhere.URL
		}
		if scope == "" {
			scope = "repository:" + repository + ":pull"
		}
		all = append(all, fmt.Sprintf(`Bearer realm="%s%s",service="registry.test",scope="%s"`, host, r.tokenPath, scope))
	}
	if r.basic != "" {
		all = append(all, r.basic)
	}
	return all
}

// redirects reports whether it redirected a request for content to the other host.
func (r *Registry) redirects(w http.ResponseWriter, repository, path string, exists bool) bool {
	status := http.StatusTemporaryRedirect
	switch {
	case r.blobsElsewhere && exists && strings.HasPrefix(path, "blobs/"):
		w.Header().Set("Location", r.elsewhere.URL+"/storage/v2/"+repository+"/"+path+"?signature=x")
	case r.referrersElsewhere && strings.HasPrefix(path, "referrers/"):
		w.Header().Set("Location", r.elsewhere.URL+"/-/v2/packages/"+repository+"/"+path)
		status = http.StatusSeeOther
	default:
		return false
	}
	w.WriteHeader(status)
	return true
}

// answerPage answers a request for a page of tags.
func (r *Registry) answerPage(w http.ResponseWriter, req *http.Request, repository *Repository) {
	query, tags := req.URL.Query(), repository.tags()
	size := r.pageSize
	if n, err := strconv.Atoi(query.Get("n")); err == nil {
		if r.refusesBigPage && n > r.pageSize {
			refusal{http.StatusMethodNotAllowed, "UNSUPPORTED"}.refuse(w)
			return
		}
		size = min(n, size)
	}
	if r.unsorted {
		slices.Reverse(tags)
	}
	if last := query.Get("last"); last != "" {
		tags = tags[slices.Index(tags, last)+1:]
	}
	if 0 < size && size < len(tags) {
		tags = tags[:size]
		if !r.withoutLink {
			w.Header().Set("Link", fmt.Sprintf(`</v2/%s/tags/list?last=%s&n=%d>; rel="next"`, repository.Name, tags[size-1], size))
		}
	}
	r.send(w, req, "application/json", marshal(map[string]any{"name": repository.Name, "tags": tags}))
}

// isUnchanged reports whether it answered that the client already has the manifest.
func (r *Registry) isUnchanged(w http.ResponseWriter, req *http.Request, raw []byte) bool {
	if !r.conditional {
		return false
	}
	etag := `"` + digest.FromBytes(raw).String() + `"`
	w.Header().Set("Etag", etag)
	if req.Header.Get("If-None-Match") != etag {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}
