// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	flag "github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// parsed returns the options of a command line.
func parsed(t *testing.T, args ...string) options {
	t.Helper()
	var o options
	fs := flag.NewFlagSet("controller", flag.ContinueOnError)
	o.bind(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDefaultsOfCloudFlags(t *testing.T) {
	t.Setenv("RUNTIME_NAMESPACE", "system")
	o := parsed(t)
	if o.tokenCache.MaxSize != 100 || o.tokenCache.MaxDuration != time.Hour || o.defaultServiceAccount != "" {
		t.Errorf("the defaults are not Flux's: %+v", o.tokenCache)
	}
	if !slices.Equal(o.identityNamespaces, []string{"system"}) {
		t.Errorf("the controller's identity is for %q", o.identityNamespaces)
	}
	t.Setenv("RUNTIME_NAMESPACE", "")
	if o := parsed(t); len(o.identityNamespaces) != 0 {
		t.Errorf("without a namespace, the controller's identity is for %q", o.identityNamespaces)
	}
	if o := parsed(t, "--controller-identity-namespaces=a,b"); !slices.Equal(o.identityNamespaces, []string{"a", "b"}) {
		t.Errorf("the controller's identity is for %q", o.identityNamespaces)
	}
}

func TestCloudFlags(t *testing.T) {
	for name, row := range map[string]struct {
		args []string
		// fault is in the error; empty if there is none.
		fault string
	}{
		"none":                                   {nil, ""},
		"the feature gate":                       {[]string{"--feature-gates=ObjectLevelWorkloadIdentity=true"}, ""},
		"no cache":                               {[]string{"--token-cache-max-size=0"}, ""},
		"a default with the gate":                {[]string{"--feature-gates=ObjectLevelWorkloadIdentity=true", "--default-service-account=reader"}, ""},
		"a default without the gate":             {[]string{"--default-service-account=reader"}, "--default-service-account"},
		"a default with the gate off":            {[]string{"--feature-gates=ObjectLevelWorkloadIdentity=false", "--default-service-account=reader"}, "--default-service-account"},
		"a gate that there is not":               {[]string{"--feature-gates=ObjectLevelWorkloadIdentities=true"}, "--feature-gates"},
		"a gate of another of Flux' controllers": {[]string{"--feature-gates=ExternalArtifact=true"}, "--feature-gates"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newCloud(fake.NewClientBuilder().Build(), parsed(t, row.args...))
			if (err == nil) != (row.fault == "") || (err != nil && !strings.Contains(err.Error(), row.fault)) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
