// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoGnuPG is the error if this machine has no GnuPG, the only part that `make parts` does not build.
var ErrNoGnuPG = errors.New("gpg is not installed: apt-get install gnupg")

// GnuPG is the gpg command of this machine, with its keys in a folder of its own.
type GnuPG struct{ home string }

// MissingGnuPG returns nil if this machine has GnuPG, and else ErrNoGnuPG.
func MissingGnuPG() error {
	for _, program := range []string{"gpg", "gpg-agent", "gpgconf"} {
		if _, err := exec.LookPath(program); err != nil {
			return ErrNoGnuPG
		}
	}
	return nil
}

// NewGnuPG returns a gpg that has no keys yet. The error matches ErrNoGnuPG if there is none.
func NewGnuPG() (*GnuPG, error) {
	if err := MissingGnuPG(); err != nil {
		return nil, err
	}
	// The socket of its agent is in this folder, and the path of a socket must be short.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		return nil, err
	}
	return &GnuPG{home}, nil
}

// Close ends the agent that gpg has started, and removes the keys.
func (g *GnuPG) Close() error {
	said, err := exec.Command("gpgconf", "--homedir", g.home, "--kill", "all").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("gpgconf --kill all: %w: %s", err, bytes.TrimSpace(said))
	}
	return errors.Join(err, os.RemoveAll(g.home))
}

// Run runs gpg with an input and returns its output.
func (g *GnuPG) Run(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "gpg", append([]string{
		"--homedir", g.home, "--batch", "--no-tty", "--quiet", "--yes", "--passphrase", "", "--pinentry-mode", "loopback",
	}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdin = bytes.NewReader(input)
	var written, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &written, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("gpg %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return written.Bytes(), nil
}

// GenerateKey makes a key without a passphrase. As always, helm uses its primary key, and gpg its signing
// subkey.
func (g *GnuPG) GenerateKey(ctx context.Context, userID string) (OpenPGPKey, error) {
	key := OpenPGPKey{UserID: userID, PrivateFile: filepath.Join(g.home, "secring.gpg")}
	if _, err := g.Run(ctx, nil, "--quick-generate-key", userID, "ed25519", "sign,cert", "never"); err != nil {
		return OpenPGPKey{}, err
	}
	var err error
	if key.Fingerprint, err = g.Field(ctx, userID, "fpr", 9); err != nil {
		return OpenPGPKey{}, err
	}
	if _, err := g.Run(ctx, nil, "--quick-add-key", key.Fingerprint, "rsa3072", "sign", "never"); err != nil {
		return OpenPGPKey{}, err
	}
	_, err = g.Run(ctx, nil, "--output", key.PrivateFile, "--export-secret-keys", key.Fingerprint)
	return key, err
}

// Field returns a field of the first record of the type that gpg lists for a user.
func (g *GnuPG) Field(ctx context.Context, user, record string, number int) (string, error) {
	list, err := g.Run(ctx, nil, "--list-keys", "--with-colons", "--with-subkey-fingerprint", user)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(list)) {
		if fields := strings.Split(line, ":"); fields[0] == record && number < len(fields) {
			return fields[number], nil
		}
	}
	return "", fmt.Errorf("gpg lists no %s of %s: %q", record, user, list)
}

// ClearSign returns a text that a user's key has signed.
func (g *GnuPG) ClearSign(ctx context.Context, user string, text []byte, flags ...string) ([]byte, error) {
	return g.Run(ctx, text, append(flags, "--local-user", user, "--clear-sign")...)
}

// Export returns the public keys, as binary packets unless a flag sets another form.
func (g *GnuPG) Export(ctx context.Context, flags ...string) ([]byte, error) {
	return g.Run(ctx, nil, append(flags, "--export")...)
}

// Keybox returns the public keys in gpg's own storage format.
func (g *GnuPG) Keybox() ([]byte, error) { return os.ReadFile(filepath.Join(g.home, "pubring.kbx")) }

// RevocationCertificate returns the file with the revocation certificate that gpg made along with the key. A
// colon before the certificate prevents accidental use.
func (g *GnuPG) RevocationCertificate(fingerprint string) ([]byte, error) {
	return os.ReadFile(filepath.Join(g.home, "openpgp-revocs.d", fingerprint+".rev"))
}

// Revoke revokes a key with its RevocationCertificate.
func (g *GnuPG) Revoke(ctx context.Context, fingerprint string) error {
	certificate, err := g.RevocationCertificate(fingerprint)
	if err != nil {
		return err
	}
	_, err = g.Run(ctx, bytes.Replace(certificate, []byte("\n:-----BEGIN"), []byte("\n-----BEGIN"), 1), "--import")
	return err
}
