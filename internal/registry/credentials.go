// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// ErrCredentials is matched by the error for credentials that cannot be read.
var ErrCredentials = errors.New("not credentials of a registry")

// ErrNoEntry is matched by the error for a docker configuration without an entry. The error also matches ErrCredentials.
var ErrNoEntry = fmt.Errorf("%w: the docker configuration has no entry", ErrCredentials)

// Entries of Secrets with credentials.
const (
	dockerConfigEntry, oldDockerConfigEntry = ".dockerconfigjson", ".dockercfg"
	usernameEntry, passwordEntry            = "username", "password"
)

// maxDockerConfig bounds a docker configuration; a Secret holds 1 MiB at most.
const maxDockerConfig = 1 << 20

// dockerHub is the host of Docker Hub in the name of a repository.
const dockerHub = "docker.io"

// official is the folder of Docker Hub's official images.
const official = "library"

// Credentials map registries to the credentials to offer. The zero value offers nothing. Credentials print as
// nothing, so that no log can hold them.
type Credentials struct {
	// rings are searched in order. The entries of a ring are sorted: the most specific first.
	rings [][]entry
	// issued reports whether a cloud has issued the credentials.
	issued bool
}

// entry is the credential for a host, or for the repositories below a path of the host.
type entry struct {
	place
	credential auth.Credential
	// fault describes why the entry has no credential. It is empty if the entry is good.
	fault string
}

// String hides the credentials.
func (Credentials) String() string { return "credentials" }

// GoString hides the credentials.
func (Credentials) GoString() string { return "credentials" }

