// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/verifiedchart/verifiedchart/test/process"
)

// Sigstore is a private Sigstore on the loopback interface: Fulcio, Rekor v2 and
// the timestamp authority, with an issuer of identities and a log of
// certificates in this process.
type Sigstore struct {
	Issuer    *Issuer
	CTLog     *CertificateLog
	Fulcio    *Fulcio
	Rekor     *Rekor
	Timestamp *TimestampAuthority

	began time.Time // in whole seconds, like timestamps
}

// StartSigstore starts a Sigstore, with its programs as members of the group and its files in dir. Two
// Sigstores may run at the same time.
func StartSigstore(ctx context.Context, dir string, group *process.Group) (_ *Sigstore, err error) {
	s := &Sigstore{began: time.Now().Truncate(time.Second)}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.Issuer, err = StartIssuer(); err != nil {
		return nil, err
	}
	if s.CTLog, err = StartCertificateLog(); err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, "sigstore")
	var fulcioErr, rekorErr, timestampErr error
	var starts sync.WaitGroup
	starts.Go(func() { s.Fulcio, fulcioErr = StartFulcio(ctx, dir, s.Issuer, s.CTLog, group) })
	starts.Go(func() { s.Rekor, rekorErr = StartRekor(ctx, dir, group) })
	starts.Go(func() { s.Timestamp, timestampErr = StartTimestampAuthority(ctx, dir, group) })
	starts.Wait()
	return s, errors.Join(fulcioErr, rekorErr, timestampErr)
}

// Close ends the services in this process; the programs end with their group. It may be called again.
func (s *Sigstore) Close() {
	if s.Issuer != nil {
		s.Issuer.Close()
	}
	if s.CTLog != nil {
		s.CTLog.Close()
	}
}

// freePorts returns the address of the loopback interface and two free ports. The ports differ although nothing
// reserves them: two calls of process.FreeAddr may return the same port.
func freePorts() (host, first, second string, err error) {
	var ports [2]string
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", "", fmt.Errorf("cannot find a free port on the loopback interface: %w", err)
		}
		defer l.Close()
		if host, ports[i], err = net.SplitHostPort(l.Addr().String()); err != nil {
			return "", "", "", err
		}
	}
	return host, ports[0], ports[1], nil
}

// get returns the body of a service's answer with status 200.
func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", url, resp.Status, body)
	}
	return body, err
}
