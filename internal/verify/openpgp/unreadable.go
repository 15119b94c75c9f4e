// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ErrUnreadable is matched if an entry of a keyring cannot be read to its end, or if the keyring exceeds the
// bounds of Parse. The unread part may revoke any key, so no key counts. Such errors also match ErrKeyring.
var ErrUnreadable = errors.New("the OpenPGP keyring cannot be read to its end")

// Bounds on one keyring.
const (
	// maxVerified bounds the signatures that are verified: those that a key makes over itself, its user ids and
	// its subkeys, and revocations.
	maxVerified = 500
	// maxParts bounds the user ids and subkeys.
	maxParts = 2000
)

const exportMinimal = "remove keys, or export the keys again (gpg --export-options export-minimal --export)"

var (
	tooManyPackets    = fmt.Sprintf("it holds more than %d packets: %s", maxPackets, exportMinimal)
	tooManySignatures = fmt.Sprintf("it holds more than %d self-signatures, bindings and revocations: %s", maxVerified, exportMinimal)
	tooManyParts      = fmt.Sprintf("it holds more than %d user ids and subkeys: %s", maxParts, exportMinimal)
	tooManyBytes      = fmt.Sprintf("it is larger than %d bytes: %s", MaxKeyring, exportMinimal)
)

// An unreadableError is the reason why a keyring cannot be read to its end. It matches ErrUnreadable and
// ErrKeyring.
type unreadableError struct{ reason string }

func (e *unreadableError) Error() string { return fmt.Sprintf("%v: %s", ErrUnreadable, e.reason) }

// Brief returns the text without the fix.
func (e *unreadableError) Brief() string {
	entry, rest, _ := strings.Cut(e.reason, ": ")
	fault, _, _ := strings.Cut(rest, ": ")
	return "keyring is unreadable: " + entry + ": " + fault
}

func (e *unreadableError) Is(target error) bool {
	return target == ErrUnreadable || target == ErrKeyring
}

// unreadable records that the keyring, or an entry of it, cannot be read to its end. The error names the first
// reason.
func (p *parser) unreadable(entry, reason string) {
	if entry != "" {
		p.skip(entry, "%s", reason)
		reason = fmt.Sprintf("%s: %s", printable.String(entry, maxEntry), reason)
	}
	if p.unread == nil {
		p.unread = &unreadableError{printable.String(reason, maxEntry+maxReason)}
	}
}
