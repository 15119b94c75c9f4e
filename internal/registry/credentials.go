package registry

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// ErrCredentials is matched by the error for a docker configuration that cannot be read.
var ErrCredentials = errors.New("not a docker configuration with credentials")

// maxDockerConfig bounds a docker configuration; a Secret holds 1 MiB at most.
const maxDockerConfig = 1 << 20

// Credentials are what to offer to which registry. The zero value offers nothing.
// They print as nothing, so that no log can hold them.
type Credentials struct{ byHost map[string]auth.Credential }

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

// ParseDockerConfig reads a `.dockerconfigjson`. Entries are by host, as a URL or
// not, and apply to that host alone. The error matches ErrCredentials and repeats nothing of it.
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
	c := Credentials{byHost: map[string]auth.Credential{}}
	for server, entry := range config.Auths {
		credential, err := entry.credential()
		if err != nil {
			return Credentials{}, err
		}
		c.byHost[hostOf(server)] = credential
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

// hostOf returns the host of an entry, which may be a URL as docker login writes it.
func hostOf(server string) string {
	server = strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	host, _, _ := strings.Cut(server, "/")
	if isDockerHub(host) {
		return "docker.io"
	}
	return strings.ToLower(host)
}

func (c Credentials) forHost(host string) auth.Credential {
	return c.byHost[hostOf(host)]
}
