// SPDX-License-Identifier: Apache-2.0

// Program timestamp-server is Sigstore's timestamp authority with a key in memory. It differs from the original
// program in that it serves only its API, at the address in its argument: the original also takes port 2112 of
// every interface, so that a machine can run only one, and asks public NTP servers for the time.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

const (
	patience = 30 * time.Second
	policy   = "1.3.6.1.4.1.57264.2" // the default of the original program
	maxBody  = 1 << 20
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "timestamp-server: %v\n", err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the address to serve at, as 127.0.0.1:3000")
	}
	host, number, err := net.SplitHostPort(args[0])
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	viper.Set("timestamp-signer", "memory")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("default-policy-oid", policy)
	viper.Set("accepted-policy-oids", []string{policy})
	viper.Set("max-request-body-size", uint64(maxBody))
	return server.NewRestAPIServer(host, port, []string{"http"}, false, patience, patience).Serve()
}
