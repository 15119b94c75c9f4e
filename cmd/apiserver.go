// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/url"
	"os"

	"k8s.io/client-go/rest"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// apiServerAddresses returns the addresses of the API server, as host:port, to which no registry may lead: the one in the client's
// configuration, with the addresses that its name has now, and the one in the environment of a pod.
func apiServerAddresses(ctx context.Context, config *rest.Config) (addresses []string) {
	if host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"); host != "" {
		addresses = append(addresses, net.JoinHostPort(host, port))
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return addresses
	}
	return append(addresses, resolved(ctx, server)...)
}

// resolved returns the host of a URL with its port, and the addresses of the host.
func resolved(ctx context.Context, u *url.URL) []string {
	hostPort := outbound.HostPort(u)
	addresses := []string{hostPort}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return addresses
	}
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	found, _ := net.DefaultResolver.LookupHost(ctx, host) // without addresses, the name is refused all the same
	for _, address := range found {
		addresses = append(addresses, net.JoinHostPort(address, port))
	}
	return addresses
}
