// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// maxParts bounds the user ids, the subkeys and the signatures by its own account of one key.
const maxParts = 256

// A parser collects the certificates of all entries.
type parser struct {
	keys    map[string]*certificate
	parts   map[*certificate]int
	entries map[*certificate]string
	skipped []Skipped
	more    int // how many were skipped beyond what is listed
	left    int // of the packets
}

func newParser() *parser {
	return &parser{
		keys:    map[string]*certificate{},
		parts:   map[*certificate]int{},
		entries: map[*certificate]string{},
		left:    maxPackets,
	}
}

func (p *parser) skip(entry, format string, args ...any) {
	if len(p.skipped) == maxSkipped {
		p.more++
		return
	}
	p.skipped = append(p.skipped, Skipped{
		Entry:  printable.String(entry, maxEntry),
		Reason: printable.String(fmt.Sprintf(format, args...), maxReason),
	})
}

func (p *parser) entry(name string, content []byte) {
	runs, problems := unpack(content, &p.left)
	for _, err := range problems {
		p.skip(name, "%v", err)
	}
	for _, run := range runs {
		for len(run) > 0 {
			length := 1
			for length < len(run) && run[length].Tag != tagPublicKey {
				length++
			}
			p.key(name, run[:length])
			run = run[length:]
		}
	}
}

// key reads one primary key and what follows it.
func (p *parser) key(entry string, run []*packet.OpaquePacket) {
	defer func() {
		// A library that panics on one key must not take the others along.
		if r := recover(); r != nil {
			p.skip(entry, "a key cannot be read: %v", r)
		}
	}()
	if run[0].Tag != tagPublicKey {
		p.skip(entry, "%d packets belong to no key", len(run))
		return
	}
	c, problem := p.certificate(run[0])
	if problem != "" {
		p.skip(entry, "%s", problem)
		return
	}
	p.entries[c] = entry
	r := reader{certificate: c, parts: p.parts[c]}
	for _, o := range run[1:] {
		r.packet(o)
	}
	p.parts[c] = r.parts
}

// certificate returns the certificate of the primary key in the packet, which it adds
// where it is new, or why there is none.
func (p *parser) certificate(o *packet.OpaquePacket) (*certificate, string) {
	parsed, err := o.Parse()
	primary, ok := parsed.(*packet.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Sprintf("a key is broken, or of an algorithm or version that is not known: %v", err)
	}
	id := fingerprint(primary)
	if c, ok := p.keys[id]; ok {
		return c, ""
	}
	if weak := weakKey(primary); weak != "" {
		return nil, fmt.Sprintf("key %s is not accepted: %s", id, weak)
	}
	c := &certificate{primary: primary}
	c.signers = []*signer{{certificate: c, key: primary}}
	p.keys[id] = c
	return c, ""
}

// settle drops the keys that can never verify anything.
func (p *parser) settle() {
	for _, id := range slices.Sorted(maps.Keys(p.keys)) {
		c := p.keys[id]
		problem := c.usable()
		if p.parts[c] > maxParts {
			problem = fmt.Sprintf("it has more than %d user ids, subkeys and signatures of its own: export it anew with gpg --export-options export-minimal", maxParts)
		}
		if problem != "" {
			delete(p.keys, id)
			p.skip(p.entries[c], "key %s is not used: %s", id, problem)
		}
	}
	if p.more > 0 {
		p.skipped[maxSkipped-1].Reason = fmt.Sprintf("%d more keys and entries are not used", p.more+1)
	}
}
