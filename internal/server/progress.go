// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"net/http"
	"time"
)

// progress extends the deadline of a response with each written piece: a slow client gets all of a large file,
// and a client that reads nothing is dropped. It hides the writer's ReadFrom, which would write a whole file as
// one piece.
type progress struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	now     func() time.Time
}

func newProgress(w http.ResponseWriter, stall time.Duration, now func() time.Time) *progress {
	return &progress{ResponseWriter: w, control: http.NewResponseController(w), stall: stall, now: now}
}

// Unwrap is for http.ResponseController.
func (p *progress) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *progress) Write(b []byte) (int, error) {
	err := p.control.SetWriteDeadline(p.now().Add(p.stall))
	if err != nil && !errors.Is(err, http.ErrNotSupported) { // only the writer of a test returns ErrNotSupported
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}
