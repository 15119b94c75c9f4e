// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/fluxcd/pkg/auth/azure"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// errMalformed is the cause if a cloud answers something that pkg/auth does not expect.
var errMalformed = errors.New("malformed answer")

// guarded calls f, and turns a panic into errMalformed: pkg/auth dereferences fields that a cloud, or a hostile registry, left out.
func guarded[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if recover() != nil {
			err = errMalformed
		}
	}()
	return f()
}

// codes find error codes in the errors of the clouds' libraries. The rest of such an error may repeat a token, so it is not shown.
var codes = []*regexp.Regexp{
	regexp.MustCompile(`\b(AADSTS[0-9]{1,10})\b`),
	regexp.MustCompile(`\bapi error ([A-Za-z]{1,64}):`),
	regexp.MustCompile(`"(?:error|code|status)": ?"([A-Za-z_]{1,40})"`),
	regexp.MustCompile(`\bERROR CODE: ([A-Za-z_]{1,40})\b`),
	regexp.MustCompile(`\bRESPONSE ([0-9]{3})\b`),
	regexp.MustCompile(`\b[Ss]tatus ?[Cc]ode:? ([0-9]{3})\b`),
}

// failed returns the error for a failed request to a cloud.
func failed(ctx context.Context, r Request, err error) error {
	var dns *net.DNSError
	var timeout net.Error
	identity := "the controller's identity"
	if r.ServiceAccount != "" {
		identity = "ServiceAccount " + r.Namespace + "/" + r.ServiceAccount
	}
	report := func(fault, fix string) error {
		p := problem.New(ErrFailed, "no %s credentials for %s: %s", r.Provider, identity, fault)
		if fix != "" {
			p = p.Fix("%s", fix)
		}
		return p
	}
	switch text := err.Error(); {
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return report("the cloud did not answer in time", "allow egress to it, or raise spec.timeout")
	case errors.Is(err, errMalformed):
		return report("the cloud gave a malformed answer", "")
	case apierrors.IsForbidden(err):
		return report("the controller may not create its token", "apply config/object-level-identity")
	case errors.As(err, &dns):
		return report("cannot resolve host "+dns.Name, "correct the cluster's DNS, or the proxy")
	case errors.Is(err, syscall.ECONNREFUSED):
		return report("connection refused", "allow egress to the cloud, or correct the proxy")
	case strings.HasSuffix(text, http.StatusText(http.StatusProxyAuthRequired)):
		return report("the proxy refused its password", "correct the credentials of the proxy")
	case codeOf(err) != "":
		return report("the cloud answered "+codeOf(err), fixOf(codeOf(err)))
	}
	return report("the identity is not configured, or the cloud is out of reach", "check the workload identity of the pod or of the ServiceAccount, the egress and the proxy")
}

// fixOf returns the fix for an error code.
func fixOf(code string) string {
	if expired.MatchString(code) {
		return "check that the pod's token is renewed, and the clocks"
	}
	return "give the identity the right to pull from the registry"
}

// expired matches the codes of AWS and Azure for a token of Kubernetes that has expired.
var expired = regexp.MustCompile(`^(?:Expired|AADSTS700024$)`)

// plainCode matches a code of AWS that can be shown.
var plainCode = regexp.MustCompile(`^[A-Za-z]{1,64}$`)

// codeOf returns the error code of an error, or "" if none is known. The libraries of AWS have a method for the code: the texts of some
// of their errors lack the marks of codes.
func codeOf(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) && plainCode.MatchString(coded.ErrorCode()) {
		return coded.ErrorCode()
	}
	text := err.Error()
	for _, code := range codes {
		if found := code.FindStringSubmatch(text); found != nil {
			return found[1]
		}
	}
	return ""
}

// azureEnvironment is the variable with the path of a file that describes a private Azure.
const azureEnvironment = "AZURE_ENVIRONMENT_FILEPATH"

// isBelowSuffix reports whether a host that pkg/auth accepts is below the suffix of a private Azure, if there is one. pkg/auth compares the
// ends of texts, and so accepts evilregistry.example for the suffix registry.example.
func isBelowSuffix(provider, host string) bool {
	file, ok := os.LookupEnv(azureEnvironment)
	if provider != azure.ProviderName || !ok || publicAzure.MatchString(host) {
		return true
	}
	var environment struct {
		Suffix string `json:"containerRegistryDNSSuffix"`
	}
	raw, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(raw, &environment) != nil {
		return false
	}
	return strings.HasSuffix(host, "."+strings.TrimLeft(environment.Suffix, "."))
}

// publicAzure matches the registries of Azure's own clouds.
var publicAzure = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*\.azurecr\.(?:io|cn|de|us)$`)
