// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"

	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbtrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Service is a service of a Sigstore, as named in a trusted root or a signing configuration.
type Service int

// The services that a trusted root or a signing configuration may lack.
const (
	Authority Service = iota // Fulcio
	Log                      // Rekor
	CTLog
	Timestamps
)

// operator is the operator of the services.
const operator = "realparts.test"

// TrustedRoot returns the trusted_root.json of the Sigstore, without the given services.
func (s *Sigstore) TrustedRoot(without ...Service) []byte {
	trusted := &pbtrustroot.TrustedRoot{MediaType: root.TrustedRootMediaType01}
	if !slices.Contains(without, Authority) {
		trusted.CertificateAuthorities = []*pbtrustroot.CertificateAuthority{s.describeAuthority(s.Fulcio.URL, s.Fulcio.Chain)}
	}
	if !slices.Contains(without, Timestamps) {
		trusted.TimestampAuthorities = []*pbtrustroot.CertificateAuthority{s.describeAuthority(s.Timestamp.URL, s.Timestamp.Chain)}
	}
	if !slices.Contains(without, Log) {
		trusted.Tlogs = []*pbtrustroot.TransparencyLogInstance{
			s.describeLog(s.Rekor.URL, s.Rekor.spki, pbcommon.PublicKeyDetails_PKIX_ED25519, s.Rekor.LogID),
		}
	}
	if !slices.Contains(without, CTLog) {
		id := sha256.Sum256(s.CTLog.spki)
		trusted.Ctlogs = []*pbtrustroot.TransparencyLogInstance{
			s.describeLog(s.CTLog.URL(), s.CTLog.spki, pbcommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256, id[:]),
		}
	}
	return encode(trusted)
}

// SigningConfig returns the signing_config.json (v0.2) of the Sigstore, without the given services.
func (s *Sigstore) SigningConfig(without ...Service) []byte {
	config := &pbtrustroot.SigningConfig{MediaType: root.SigningConfigMediaType02}
	anyOf := &pbtrustroot.ServiceConfiguration{Selector: pbtrustroot.ServiceSelector_ANY}
	if !slices.Contains(without, Authority) {
		config.CaUrls, config.OidcUrls = s.service(s.Fulcio.URL, 1), s.service(s.Issuer.URL(), 1)
	}
	if !slices.Contains(without, Log) {
		config.RekorTlogUrls, config.RekorTlogConfig = s.service(s.Rekor.URL, 2), anyOf
	}
	if !slices.Contains(without, Timestamps) {
		config.TsaUrls, config.TsaConfig = s.service(s.Timestamp.URL, 1), anyOf
	}
	return encode(config)
}

func (s *Sigstore) service(url string, version uint32) []*pbtrustroot.Service {
	return []*pbtrustroot.Service{{Url: url, MajorApiVersion: version, ValidFor: s.validFor(), Operator: operator}}
}

// validFor begins at the start of the Sigstore and has no end.
func (s *Sigstore) validFor() *pbcommon.TimeRange {
	return &pbcommon.TimeRange{Start: timestamppb.New(s.began)}
}

func (s *Sigstore) describeAuthority(url string, chain []*x509.Certificate) *pbtrustroot.CertificateAuthority {
	subject := chain[len(chain)-1].Subject
	described := &pbtrustroot.CertificateAuthority{
		Subject: &pbcommon.DistinguishedName{CommonName: subject.CommonName},
		Uri:     url, CertChain: &pbcommon.X509CertificateChain{}, ValidFor: s.validFor(),
	}
	if len(subject.Organization) > 0 {
		described.Subject.Organization = subject.Organization[0]
	}
	for _, certificate := range chain {
		described.CertChain.Certificates = append(described.CertChain.Certificates, &pbcommon.X509Certificate{RawBytes: certificate.Raw})
	}
	return described
}

func (s *Sigstore) describeLog(url string, spki []byte, details pbcommon.PublicKeyDetails, id []byte) *pbtrustroot.TransparencyLogInstance {
	return &pbtrustroot.TransparencyLogInstance{
		BaseUrl: url, HashAlgorithm: pbcommon.HashAlgorithm_SHA2_256, LogId: &pbcommon.LogId{KeyId: id},
		PublicKey: &pbcommon.PublicKey{RawBytes: spki, KeyDetails: details, ValidFor: s.validFor()},
	}
}

// encode returns the JSON of a message. Encoding fails only for text that is not UTF-8, which these messages do
// not contain.
func encode(message proto.Message) []byte {
	encoded, err := protojson.Marshal(message)
	if err != nil {
		panic(err)
	}
	return encoded
}
