// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"path"
	"strings"
	"sync"

	"github.com/fluxcd/pkg/apis/meta"
)

// Served says which artifacts the server may hand out: those of objects that this
// process has reconciled, whether there was a verdict then, or none that ended the
// publication. What an earlier process stored is not handed out before, since the
// policy may have changed while none was running. The zero value admits nothing. It
// is safe for concurrent use.
type Served struct {
	mu      sync.RWMutex
	folders map[string]struct{}
}

// Admit lets the server hand out the files in the artifact's folder. Nil admits nothing.
func (s *Served) Admit(a *meta.Artifact) {
	if a == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folders == nil {
		s.folders = map[string]struct{}{}
	}
	s.folders[path.Dir(a.Path)] = struct{}{}
}

// Revoke takes back Admit.
func (s *Served) Revoke(a *meta.Artifact) {
	if a == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.folders, path.Dir(a.Path))
}

// Admits says whether the file at the path of a URL may be handed out.
func (s *Served) Admits(urlPath string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.folders[path.Dir(strings.TrimPrefix(urlPath, "/"))]
	return ok
}
