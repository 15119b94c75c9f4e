// SPDX-License-Identifier: Apache-2.0

package trustroot

// LastError returns the error of the last refresh, or nil if it succeeded. The trusted root may be valid
// nevertheless.
func (t *TUF) LastError() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure
}
