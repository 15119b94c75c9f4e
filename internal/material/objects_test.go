// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/verifiedchart/verifiedchart/internal/material"
)

// cluster is an API server that counts how often data is read.
type cluster struct {
	client.WithWatch
	metadata, data client.Reader
	reads, created int
	// dataFault and metadataFault fail every read of data or metadata if they are not nil.
	dataFault, metadataFault error
}

func newCluster() *cluster {
	c := &cluster{}
	c.WithWatch = fake.NewClientBuilder().Build()
	c.metadata = interceptor.NewClient(c.WithWatch, interceptor.Funcs{
		Get: func(ctx context.Context, server client.WithWatch, key client.ObjectKey, into client.Object, o ...client.GetOption) error {
			if c.metadataFault != nil {
				return c.metadataFault
			}
			return server.Get(ctx, key, into, o...)
		},
	})
	c.data = interceptor.NewClient(c.WithWatch, interceptor.Funcs{
		Get: func(ctx context.Context, server client.WithWatch, key client.ObjectKey, into client.Object, o ...client.GetOption) error {
			c.reads++
			if c.dataFault != nil {
				return c.dataFault
			}
			err := server.Get(ctx, key, into, o...)
			into.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: strings.Repeat("m", 1000)}}) // the fake drops them
			return err
		},
	})
	return c
}

// secret makes a new Secret, and replaces an existing one with its name.
func (c *cluster) secret(ctx context.Context, namespace, name string, data entries) {
	GinkgoHelper()
	c.created++
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID(fmt.Sprint("uid-", c.created)),
		Annotations: map[string]string{"a": strings.Repeat("x", 1000)}, Labels: map[string]string{"l": strings.Repeat("x", 63)},
	}, Data: data}
	Expect(client.IgnoreNotFound(c.Delete(ctx, secret.DeepCopy()))).To(Succeed())
	Expect(c.Create(ctx, secret)).To(Succeed())
}

func (c *cluster) configMap(ctx context.Context, namespace, name string, data map[string]string) {
	GinkgoHelper()
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}
	Expect(c.Create(ctx, config)).To(Succeed())
}

