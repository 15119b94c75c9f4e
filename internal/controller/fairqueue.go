// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// fairQueue orders a work queue: the namespaces take turns, and the objects of one namespace keep their order of arrival. If
// many objects of a namespace change, they delay another namespace's object by one object at a time. The zero
// value is empty. The work queue calls it under its lock.
type fairQueue struct {
	turns   []string // the namespaces with objects, the next one first
	waiting map[string][]reconcile.Request
}

// newFairQueue makes the work queue of a controller.
func newFairQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	queue := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{Name: name, Queue: &fairQueue{}})
	delaying := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{Name: name, Queue: queue})
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, DelayingQueue: delaying})
}

// Touch implements workqueue.Queue. An object that is added again keeps its place.
func (q *fairQueue) Touch(reconcile.Request) {}

// Push implements workqueue.Queue.
func (q *fairQueue) Push(r reconcile.Request) {
	if q.waiting == nil {
		q.waiting = map[string][]reconcile.Request{}
	}
	if len(q.waiting[r.Namespace]) == 0 {
		q.turns = append(q.turns, r.Namespace)
	}
	q.waiting[r.Namespace] = append(q.waiting[r.Namespace], r)
}

// Len implements workqueue.Queue.
func (q *fairQueue) Len() (n int) {
	for _, waiting := range q.waiting {
		n += len(waiting)
	}
	return n
}

// Pop implements workqueue.Queue.
func (q *fairQueue) Pop() reconcile.Request {
	namespace := q.turns[0]
	q.turns = q.turns[1:]
	next := q.waiting[namespace][0]
	if rest := q.waiting[namespace][1:]; len(rest) > 0 {
		q.waiting[namespace] = rest
		q.turns = append(q.turns, namespace)
	} else {
		delete(q.waiting, namespace)
	}
	return next
}
