// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// edited measures what one edit of a Secret costs that a thousand published charts
// use: a key that is added, which changes nothing but has them all judged again; the
// key taken away, which withdraws them all; and the key put back.
func (b *bench) edited(ctx context.Context) error {
	added, err := b.world.Stranger.Public()
	if err != nil {
		return err
	}
	trusted, err := b.world.Release.Public()
	if err != nil {
		return err
	}
	judged := func(ctx context.Context, before usage) error { return b.judged(ctx, before.rounds+many) }
	for _, edit := range []struct {
		what, name string
		keys       map[string][]byte
		done       func(context.Context, usage) error
	}{
		{"a key is added, judged again", "judged", map[string][]byte{scenario.KeyEntry: trusted, "added.pub": added}, judged},
		{"the key is gone, withdrawn", "withdrawn", map[string][]byte{"added.pub": added}, b.allWithdrawn},
		{"the key is back, published", "published", map[string][]byte{scenario.KeyEntry: trusted}, func(ctx context.Context, _ usage) error { return b.ready(ctx, many) }},
	} {
		profiled := b.profile(edit.name, 5)
		if err := b.edit(ctx, edit.what, edit.keys, edit.done); err != nil {
			return err
		}
		if err := <-profiled; err != nil {
			return err
		}
	}
	return nil
}

// edit measures one edit until it is done.
func (b *bench) edit(ctx context.Context, what string, keys map[string][]byte, done func(context.Context, usage) error) error {
	before, err := b.usage()
	if err != nil {
		return err
	}
	var secret corev1.Secret
	if err := b.world.Client.Get(ctx, client.ObjectKey{Namespace: scenario.Namespace, Name: scenario.KeySecret}, &secret); err != nil {
		return err
	}
	secret.Data = keys
	began := time.Now()
	if err := b.world.Client.Update(ctx, &secret); err != nil {
		return err
	}
	if err := done(ctx, before); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := b.usage()
	if err != nil {
		return err
	}
	used := after.since(before)
	fmt.Printf("%-30s %5.2f s (≤ 5)  %5.2f registry requests (≤ 1)  %6.2f ms CPU   each of %d\n",
		what+":", took.Seconds(), per(used.requests, many), ms(used.cpu, many), many)
	return nil
}

// judged waits until the controller has finished so many reconciles.
func (b *bench) judged(ctx context.Context, rounds int) error {
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

// allWithdrawn waits until no chart is ready.
func (b *bench) allWithdrawn(ctx context.Context, _ usage) error {
	return b.until(ctx, func(seen map[string]bool) bool { return ready(seen) == 0 })
}
