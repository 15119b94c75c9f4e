// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

func TestMaterial(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Material")
}

// errDown is the fault of an API server that does not answer.
var errDown = errors.New("connection refused")

type entries = map[string][]byte

// objects is a Source in memory.
type objects struct {
	mu         sync.Mutex
	secrets    map[string]*corev1.Secret
	configMaps map[string]*corev1.ConfigMap
	accounts   map[string]*corev1.ServiceAccount
	written    int
	// unversioned objects have neither UID nor resource version.
	unversioned bool
	// fault fails every read if it is not nil.
	fault error
	// reads lists the objects that were read.
	reads []string
}

func newObjects() *objects {
	return &objects{secrets: map[string]*corev1.Secret{}, configMaps: map[string]*corev1.ConfigMap{}, accounts: map[string]*corev1.ServiceAccount{}}
}

func (o *objects) meta(namespace, name string) metav1.ObjectMeta {
	o.written++
	if o.unversioned {
		return metav1.ObjectMeta{}
	}
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID("uid-" + name), ResourceVersion: fmt.Sprint(o.written),
	}
}

// putSecret makes a Secret hold exactly these entries.
func (o *objects) putSecret(name string, data entries) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secrets[name] = &corev1.Secret{ObjectMeta: o.meta("team", name), Data: data}
}

// putConfigMap makes a ConfigMap hold exactly these entries.
func (o *objects) putConfigMap(name string, data map[string]string, binary entries) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.configMaps[name] = &corev1.ConfigMap{ObjectMeta: o.meta("team", name), Data: data, BinaryData: binary}
}

// putAccount makes a ServiceAccount have exactly these pull Secrets.
func (o *objects) putAccount(name string, secrets ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	account := &corev1.ServiceAccount{ObjectMeta: o.meta("team", name)}
	for _, secret := range secrets {
		account.ImagePullSecrets = append(account.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
	}
	o.accounts[name] = account
}

// remove removes a Secret and a ConfigMap.
func (o *objects) remove(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.secrets, name)
	delete(o.configMaps, name)
}

// Secret implements material.Source.
func (o *objects) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return find(ctx, o, o.secrets, "secrets", namespace, name)
}

// ConfigMap implements material.Source.
func (o *objects) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	return find(ctx, o, o.configMaps, "configmaps", namespace, name)
}

// ServiceAccount implements material.Source.
func (o *objects) ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	return find(ctx, o, o.accounts, "serviceaccounts", namespace, name)
}

func find[T any](ctx context.Context, o *objects, among map[string]*T, kind, namespace, name string) (*T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reads = append(o.reads, kind+" "+name)
	switch object, ok := among[name]; {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case o.fault != nil:
		return nil, o.fault
	case !ok || namespace != "team":
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: kind}, name)
	default:
		return object, nil
	}
}
