// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// edited measures the cost of one edit of a Secret that many published charts use: a key is added, so that all
// charts are verified again without a change; the key is removed, so that all lose trust at once; and the key
// is put back.
func (b *bench) edited(ctx context.Context) error {
	added, err := b.world.Stranger.Public()
	if err != nil {
		return err
	}
	trusted, err := b.world.Release.Public()
	if err != nil {
		return err
	}
	b.limits.title("verified again: a key is added that %d charts may be signed with", b.many)
	verified := func(ctx context.Context, before usage) error { return b.verified(ctx, before.rounds+b.many) }
	if err := b.edit(ctx, "verified", map[string][]byte{scenario.KeyEntry: trusted, "added.pub": added}, 1, b.within("until all are verified again", 5, verified)); err != nil {
		return err
	}
	b.limits.title("withdrawn: the key is gone that %d charts are signed with", b.many)
	urls, err := b.urls(ctx)
	if err != nil {
		return err
	}
	// Before the controller withdraws a chart, it asks the registry for other signatures: for the manifest, and
	// in the three locations in which signatures may be. If time runs out, it asks for some twice.
	if err := b.edit(ctx, "withdrawn", map[string][]byte{"added.pub": added}, 5, b.withdrawn(urls)); err != nil {
		return err
	}
	b.limits.title("published: the key is back that %d charts are signed with", b.many)
	published := func(ctx context.Context, _ usage) error { return b.ready(ctx, b.many) }
	return b.edit(ctx, "published", map[string][]byte{scenario.KeyEntry: trusted}, 1, b.within("until all are published", 20, published))
}

// awaited waits for the effects of an edit. It returns a function that prints how long they took.
type awaited func(ctx context.Context, began stopwatch, before usage) (say func(), err error)

// within waits for one effect.
func (b *bench) within(what string, seconds int, done func(context.Context, usage) error) awaited {
	return func(ctx context.Context, began stopwatch, before usage) (func(), error) {
		err := done(ctx, before)
		took, spanErr := began.span()
		err = errors.Join(err, spanErr)
		return func() { b.limits.wall(what, took, time.Duration(seconds)*time.Second) }, err
	}
}

// withdrawn waits, at the same time, until nothing is served and until each status reports the withdrawal.
func (b *bench) withdrawn(urls []string) awaited {
	return func(ctx context.Context, began stopwatch, _ usage) (func(), error) {
		var served span
		ended := make(chan error, 1)
		go func() {
			err := gone(ctx, urls)
			var spanErr error
			served, spanErr = began.span()
			ended <- errors.Join(err, spanErr)
		}()
		err := b.until(ctx, func(seen map[string]bool) bool { return ready(seen) == 0 })
		said, spanErr := began.span()
		err = errors.Join(err, spanErr, <-ended)
		return func() {
			b.limits.wall("until the last URL answers 404", served, 5*time.Second)
			b.limits.wall("until the last status says so", said, 10*time.Second)
		}, err
	}
}

// edit measures one edit until its effects are visible.
func (b *bench) edit(ctx context.Context, name string, keys map[string][]byte, requests float64, wait awaited) error {
	before, err := b.usage(ctx)
	if err != nil {
		return err
	}
	profiled := b.profile(name, 5)
	var secret corev1.Secret
	if err := b.world.Client.Get(ctx, client.ObjectKey{Namespace: b.world.Namespace, Name: scenario.KeySecret}, &secret); err != nil {
		return err
	}
	secret.Data = keys
	began, err := startWatch(b.world.Controller.PID())
	if err != nil {
		return err
	}
	if err := b.world.Client.Update(ctx, &secret); err != nil {
		return err
	}
	say, err := wait(ctx, began, before)
	if err != nil {
		return err
	}
	if err := <-profiled; err != nil {
		return err
	}
	after, err := b.usage(ctx)
	if err != nil {
		return err
	}
	b.limits.calibrate()
	say()
	used := after.since(before)
	b.limits.count("registry requests per chart", per(used.requests, b.many), requests)
	b.limits.noted("%.2f ms CPU per chart; API writes per chart: %s", ms(used.cpu, b.many), used.writes.each(b.many))
	return nil
}

// verified waits until the controller has finished the given number of reconciles.
func (b *bench) verified(ctx context.Context, rounds int) error {
	for {
		now, err := reconciles(b.world.Controller.Metrics)
		if err != nil || now >= rounds {
			return err
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
