// SPDX-License-Identifier: Apache-2.0

package material

import "os"

// Disk lets tests replace operations on the file of a RevocationSource. A nil field means the real operation.
type Disk struct {
	Sync   func(*os.File) error
	Rename func(from, to string) error
}

// On replaces operations on the disk.
func (r *RevocationSource) On(d Disk) {
	if d.Sync != nil {
		r.stored.sync = d.Sync
	}
	if d.Rename != nil {
		r.stored.rename = d.Rename
	}
}

// Kept returns the counted bytes of the kept objects.
func (o *Objects) Kept() int { return o.kept.Size() }
