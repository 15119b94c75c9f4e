// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// ends returns the first moment after now at which a signature by the key, which is valid now, is no longer
// valid; zero if there is none. It checks every moment at which a statement begins or ends, because another
// statement may replace one that expires, and a statement with a later date may revoke the right to sign.
func (s *signer) ends(sig *packet.Signature, o Options) time.Time {
	for _, at := range s.moments(sig, o.Now) {
		then := Options{Now: at, AllowExpiredKeys: o.AllowExpiredKeys}
		if timely(sig, then) != "" || s.mayHaveSigned(sig.CreationTime, then) != "" {
			return at.UTC()
		}
	}
	return time.Time{}
}

// moments returns the moments after now at which a statement about the key begins or ends, in ascending order.
func (s *signer) moments(sig *packet.Signature, now time.Time) []time.Time {
	says := slices.Concat(s.certificate.direct, s.bindings)
	for _, u := range s.certificate.users {
		says = append(says, u.says...)
	}
	all := []time.Time{end(sig.CreationTime, sig.SigLifetimeSecs)}
	for _, say := range says {
		all = append(all, say.made.Add(-tolerance), say.expires, say.keyExpires)
		if say.cross != nil {
			all = append(all, say.cross.expires)
		}
	}
	all = slices.DeleteFunc(all, func(t time.Time) bool { return !t.After(now) })
	slices.SortFunc(all, time.Time.Compare)
	return all
}