type dockerAuth struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	Auth          string `json:"auth"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// ParseCredentials reads the entries of a Secret: .dockerconfigjson, else .dockercfg, else username and password, which are for
// the host of the repository only. The error matches ErrCredentials and quotes no value.
func ParseCredentials(data map[string][]byte, repository string) (Credentials, error) {
	has := func(name string) bool { return len(data[name]) > 0 }
	switch {
	case has(dockerConfigEntry):
		return ParseDockerConfig(data[dockerConfigEntry])
	case has(oldDockerConfigEntry):
		return ParseOldDockerConfig(data[oldDockerConfigEntry])
	case !has(usernameEntry) && !has(passwordEntry):
		return Credentials{}, fmt.Errorf("%w: no entry %s, %s or %s", ErrCredentials, dockerConfigEntry, oldDockerConfigEntry, usernameEntry)
	}
	line := func(name string) string { return strings.TrimRight(string(data[name]), "\r\n") }
	username, password := line(usernameEntry), line(passwordEntry)
	switch {
	case username == "":
		return Credentials{}, fmt.Errorf("%w: %s is empty or missing", ErrCredentials, usernameEntry)
	case password == "":
		return Credentials{}, fmt.Errorf("%w: %s is empty or missing", ErrCredentials, passwordEntry)
	case strings.Contains(username, ":"):
		return Credentials{}, fmt.Errorf("%w: %s holds a colon", ErrCredentials, usernameEntry)
	}
	return BasicCredentials(repository, username, password), nil
}

// BasicCredentials returns a username and a password for the host of a repository.
func BasicCredentials(repository, username, password string) Credentials {
	host, _, _ := strings.Cut(repository, "/")
	at, ok := placeOf(host)
	if !ok {
		return Credentials{}
	}
	return Credentials{rings: [][]entry{{{place: at, credential: auth.Credential{Username: username, Password: password}}}}}
}

// IssuedCredentials returns a username and a password that a cloud has issued for the host of a repository.
func IssuedCredentials(repository, username, password string) Credentials {
	c := BasicCredentials(repository, username, password)
	c.issued = true
	return c
}

// ParseDockerConfig reads a .dockerconfigjson of at most 1 MiB. The key of an entry is a host with or without a port, a URL, or
// either with the beginning of a path; each label of the host may hold the wildcards of package path, so *.azurecr.io is every
// registry of Azure. Every entry that applies to a pull of the kubelet applies here. An entry that cannot be read concerns its
// own repositories only: see Check. Credential helpers are not run. The error matches ErrCredentials and quotes nothing from the input.
func ParseDockerConfig(raw []byte) (Credentials, error) {
	var config struct {
		Auths map[string]json.RawMessage `json:"auths"`
	}
	if err := parseJSON(raw, &config); err != nil {
		return Credentials{}, err
	}
	if len(config.Auths) == 0 {
		return Credentials{}, fmt.Errorf("%w under auths", ErrNoEntry)
	}
	return credentialsOf(config.Auths), nil
}

// ParseOldDockerConfig reads a .dockercfg, which holds the entries that a .dockerconfigjson has under auths.
func ParseOldDockerConfig(raw []byte) (Credentials, error) {
	var auths map[string]json.RawMessage
	if err := parseJSON(raw, &auths); err != nil {
		return Credentials{}, err
	}
	if _, newer := auths["auths"]; newer {
		return Credentials{}, fmt.Errorf("%w: %s has auths: rename it to %s", ErrCredentials, oldDockerConfigEntry, dockerConfigEntry)
	}
	if len(auths) == 0 {
		return Credentials{}, ErrNoEntry
	}
	return credentialsOf(auths), nil
}

func parseJSON(raw []byte, into any) error {
	if len(raw) > maxDockerConfig {
		return fmt.Errorf("%w: the docker configuration has more than %d bytes", ErrCredentials, maxDockerConfig)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: the docker configuration is not JSON of that form", ErrCredentials)
	}
	return nil
}

// credentialsOf returns the credentials of docker's entries. It ignores a key that names no host, as the kubelet does.
func credentialsOf(auths map[string]json.RawMessage) Credentials {
	ring := make([]entry, 0, len(auths))
	for _, key := range slices.Sorted(maps.Keys(auths)) {
		at, ok := placeOf(key)
		if !ok {
			continue
		}
		e := entry{place: at}
		e.credential, e.fault = credentialOf(auths[key])
		ring = append(ring, e)
	}
	return Union(Credentials{rings: [][]entry{ring}})
}

// credentialOf reads one entry. The fault quotes nothing from it.
func credentialOf(raw json.RawMessage) (credential auth.Credential, fault string) {
	var a dockerAuth
	if err := json.Unmarshal(raw, &a); err != nil {
		return auth.Credential{}, "the entry has a field of the wrong type"
	}
	username, password := a.Username, a.Password
	if a.Auth != "" {
		decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(a.Auth), "="))
		if err != nil {
			return auth.Credential{}, "auth is not base64"
		}
		var ok bool
		if username, password, ok = strings.Cut(string(decoded), ":"); !ok {
			return auth.Credential{}, "auth is not the base64 of user:password"
		}
		password = strings.TrimRight(password, "\x00")
	}
	return auth.Credential{Username: username, Password: password, RefreshToken: a.IdentityToken, AccessToken: a.RegistryToken}, ""
}

// Union returns credentials whose most specific entry applies, whichever of the given ones has it; among equals, the first.
func Union(all ...Credentials) Credentials {
	var ring []entry
	for _, c := range all {
		for _, r := range c.rings {
			ring = append(ring, r...)
		}
	}
	if len(ring) == 0 {
		return Credentials{}
	}
	slices.SortStableFunc(ring, func(a, b entry) int { return a.compare(b.place) })
	return Credentials{rings: [][]entry{ring}}
}

// Or returns credentials that offer those of others to the repositories for which c has none.
func (c Credentials) Or(others Credentials) Credentials {
	return Credentials{rings: slices.Concat(c.rings, others.rings)}
}

// Check returns an error that names the entry for a repository if that entry cannot be read. The error matches ErrCredentials.
func (c Credentials) Check(repository string) error {
	if e, ok := c.find(repository); ok && e.fault != "" {
		return fmt.Errorf("%w: entry %s: %s", ErrCredentials, e.name(), e.fault)
	}
	return nil
}

// forRepository returns the credentials for a repository, and the name of their entry.
func (c Credentials) forRepository(repository string) (credential auth.Credential, name string) {
	e, ok := c.find(repository)
	if !ok || e.fault != "" {
		return auth.EmptyCredential, ""
	}
	return e.credential, e.name()
}

// Basic returns the username and the password for a repository; both are empty if there are none.
func (c Credentials) Basic(repository string) (username, password string) {
	credential, _ := c.forRepository(repository)
	return credential.Username, credential.Password
}

// find returns the entry that applies to a repository. An entry without credentials never applies.
func (c Credentials) find(repository string) (entry, bool) {
	targets := targetsOf(repository)
	for _, ring := range c.rings {
		for _, e := range ring {
			if (e.fault != "" || e.credential != auth.EmptyCredential) && e.matchesAny(targets) {
				return e, true
			}
		}
	}
	return entry{}, false
}

// Fingerprint returns a text that is equal only for equal credentials, within one process.
func (c Credentials) Fingerprint() string {
	var parts [][]byte
	for _, ring := range c.rings {
		parts = append(parts, fmt.Appendf(nil, "ring %d", len(ring)))
		for _, e := range ring {
			parts = append(parts, fmt.Appendf(nil, "%q %q %q %q %q %q", e.name(), e.fault, e.credential.Username, e.credential.Password, e.credential.RefreshToken, e.credential.AccessToken))
		}
	}
	return outbound.Fingerprint(parts...)
}

// compare orders places by how specific they are: a host without wildcards first, then the longest path, then the longest host.
func (p place) compare(other place) int {
	return cmp.Or(
		compareBool(p.isGlob(), other.isGlob()),
		cmp.Compare(len(other.path), len(p.path)),
		cmp.Compare(len(other.host), len(p.host)),
		cmp.Compare(other.host, p.host),
		cmp.Compare(other.path, p.path),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// isEmptyFor reports whether there are no credentials for a repository.
func (c Credentials) isEmptyFor(repository string) bool {
	credential, _ := c.forRepository(repository)
	return credential == auth.EmptyCredential
}
