// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// ErrCredentials is matched by the error for a docker configuration that cannot be read.
var ErrCredentials = errors.New("not a docker configuration with credentials")

// maxDockerConfig bounds a docker configuration; a Secret holds 1 MiB at most.
const maxDockerConfig = 1 << 20

// dockerHub is the host of Docker Hub in the name of a repository.
const dockerHub = "docker.io"

// Credentials map registries to the credentials to offer. The zero value offers nothing. Credentials print as
// nothing, so that no log can hold them.
type Credentials struct{ byServer map[string]auth.Credential }

// String hides the credentials.
func (Credentials) String() string { return "credentials" }

// GoString hides the credentials.
func (Credentials) GoString() string { return "credentials" }

type dockerConfig struct {
	Auths map[string]dockerAuth `json:"auths"`
}

type dockerAuth struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	Auth          string `json:"auth"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// ParseDockerConfig reads a `.dockerconfigjson` of at most 1 MiB. An entry applies to a host, written as a URL
// or not, or to the repositories below a path of the host; the longest match applies. Credential helpers are
// not run. The error matches ErrCredentials and quotes nothing from the input.
func ParseDockerConfig(raw []byte) (Credentials, error) {
	if len(raw) > maxDockerConfig {
		return Credentials{}, fmt.Errorf("%w: it has more than %d bytes", ErrCredentials, maxDockerConfig)
	}
	var config dockerConfig
	if err := json.Unmarshal(raw, &config); err != nil {
		return Credentials{}, fmt.Errorf("%w: it is not JSON of that form", ErrCredentials)
	}
	if len(config.Auths) == 0 {
		return Credentials{}, fmt.Errorf("%w: it has no entry under auths", ErrCredentials)
	}
	c := Credentials{byServer: make(map[string]auth.Credential, len(config.Auths))}
	for _, entry := range slices.Sorted(maps.Keys(config.Auths)) {
		credential, err := config.Auths[entry].credential()
		if err != nil {
			return Credentials{}, err
		}
		// If one server has two spellings, the first in sort order with credentials applies.
		if server := serverOf(entry); c.byServer[server] == auth.EmptyCredential {
			c.byServer[server] = credential
		}
	}
	return c, nil
}

func (a dockerAuth) credential() (auth.Credential, error) {
	username, password := a.Username, a.Password
	if a.Auth != "" {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(a.Auth))
		if err != nil {
			return auth.Credential{}, fmt.Errorf("%w: an auth is not base64", ErrCredentials)
		}
		var ok bool
		if username, password, ok = strings.Cut(string(decoded), ":"); !ok {
			return auth.Credential{}, fmt.Errorf("%w: an auth is not user:password", ErrCredentials)
		}
		password = strings.TrimRight(password, "\x00")
	}
	return auth.Credential{Username: username, Password: password, RefreshToken: a.IdentityToken, AccessToken: a.RegistryToken}, nil
}

// serverOf returns the host and path of an entry, which may be the URL of the registry's API, as docker login
// writes it.
func serverOf(entry string) string {
	if _, rest, ok := strings.Cut(entry, "://"); ok {
		entry = rest
	}
	host, path, _ := strings.Cut(entry, "/")
	host = strings.ToLower(host)
	if isDockerHub(host) {
		host = dockerHub
	}
	path = strings.Trim(path, "/")
	if path == "" || path == "v1" || path == "v2" {
		return host
	}
	return host + "/" + path
}

// forRepository returns the credentials for a repository, and the name of their entry.
func (c Credentials) forRepository(repository string) (credential auth.Credential, entry string) {
	for server := serverOf(repository); ; {
		if credential, ok := c.byServer[server]; ok {
			return credential, server
		}
		slash := strings.LastIndexByte(server, '/')
		if slash < 0 {
			return auth.EmptyCredential, ""
		}
		server = server[:slash]
	}
}
