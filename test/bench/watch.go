// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fluxcd/pkg/runtime/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// ready waits until n charts are ready. It asks the API server only when the registry is idle, because its
// requests distort the measurement.
func (b *bench) ready(ctx context.Context, n int) error {
	if err := b.quiet(ctx); err != nil {
		return err
	}
	return b.until(ctx, func(seen map[string]bool) bool { return ready(seen) == n })
}

// ready returns the number of charts that are ready.
func ready(seen map[string]bool) int {
	n := 0
	for _, is := range seen {
		if is {
			n++
		}
	}
	return n
}

// quiet waits until the registry gets a request, and then until it gets none for a moment.
func (b *bench) quiet(ctx context.Context) error {
	const moment = 100 * time.Millisecond
	for before := 0; ; {
		now := len(b.world.Registry.Requests())
		if now > 0 && now == before {
			return nil
		}
		before = now
		select {
		case <-time.After(moment):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// clear deletes every chart and waits until they are gone.
func (b *bench) clear(ctx context.Context) error {
	if err := b.world.Client.DeleteAllOf(ctx, &v1alpha1.VerifiedChart{}, client.InNamespace(b.world.Namespace)); err != nil {
		return err
	}
	return b.until(ctx, func(seen map[string]bool) bool { return len(seen) == 0 })
}

// until watches the charts until the observed state, by name whether a chart is ready, meets the condition. A
// watch costs the API server less than repeated lists.
func (b *bench) until(ctx context.Context, fits func(map[string]bool) bool) error {
	watching, err := b.watcher()
	if err != nil {
		return err
	}
	var list v1alpha1.VerifiedChartList
	if err := watching.List(ctx, &list, client.InNamespace(b.world.Namespace)); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range list.Items {
		seen[list.Items[i].Name] = conditions.IsReady(&list.Items[i])
	}
	events, err := watching.Watch(ctx, &list, client.InNamespace(b.world.Namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		return err
	}
	defer events.Stop()
	for !fits(seen) {
		select {
		case e := <-events.ResultChan():
			obj, ok := e.Object.(*v1alpha1.VerifiedChart)
			if !ok {
				return fmt.Errorf("the watch ended: %v", e.Object)
			}
			if seen[obj.Name] = conditions.IsReady(obj); e.Type == watch.Deleted {
				delete(seen, obj.Name)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (b *bench) watcher() (client.WithWatch, error) {
	config, err := b.world.Plane.Config()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: b.world.Client.Scheme()})
}

// urls returns the URLs of the charts.
func (b *bench) urls(ctx context.Context) ([]string, error) {
	var list v1alpha1.VerifiedChartList
	if err := b.world.Client.List(ctx, &list, client.InNamespace(b.world.Namespace)); err != nil {
		return nil, err
	}
	var urls []string
	for i := range list.Items {
		a := list.Items[i].Status.Artifact
		if a == nil {
			return nil, fmt.Errorf("VerifiedChart %s is not published", list.Items[i].Name)
		}
		urls = append(urls, a.URL)
	}
	return urls, nil
}

// gone waits until a GET of every URL is answered by 404. It requests the next URL only after that, so that it
// costs about one request for each; a URL that is gone stays gone.
func gone(ctx context.Context, urls []string) error {
	const moment = 20 * time.Millisecond
	for _, url := range urls {
		for {
			status, err := head(ctx, url)
			if err != nil {
				return err
			}
			if status == http.StatusNotFound {
				break
			}
			select {
			case <-time.After(moment):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// head returns the answer to a GET, without the content.
func head(ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
