// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

// writes counts the requests by which the controller changed objects in the API server, by verb and resource.
type writes map[string]int

// writable reports whether the role of the controller allows the request. The bench itself, and the API server,
// write only other resources.
func writable(verb, group, resource string) bool {
	switch group + "/" + resource {
	case "source.verifiedchart.dev/verifiedcharts":
		return verb == http.MethodPatch || verb == http.MethodPut || verb == "APPLY"
	case "source.verifiedchart.dev/verifiedcharts/status", "/events", "events.k8s.io/events",
		"source.toolkit.fluxcd.io/externalartifacts", "source.toolkit.fluxcd.io/externalartifacts/status":
		return slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "APPLY"}, verb)
	}
	return false
}

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// parseWrites reads the metrics of an API server.
func parseWrites(metrics io.Reader) (writes, error) {
	counted := writes{}
	lines := bufio.NewScanner(metrics)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		labels, ok := strings.CutPrefix(lines.Text(), "apiserver_request_total{")
		if !ok {
			continue
		}
		of := map[string]string{}
		for _, m := range label.FindAllStringSubmatch(labels, -1) {
			of[m[1]] = m[2]
		}
		resource := of["resource"]
		if sub := of["subresource"]; sub != "" {
			resource += "/" + sub
		}
		if !writable(of["verb"], of["group"], resource) {
			continue
		}
		n, err := strconv.ParseFloat(labels[strings.LastIndexByte(labels, ' ')+1:], 64)
		if err != nil {
			return nil, err
		}
		counted[of["verb"]+" "+resource] += int(n)
	}
	return counted, lines.Err()
}

// since returns the difference from an earlier count.
func (w writes) since(before writes) writes {
	after := writes{}
	for what, n := range w {
		if n > before[what] {
			after[what] = n - before[what]
		}
	}
	return after
}

func (w writes) total() (n int) {
	for _, of := range w {
		n += of
	}
	return n
}

// each returns the counts, divided by the number of objects, as text.
func (w writes) each(objects int) string {
	var said []string
	for _, what := range slices.Sorted(maps.Keys(w)) {
		said = append(said, fmt.Sprintf("%s %.2f", what, per(w[what], objects)))
	}
	return strings.Join(said, ", ")
}

// written returns the count so far, after writes have stopped: events are sent in the background.
func (b *bench) written(ctx context.Context) (writes, error) {
	const moment = time.Second
	config, err := b.world.Plane.Config()
	if err != nil {
		return nil, err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	for before := -1; ; {
		now, err := requestWrites(ctx, client, config.Host)
		if err != nil || now.total() == before {
			return now, err
		}
		before = now.total()
		select {
		case <-time.After(moment):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func requestWrites(ctx context.Context, client *http.Client, host string) (writes, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the metrics of the API server: %s", resp.Status)
	}
	return parseWrites(resp.Body)
}
