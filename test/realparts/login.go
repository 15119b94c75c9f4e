// SPDX-License-Identifier: Apache-2.0

package realparts

// Login is how helm and cosign get into a registry. The zero value is for plain HTTP without credentials.
type Login struct {
	Username, Password string
	// CA, Certificate and Key are files. With a CA, the registry has TLS.
	CA, Certificate, Key string
}

func (l Login) helm() []string {
	var flags []string
	if l.CA == "" {
		flags = append(flags, "--plain-http")
	}
	return append(flags, l.flags(map[string]string{
		"--username": l.Username, "--password": l.Password, "--ca-file": l.CA, "--cert-file": l.Certificate, "--key-file": l.Key,
	})...)
}

func (l Login) cosign() []string {
	return l.flags(map[string]string{
		"--registry-username": l.Username, "--registry-password": l.Password,
		"--registry-cacert": l.CA, "--registry-client-cert": l.Certificate, "--registry-client-key": l.Key,
	})
}

func (Login) flags(values map[string]string) (flags []string) {
	for flag, value := range values {
		if value != "" {
			flags = append(flags, flag+"="+value)
		}
	}
	return flags
}
