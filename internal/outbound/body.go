// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"fmt"
	"io"
)

// ReadAll reads the whole of r, of which there must be at most limit bytes; else the
// error matches tooLarge. It allocates for what arrives, not for what was announced.
func ReadAll(r io.Reader, limit int64, tooLarge error) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", tooLarge, limit)
	}
	return raw, nil
}
