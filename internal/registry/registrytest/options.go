// SPDX-License-Identifier: Apache-2.0

package registrytest

// Public lets everybody read.
func Public(c *config) { c.public = true }

// Basic asks for User and Password by a challenge.
func Basic(challenge string) Option { return func(c *config) { c.basic = challenge } }

// Token asks for a token of the service at a path of the registry's own host.
func Token(path string) Option { return func(c *config) { c.tokenPath = path } }

// TokenElsewhere asks for a token of the service at a path of another host.
func TokenElsewhere(path string) Option {
	return func(c *config) { c.tokenPath, c.tokenElsewhere = path, true }
}

// TokenWithoutLogin gives a token to requests without credentials, even if the token is of no use.
func TokenWithoutLogin(c *config) { c.anonymous = true }

// BasicAfterToken asks for a password after a refused token, as Harbor does.
func BasicAfterToken(challenge string) Option { return func(c *config) { c.afterToken = challenge } }

// Scope is the scope in challenges, whatever the repository.
func Scope(scope string) Option { return func(c *config) { c.scope = scope } }

// AccessToken names the field access_token in the answer of the token service, and not token.
func AccessToken(c *config) { c.tokenField = "access_token" }

// Wrong sets the answer to wrong credentials.
func Wrong(status int, code string) Option {
	return func(c *config) { c.wrong = refusal{status, code} }
}

// Missing sets the answer for a missing repository. A status of 401 comes with a challenge.
func Missing(status int, code string) Option {
	return func(c *config) { c.missing = refusal{status, code} }
}

// EmptyChallenge empties the challenge in the answer for a missing repository, as Harbor does.
func EmptyChallenge(c *config) { c.emptyChallenge = true }

// MissingAtToken makes the token service give the answer for a missing repository.
func MissingAtToken(c *config) { c.missingElsewhere = true }

// MissingTag sets the answer for a missing tag.
func MissingTag(status int, code string) Option {
	return func(c *config) { c.missingTag = refusal{status, code} }
}

// RetryAfter is the pause that the registry asks for when it limits the rate. By default it names none.
func RetryAfter(seconds string) Option { return func(c *config) { c.retryAfter = seconds } }

// LimitPulls limits the rate of GETs of manifests only, as Docker Hub does.
func LimitPulls(c *config) { c.pullsOnly = true }

// Pages bounds the tags in a page.
func Pages(size int) Option { return func(c *config) { c.pageSize = size } }

// RefuseBigPages refuses a request for more tags than a page holds, as ECR does.
func RefuseBigPages(c *config) { c.refusesBigPage = true }

// CutLists leaves out the link to the next page of tags, as Google does.
func CutLists(c *config) { c.withoutLink = true }

// Unsorted lists tags in no order of the alphabet.
func Unsorted(c *config) { c.unsorted = true }

// Conditional answers 304 Not Modified for a manifest that the client has.
func Conditional(c *config) { c.conditional = true }

// BareHead leaves out the digest in answers to HEAD.
func BareHead(c *config) { c.bareHead = true }

// BlobsElsewhere redirects requests for blobs to another host.
func BlobsElsewhere(c *config) { c.blobsElsewhere = true }

// ReferrersElsewhere redirects requests for referrers to another host, which limits the rate.
func ReferrersElsewhere(c *config) { c.bare, c.referrersElsewhere = true, true }

// Charset adds a parameter to the type of each answer.
func Charset(c *config) { c.charset = "; charset=utf-8" }