var _ = Describe("Objects of a cluster", Label("cache"), func() {
	var c *cluster
	var o *material.Objects
	BeforeEach(func(ctx context.Context) {
		c = newCluster()
		o = material.NewObjects(c.metadata, c.data, 0)
		c.secret(ctx, "team", "keys", entries{"a": []byte("1")})
	})

	It("are read once for each version", func(ctx context.Context) {
		for range 3 {
			secret, err := o.Secret(ctx, "team", "keys")
			Expect(err).NotTo(HaveOccurred())
			Expect(secret.Data).To(HaveKeyWithValue("a", []byte("1")))
			Expect(secret.ResourceVersion).NotTo(BeEmpty())
		}
		Expect(c.reads).To(Equal(1))
	})

	DescribeTable("are read again",
		func(ctx context.Context, change func(context.Context)) {
			before, err := o.Secret(ctx, "team", "keys")
			Expect(err).NotTo(HaveOccurred())
			change(ctx)
			after, err := o.Secret(ctx, "team", "keys")
			Expect(err).NotTo(HaveOccurred())
			Expect(after).NotTo(BeIdenticalTo(before))
			Expect(c.reads).To(Equal(2))
		},
		Entry("once they are changed", func(ctx context.Context) {
			secret := &corev1.Secret{}
			Expect(c.Get(ctx, types.NamespacedName{Namespace: "team", Name: "keys"}, secret)).To(Succeed())
			secret.Data["a"] = []byte("2")
			Expect(c.Update(ctx, secret)).To(Succeed())
		}),
		Entry("once another object with the same name replaces them", func(ctx context.Context) {
			c.secret(ctx, "team", "keys", entries{"a": []byte("2")})
		}),
		Entry("while the metadata cannot be read", func(context.Context) { c.metadataFault = errDown }),
	)

	It("are not found if they are missing, and found once they exist", func(ctx context.Context) {
		_, err := o.Secret(ctx, "team", "none")
		Expect(apierrors.IsNotFound(err)).To(BeTrue())
		_, err = o.ConfigMap(ctx, "team", "keys")
		Expect(apierrors.IsNotFound(err)).To(BeTrue(), "it is a Secret")
		_, err = o.Secret(ctx, "other", "keys")
		Expect(apierrors.IsNotFound(err)).To(BeTrue(), "it is in another namespace")
		c.secret(ctx, "team", "none", nil)
		_, err = o.Secret(ctx, "team", "none")
		Expect(err).NotTo(HaveOccurred())
	})

	It("H7: are not found once they are deleted, even if they were read before", func(ctx context.Context) {
		secret, err := o.Secret(ctx, "team", "keys")
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Delete(ctx, secret.DeepCopy())).To(Succeed())
		_, err = o.Secret(ctx, "team", "keys")
		Expect(apierrors.IsNotFound(err)).To(BeTrue())
		Expect(o.Kept()).To(BeZero())
	})

	It("return the error of the API server if they cannot be read", func(ctx context.Context) {
		c.dataFault = errDown
		_, err := o.Secret(ctx, "team", "keys")
		Expect(err).To(MatchError(errDown))
		Expect(apierrors.IsNotFound(err)).To(BeFalse())
	})

	It("do not mistake a Secret for a ConfigMap with the same name", func(ctx context.Context) {
		c.configMap(ctx, "team", "keys", map[string]string{"b": "2"})
		config, err := o.ConfigMap(ctx, "team", "keys")
		Expect(err).NotTo(HaveOccurred())
		Expect(config.Data).To(HaveKey("b"))
		secret, err := o.Secret(ctx, "team", "keys")
		Expect(err).NotTo(HaveOccurred())
		Expect(secret.Data).To(HaveKey("a"))
	})

	It("J12: keep no unused metadata", func(ctx context.Context) {
		secret, err := o.Secret(ctx, "team", "keys")
		Expect(err).NotTo(HaveOccurred())
		Expect(secret.ManagedFields).To(BeEmpty())
		Expect(secret.Annotations).To(BeEmpty())
		Expect(secret.Labels).To(BeEmpty())
		Expect(o.Kept()).To(BeNumerically("<", 1000))
	})

	// secrets are as many Secrets of one size in each namespace.
	type secrets struct{ namespaces, each, size int }
	DescribeTable("J12: stay within the limit, and keep the objects of other namespaces",
		func(ctx context.Context, s secrets) {
			const limit = 1 << 20
			o = material.NewObjects(c.metadata, c.data, limit)
			_, err := o.Secret(ctx, "team", "keys")
			Expect(err).NotTo(HaveOccurred())
			for i := range s.namespaces {
				for j := range s.each {
					namespace, name := fmt.Sprint("tenant-", i), fmt.Sprint("s-", j)
					c.secret(ctx, namespace, name, entries{"big": bytes.Repeat([]byte{byte(i)}, s.size)})
					_, err := o.Secret(ctx, namespace, name)
					Expect(err).NotTo(HaveOccurred())
				}
			}
			Expect(o.Kept()).To(BeNumerically("<=", limit))
			c.reads = 0
			_, err = o.Secret(ctx, "team", "keys")
			Expect(err).NotTo(HaveOccurred())
			Expect(c.reads).To(BeZero())
		},
		Entry("with many large Secrets in one namespace", secrets{namespaces: 1, each: 40, size: 100 << 10}),
		Entry("with many large Secrets in three namespaces", secrets{namespaces: 3, each: 20, size: 100 << 10}),
		Entry("with a Secret that is larger than half of the limit", secrets{namespaces: 1, each: 2, size: 600 << 10}),
	)

	It("J12: keep at most 16 MiB by default, and 8 MiB for one namespace", func(ctx context.Context) {
		for j := range 20 {
			name := fmt.Sprint("s-", j)
			c.secret(ctx, "team", name, entries{"big": make([]byte, 1000<<10)})
			_, err := o.Secret(ctx, "team", name)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(o.Kept()).To(And(BeNumerically(">", 7<<20), BeNumerically("<=", 8<<20)))
	})
})
