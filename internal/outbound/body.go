// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ReadAll reads r to its end, at most limit bytes; if there are more, the error matches tooLarge. It allocates
// memory for bytes that arrive, not for an announced length, and the Meter of ctx counts them.
func ReadAll(ctx context.Context, r io.Reader, limit int64, tooLarge error) ([]byte, error) {
	raw, err := ReadAtMost(ctx, r, limit+1)
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", tooLarge, limit)
	}
	return raw, nil
}

// minGrowth is the smallest number of bytes by which a buffer grows.
const minGrowth = 4 << 10

// ReadAtMost reads r to its end, or up to a size, as ReadAll does.
func ReadAtMost(ctx context.Context, r io.Reader, size int64) ([]byte, error) {
	meter := meterOf(ctx)
	raw := []byte{}
	for int64(len(raw)) < size {
		if len(raw) == cap(raw) {
			grown := int64(len(raw) + max(len(raw)/4, minGrowth))
			raw = append(make([]byte, 0, min(grown, size)), raw...)
		}
		free := raw[len(raw):cap(raw)]
		n, err := r.Read(free[:meter.next(len(free))])
		raw = raw[:len(raw)+n]
		if err := meter.count(ctx, n); err != nil {
			return nil, err
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return raw, nil
}
