// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/digitorus/pkcs7"
)

const (
	// maxModulus bounds an RSA key in bits, and maxExponent its exponent. A signature by a key of 18,432 bits
	// with an exponent of 31 bits takes forty milliseconds to verify. An attacker can make such a key
	// instantly, because it need not be a product of two primes.
	maxModulus, maxExponent = 8192, 1 << 17
	// maxBlocks bounds the PEM blocks of one text.
	maxBlocks = 8
)

// checkEntryKeys refuses a log entry with a key that is slow to verify with. While the library reads an entry,
// it verifies the signature in the entry with the key in the entry. So the keys are checked first: in every
// text of the entry that holds a key or a certificate, whatever the kind of the entry.
func checkEntryKeys(body []byte) error {
	var entry any
	if json.Unmarshal(body, &entry) != nil {
		return nil // the library refuses it before it verifies anything
	}
	return checkTexts(entry)
}

// checkTexts checks every text in a JSON value.
func checkTexts(value any) error {
	switch v := value.(type) {
	case string:
		return checkText([]byte(v))
	case []any:
		for _, each := range v {
			if err := checkTexts(each); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, each := range v {
			if err := checkTexts(each); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkText checks the keys in a text: PEM or DER, encoded in base64 or not.
func checkText(text []byte) error {
	decoded, err := base64.StdEncoding.DecodeString(string(text))
	if err == nil {
		if err := checkDER(decoded); err != nil {
			return err
		}
		text = decoded
	}
	for range maxBlocks {
		block, rest := pem.Decode(bytes.TrimSpace(text))
		if block == nil {
			return nil
		}
		if err := checkDER(block.Bytes); err != nil {
			return err
		}
		text = rest
	}
	return fmt.Errorf("a log entry holds more than %d keys", maxBlocks)
}

// checkDER checks the key in a public key or a certificate. It accepts anything else, which holds no key.
func checkDER(der []byte) error {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if key, err = x509.ParsePKCS1PublicKey(der); err != nil {
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				return nil
			}
			key = certificate.PublicKey
		}
	}
	return checkCost(key)
}

// checkStampKeys refuses a timestamp with a certificate whose key is slow to verify with. While the library
// reads a timestamp, it verifies the timestamp with the certificate in it, whatever the trusted root holds.
func checkStampKeys(raw []byte) error {
	var response struct {
		Status asn1.RawValue
		Token  asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(raw, &response); err != nil {
		return nil // the library refuses it before it verifies anything
	}
	token, err := pkcs7.Parse(response.Token.FullBytes)
	if err != nil {
		return nil
	}
	for _, certificate := range token.Certificates {
		if err := checkCost(certificate.PublicKey); err != nil {
			return err
		}
	}
	return nil
}

// checkCost refuses a key that is slow to verify with.
func checkCost(key crypto.PublicKey) error {
	if rsaKey, ok := key.(*rsa.PublicKey); ok && (rsaKey.N.BitLen() > maxModulus || rsaKey.E > maxExponent) {
		return fmt.Errorf("it holds an RSA key of %d bits with the exponent %d, which takes too long to verify with", rsaKey.N.BitLen(), rsaKey.E)
	}
	return nil
}
