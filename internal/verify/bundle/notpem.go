// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"

	"github.com/verifiedchart/verifiedchart/internal/problem"
)

var (
	byteOrderMark = []byte("\ufeff")
	indentation   = regexp.MustCompile(`(?m)^[ \t]+`)
	sshKey        = regexp.MustCompile(`^(ssh|ecdsa-sha2|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ `)
)

// notPEM returns the error for an entry without a PEM block. Users store keys in many forms, and each form has
// its own fix.
func notPEM(name string, content []byte) error {
	const recreate = "create the Secret anew with --from-file=cosign.pub"
	trimmed := bytes.TrimSpace(content)
	decoded, err := base64.StdEncoding.DecodeString(string(trimmed))
	encoded := err == nil && isPEM(decoded)
	_, der := x509.ParsePKIXPublicKey(content)
	switch {
	case len(trimmed) == 0:
		return problem.New(ErrKey, "%s is empty", name).Fix("store the PEM encoded public key there")
	case der == nil:
		return problem.New(ErrKey, "%s is DER encoded", name).Fix("convert the key with openssl pkey -pubin -inform DER -in key.der -out cosign.pub")
	case sshKey.Match(trimmed):
		return problem.New(ErrKey, "%s is an SSH key", name).Fix("convert the key with ssh-keygen -e -m PKCS8 -f key.pub > cosign.pub")
	case encoded:
		return problem.New(ErrKey, "%s was encoded in base64 twice", name).Fix(recreate)
	case bytes.Contains(content, []byte("-\x00-")):
		return problem.New(ErrKey, "%s is UTF-16", name).Fix("save the file as UTF-8, and " + recreate)
	case bytes.Contains(trimmed, []byte("-----BEGIN ")):
		return problem.New(ErrKey, "%s has lost its line breaks, or a part", name).Fix(recreate)
	}
	return problem.New(ErrKey, "%s is not PEM encoded", name).Fix("store the contents of cosign.pub there")
}

func isPEM(content []byte) bool {
	block, _ := pem.Decode(content)
	return block != nil
}

// plain returns a PEM text without a byte order mark, and without white space around it and before its lines.
func plain(content []byte) []byte {
	return indentation.ReplaceAll(bytes.TrimPrefix(bytes.TrimSpace(content), byteOrderMark), nil)
}
