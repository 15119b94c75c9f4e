// SPDX-License-Identifier: Apache-2.0

package registry

import "cmp"

// recorder collects Answers within their bound.
type recorder struct {
	held  map[question]*recorded
	asked int // questions so far
	// names and content are the bytes that are held, in all.
	names, content int
	full           bool
	// begun means that the next manifest is not the first answer of all.
	begun bool
}

type recorded struct {
	answer
	order  int
	pinned bool
}

// answers returns what was recorded.
func (r *recorder) answers() Answers {
	a := Answers{held: make(map[question]answer, len(r.held)), full: r.full}
	for q, given := range r.held {
		a.held[q] = given.answer
	}
	return a
}

// lacksReferrers records the last answer to that question.
func (r *recorder) lacksReferrers(q question, lacks bool) {
	r.begun = true
	if lacks {
		r.put(answer{question: q}, false)
		return
	}
	r.remove(q)
}

// record records an answer of a registry, unless it is an error that says nothing
// of what was pushed.
func (r *recorder) record(q question, e cacheEntry, err error) {
	first := !r.begun && q.Kind == kindManifest
	r.begun = true
	why, ok := faultOf(err)
	if !ok || (q.Kind == kindTag && !tagPattern.MatchString(q.Ref)) {
		return
	}
	given := answer{question: q, Problem: why}
	if given.mayChange() {
		given.At = e.at.UTC().Round(0)
	}
	m := e.manifest
	switch {
	case why != "":
	case q.Kind == kindTag:
		given.Digest = m.Descriptor.Digest
		// The bytes are held once, for the tag and for the digest.
		r.record(question{Repository: q.Repository, Kind: kindManifest, Ref: given.Digest.String()}, e, nil)
	case q.Kind == kindManifest:
		given.Raw, given.MediaType = m.Raw, plain(m.Descriptor.MediaType)
	default:
		given.Raw = m.Raw
	}
	r.put(given, first)
}

// pin makes an answer the last to be dropped.
func (r *recorder) pin(q question) {
	if given := r.held[q]; given != nil {
		given.pinned = true
	}
}

// put stores an answer in place of an older one, and drops what is too much.
func (r *recorder) put(a answer, pinned bool) {
	r.asked++
	entry := &recorded{answer: a, order: r.asked, pinned: pinned}
	if old := r.held[a.question]; old != nil {
		if old.Problem == faultDropped && !a.mayChange() {
			return // the same bytes would be too much again
		}
		entry.order, entry.pinned = old.order, old.pinned || pinned
		r.remove(a.question)
	}
	if r.names+a.names() > maxAnswerNames {
		r.full = true
		return
	}
	r.add(entry)
	for r.names+r.content > MaxAnswers {
		r.drop()
	}
}

func (r *recorder) add(entry *recorded) {
	r.held[entry.question] = entry
	r.names += entry.names()
	r.content += len(entry.Raw)
}

func (r *recorder) remove(q question) {
	if entry := r.held[q]; entry != nil {
		r.names -= entry.names()
		r.content -= len(entry.Raw)
		delete(r.held, q)
	}
}

// drop drops the content that is the first to go. Which contents are left in the
// end depends on the sizes alone, and not on when each was too much.
func (r *recorder) drop() {
	var first *recorded
	for _, entry := range r.held {
		if len(entry.Raw) > 0 && (first == nil || entry.goesBefore(first)) {
			first = entry
		}
	}
	q := first.question
	dropped := answer{question: q, At: first.At, Problem: faultDropped, Dropped: int64(len(first.Raw))}
	r.remove(q)
	r.add(&recorded{answer: dropped, order: first.order, pinned: first.pinned})
}

// goesBefore reports whether e is dropped before other: by rank, then the larger
// one, then the one that was asked for later. So whoever pads a repository loses the
// padding, and not the small signature beside it.
func (e *recorded) goesBefore(other *recorded) bool {
	return cmp.Or(e.rank()-other.rank(), len(other.Raw)-len(e.Raw), other.order-e.order) < 0
}

func (e *recorded) rank() int {
	switch {
	case e.pinned:
		return 2
	case e.Kind == kindReferrers:
		return 1 // without it nothing that it lists is found
	}
	return 0
}
