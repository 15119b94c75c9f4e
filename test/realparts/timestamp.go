// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"crypto/x509"
	"net/http"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// TimestampAuthority is Sigstore's RFC 3161 timestamp authority. Its key is only in memory: a restart makes a
// different authority.
type TimestampAuthority struct {
	*process.Process
	// URL is the URL for timestamp requests.
	URL string
	// Chain begins with the certificate of the signing key and ends with the root.
	Chain []*x509.Certificate
}

// StartTimestampAuthority starts a timestamp authority as a member of the group, with its log in dir.
func StartTimestampAuthority(ctx context.Context, dir string, group *process.Group) (*TimestampAuthority, error) {
	path, err := parts.Path(parts.Timestamp)
	if err != nil {
		return nil, err
	}
	dir, env, err := home(dir, parts.Timestamp)
	if err != nil {
		return nil, err
	}
	return process.RetryAddrInUse(func() (*TimestampAuthority, error) {
		addr, err := process.FreeAddr()
		if err != nil {
			return nil, err
		}
		p, err := group.Start(ctx, process.Command{
			Name:  parts.Timestamp,
			Path:  path,
			Dir:   dir,
			Env:   append(env, offline()...),
			Args:  []string{addr},
			Ready: process.Answers(http.DefaultClient, "http://"+addr+"/ping"),
			Grace: -1,
		})
		if err != nil {
			return nil, err
		}
		api := "http://" + addr + "/api/v1/timestamp"
		encoded, err := get(ctx, api+"/certchain")
		if err != nil {
			return nil, err
		}
		chain, err := parseChain(encoded)
		return &TimestampAuthority{Process: p, URL: api, Chain: chain}, err
	})
}
