// SPDX-License-Identifier: Apache-2.0

package material

import "os"

// Disk lets tests come between a Revocations and its file. A nil field is the real operation.
type Disk struct {
	Sync   func(*os.File) error
	Rename func(from, to string) error
}

// On replaces the disk.
func (r *RevocationSource) On(d Disk) {
	if d.Sync != nil {
		r.stored.sync = d.Sync
	}
	if d.Rename != nil {
		r.stored.rename = d.Rename
	}
}

// Kept returns the bytes that are counted for what is kept.
func (o *Objects) Kept() int { return o.kept.Size() }
