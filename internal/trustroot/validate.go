// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"errors"
	"fmt"
	"slices"

	commonpb "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	trustrootpb "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// mediaTypes are the names of the format. The oldest name is still in use.
var mediaTypes = []string{
	root.TrustedRootMediaType01,
	"application/vnd.dev.sigstore.trustedroot.v0.1+json",
	"application/vnd.dev.sigstore.trustedroot.v0.2+json",
}

// Verification with an RSA key as large as the file may be would take minutes; a key of 4096 bits has 550 bytes.
const (
	maxKey         = 2 << 10
	maxCertificate = 8 << 10
)

// validate rejects roots that sigstore-go accepts but that must not be verified
// with: sigstore-go treats an authority without a start as always valid.
func validate(r *trustrootpb.TrustedRoot) error {
	if !slices.Contains(mediaTypes, r.GetMediaType()) {
		return fmt.Errorf("mediaType: %q is not that of a trusted root", r.GetMediaType())
	}
	for field, entries := range map[string]int{
		"tlogs": len(r.GetTlogs()), "ctlogs": len(r.GetCtlogs()),
		"certificateAuthorities": len(r.GetCertificateAuthorities()), "timestampAuthorities": len(r.GetTimestampAuthorities()),
	} {
		if entries > MaxEntries {
			return fmt.Errorf("%s has %d entries, more than %d", field, entries, MaxEntries)
		}
	}
	if n := certificates(r.GetCertificateAuthorities()) + certificates(r.GetTimestampAuthorities()); n > MaxCertificates {
		return fmt.Errorf("certificateAuthorities and timestampAuthorities have %d certificates, more than the %d allowed: remove expired ones",
			n, MaxCertificates)
	}
	return errors.Join(
		validateLogs("tlogs", r.GetTlogs()),
		validateLogs("ctlogs", r.GetCtlogs()),
		validateAuthorities("certificateAuthorities", r.GetCertificateAuthorities()),
		validateAuthorities("timestampAuthorities", r.GetTimestampAuthorities()),
	)
}

// validateLogs also rejects a log that is listed twice, because sigstore-go keeps
// only the last entry.
func validateLogs(field string, logs []*trustrootpb.TransparencyLogInstance) error {
	seen := map[string]bool{}
	for i, log := range logs {
		id := string(log.GetLogId().GetKeyId())
		if id == "" {
			return fmt.Errorf("%s[%d].logId.keyId is missing", field, i)
		}
		if seen[id] {
			return fmt.Errorf("%s[%d].logId.keyId is that of another log, too", field, i)
		}
		seen[id] = true
		if n := len(log.GetPublicKey().GetRawBytes()); n > maxKey {
			return fmt.Errorf("%s[%d].publicKey.rawBytes has %d bytes, more than %d", field, i, n, maxKey)
		}
		if err := validatePeriod(log.GetPublicKey().GetValidFor()); err != nil {
			return fmt.Errorf("%s[%d].publicKey.%w", field, i, err)
		}
	}
	return nil
}

// certificates returns how many certificates the authorities have together.
func certificates(authorities []*trustrootpb.CertificateAuthority) (n int) {
	for _, authority := range authorities {
		n += len(authority.GetCertChain().GetCertificates())
	}
	return n
}

func validateAuthorities(field string, authorities []*trustrootpb.CertificateAuthority) error {
	for i, authority := range authorities {
		if err := validatePeriod(authority.GetValidFor()); err != nil {
			return fmt.Errorf("%s[%d].%w", field, i, err)
		}
		for _, certificate := range authority.GetCertChain().GetCertificates() {
			if n := len(certificate.GetRawBytes()); n > maxCertificate {
				return fmt.Errorf("%s[%d].certChain has a certificate of %d bytes, more than %d", field, i, n, maxCertificate)
			}
		}
	}
	return nil
}

func validatePeriod(period *commonpb.TimeRange) error {
	if period.GetStart() == nil {
		return errors.New("validFor.start is missing")
	}
	if end := period.GetEnd(); end != nil && end.AsTime().Before(period.GetStart().AsTime()) {
		return errors.New("validFor.end is before its start")
	}
	return nil
}
