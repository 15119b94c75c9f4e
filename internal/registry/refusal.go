// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// refusal is an answer that is not 200 OK.
type refusal struct {
	status int
	// codes are those of the distribution specification in the answer, in its order.
	codes []string
	// host is the name of the server that answered.
	host string
	// isLedTo reports whether the server is not the registry, but the target of its redirect.
	isLedTo bool
	// hasExpired reports whether the answer states that the password has expired.
	hasExpired bool
	// hasChallenge reports whether the answer asks for credentials.
	hasChallenge bool
}

// knownCodes are the error codes of the distribution specification. Other texts of a registry are not shown.
var knownCodes = []string{
	"BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID",
	"MANIFEST_UNKNOWN", "NAME_INVALID", "NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED", "DENIED", "UNSUPPORTED", "TOOMANYREQUESTS",
}

// expired is the sentence of ECR for a password that is older than 12 hours. ECR answers 403 DENIED then.
var expired = []byte("authorization token has expired")

// refusalOf reads at most outbound.MaxErrorBody bytes of an answer.
func (r *remote) refusalOf(resp *http.Response) *refusal {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, outbound.MaxErrorBody))
	_ = resp.Body.Close()
	answer := &refusal{
		status: resp.StatusCode, host: r.host, codes: codesIn(raw),
		hasExpired: bytes.Contains(bytes.ToLower(raw), expired), hasChallenge: resp.Header.Get(authenticate) != "",
	}
	if resp.Request != nil && outbound.HostPort(resp.Request.URL) != r.origin.HostPort {
		answer.host, answer.isLedTo = resp.Request.URL.Host, true
	}
	return answer
}

// codesIn returns the known codes in the JSON of an error.
func codesIn(raw []byte) (codes []string) {
	var body struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return nil
	}
	for _, e := range body.Errors {
		if code := strings.ToUpper(e.Code); slices.Contains(knownCodes, code) && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// Error names the server, the status and the codes.
func (a *refusal) Error() string {
	text := fmt.Sprintf("%s answered %s", a.host, outbound.StatusText(a.status))
	if len(a.codes) > 0 {
		text += " (" + strings.Join(a.codes, ", ") + ")"
	}
	return text
}

// isAccess reports whether the answer refuses access.
func (a *refusal) isAccess() bool {
	return a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
}

// Is reports whether target is the class of the answer.
func (a *refusal) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return a.status == http.StatusNotFound
	case ErrUnauthorized:
		return a.isAccess()
	case ErrExpired:
		return a.isAccess() && !a.isLedTo && a.hasExpired
	case ErrWithheld:
		return a.isAccess() && !a.isLedTo
	}
	return false
}

// As sets a *outbound.StatusError for an answer that proves nothing about the content, so that it is retried.
func (a *refusal) As(target any) bool {
	status, ok := target.(**outbound.StatusError)
	if ok && !a.isAccess() && a.status != http.StatusNotFound {
		*status = &outbound.StatusError{Who: a.host, Status: a.status}
		return true
	}
	return false
}

// explainAccess returns an error for users about a registry that refuses access to the repository.
func (r *remote) explainAccess(err error, a *refusal) error {
	const correct = "correct url, or name credentials that may read the repository in secretRef"
	if r.target.Credentials.issued && !a.isLedTo {
		return r.explainIssued(err, a)
	}
	switch {
	case a.isLedTo:
		return problem.Explain(err, a.host+", to which the registry redirects, refuses access", "check the registry's storage")
	case a.hasExpired:
		return problem.Explain(err, "the password for "+r.host+" has expired", "renew the Secret in secretRef, whose password lives for 12 hours, or use provider: aws")
	case a.status == http.StatusUnauthorized && !a.hasChallenge:
		return problem.Explain(err, "the registry has no such project, or does not show it", correct)
	case r.target.Credentials.isEmptyFor(r.name):
		return problem.Explain(err, "the repository does not exist, or needs credentials", correct)
	case r.host == "public.ecr.aws":
		return problem.Explain(err, "the repository does not exist, or these credentials may not read it", "try without secretRef: this registry refuses old credentials for public repositories")
	}
	return problem.Explain(err, "the repository does not exist, or these credentials may not read it", "correct url, or renew the credentials in secretRef")
}

// explainIssued returns an error for users about a registry that refuses credentials that its cloud has issued.
func (r *remote) explainIssued(err error, a *refusal) error {
	if a.hasExpired {
		return problem.Explain(err, "the password for "+r.host+" has expired", "check the clock of the controller's node: the cloud has issued the password within the last hour")
	}
	return problem.Explain(err, "the repository does not exist, or the cloud identity may not read it", "correct url, or "+grant)
}

// accessFix is the fix if credentials, or their absence, are refused.
func (r *remote) accessFix() string {
	if r.target.Credentials.issued {
		return grant
	}
	return "set secretRef to credentials that may read the repository, or renew them"
}

// grant is the fix for an identity of a cloud that its registry refuses.
const grant = "give the identity the right to pull from the repository"
