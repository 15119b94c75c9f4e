// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var _ = Describe("The work queue", Label("deadline"), func() {
	It("J6: lets the namespaces take turns, even if many objects of one namespace have changed", func() {
		queue := newFairQueue("test", workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		DeferCleanup(queue.ShutDown)
		add := func(namespace, name string) {
			queue.Add(requestOf(types.NamespacedName{Namespace: namespace, Name: name}))
		}
		for i := range 1000 {
			add("greedy", fmt.Sprint(i))
		}
		add("b", "0")
		add("c", "0")
		add("b", "1")
		add("b", "0") // already waits
		Expect(queue.Len()).To(Equal(1003))
		var order []string
		for range 6 {
			next, _ := queue.Get()
			order = append(order, next.Namespace+next.Name)
			queue.Done(next)
		}
		Expect(order).To(Equal([]string{"greedy0", "b0", "c0", "greedy1", "b1", "greedy2"}))
		for range 997 {
			next, _ := queue.Get()
			queue.Done(next)
		}
		Expect(queue.Len()).To(BeZero())
	})
})
