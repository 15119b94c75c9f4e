// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"
	"errors"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// Route returns the certificates and the proxy that a spec names. The error is a *Fault.
func (l *Loader) Route(ctx context.Context, namespace string, spec v1alpha1.VerifiedChartSpec) (r outbound.Route, err error) {
	objects := newView(l.source, namespace)
	if r.Trust, err = routed(ctx, objects, spec.CertSecretRef, "spec.certSecretRef", outbound.ParseTrust,
		"kubectl -n %s create secret generic %s --from-file=ca.crt"); err != nil {
		return outbound.Route{}, err
	}
	if r.Proxy, err = routed(ctx, objects, spec.ProxySecretRef, "spec.proxySecretRef", outbound.ParseProxy,
		"kubectl -n %s create secret generic %s --from-literal=address=http://PROXY:3128"); err != nil {
		return outbound.Route{}, err
	}
	return r, nil
}

// routed returns the parsed content of the Secret of a reference, which stands in a field; without a reference,
// the zero value. The command makes a Secret of a name in a namespace.
func routed[T any](ctx context.Context, objects *view, ref *meta.LocalObjectReference, field string, parse func(map[string][]byte) (T, error), command string) (value T, err error) {
	value, err = parsed(ctx, objects, ref, parse)
	switch {
	case err == nil:
		return value, nil
	case errors.Is(err, outbound.ErrSecret):
		return value, refused(true, problem.Of(outbound.ErrSecret, err).Fix("correct it ("+field+"): "+command, objects.namespace, ref.Name))
	case errors.Is(err, errNotFound):
		err = unavailable("%s not found (%s)", objects.name(secretKind, ref.Name), field).Fix(command, objects.namespace, ref.Name)
	}
	return value, refused(false, err)
}
