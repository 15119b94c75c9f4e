// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/x509/pkix"
	"encoding/asn1"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ecdsaKey is the algorithm of a key on any curve (RFC 5480).
var ecdsaKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}

// curveNames names the curves that users meet and that are not supported, by OpenSSL's names.
var curveNames = map[string]string{
	"1.2.840.10045.3.1.1":   "prime192v1",
	"1.3.132.0.10":          "secp256k1",
	"1.3.36.3.3.2.8.1.1.7":  "brainpoolP256r1",
	"1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}

// algorithmNames names the algorithms of keys that Go does not parse.
var algorithmNames = map[string]string{
	"1.2.840.113549.1.1.10": "an RSA-PSS key",
	"1.3.101.111":           "an X448 key",
	"1.3.101.113":           "an Ed448 key",
}

// kindOf returns the kind of a DER encoded public key (SPKI) that Go does not parse, for messages; empty if it is
// not known. It does not validate the key.
func kindOf(der []byte) string {
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		Point     asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return ""
	}
	if !key.Algorithm.Algorithm.Equal(ecdsaKey) {
		return algorithmNames[key.Algorithm.Algorithm.String()]
	}
	var curve asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &curve); err != nil {
		return "an ECDSA key on a curve of explicit parameters"
	}
	if name, ok := curveNames[curve.String()]; ok {
		return "an ECDSA key on curve " + name
	}
	return "an ECDSA key on curve " + printable.String(curve.String(), maxType)
}
