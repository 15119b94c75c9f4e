// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"os"

	"github.com/fluxcd/pkg/artifact/config"
)

// Disk lets tests replace the operations of the disk. A nil field is the real operation.
type Disk struct {
	Write  func(*os.File, []byte) (int, error)
	Sync   func(*os.File) error
	Rename func(r *os.Root, from, to string) error
	Remove func(r *os.Root, name string) error
}

func (d Disk) disk() disk {
	real := realDisk
	if d.Write != nil {
		real.write = d.Write
	}
	if d.Sync != nil {
		real.sync = d.Sync
	}
	if d.Rename != nil {
		real.rename = d.Rename
	}
	if d.Remove != nil {
		real.remove = d.Remove
	}
	return real
}

// NewOn is New with another disk.
func NewOn(o *config.Options, d Disk) (*Storage, error) { return newStorage(o, d.disk()) }

// Replace changes the disk of a storage.
func (s *Storage) Replace(d Disk) { s.disk = d.disk() }
