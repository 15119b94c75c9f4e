// SPDX-License-Identifier: Apache-2.0

package registry

import "cmp"

// recorder collects Answers within their bound.
type recorder struct {
	held      map[question]*recorded
	questions int
	// names and content are the total sizes of the held answers, in bytes.
	names, content int
	full           bool
	// begun means that the next manifest is not the first of all answers.
	begun bool
}

type recorded struct {
	answer
	order  int
	pinned bool
}

// answers returns the recorded answers.
func (r *recorder) answers() Answers {
	a := Answers{held: make(map[question]answer, len(r.held)), full: r.full}
	for q, given := range r.held {
		a.held[q] = given.answer
	}
	return a
}

// lacksReferrers records the latest answer to that question.
func (r *recorder) lacksReferrers(q question, lacks bool) {
	r.begun = true
	if lacks {
		r.put(answer{question: q}, false)
		return
	}
	r.remove(q)
}

// record records an answer of a registry, unless the answer is an error that states no fact about the pushed
// files.
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
		// The tag and the digest share the same bytes.
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

// put replaces an older answer, and drops contents until the bounds hold.
func (r *recorder) put(a answer, pinned bool) {
	r.questions++
	entry := &recorded{answer: a, order: r.questions, pinned: pinned}
	if old := r.held[a.question]; old != nil {
		if old.Problem == faultDropped && !a.mayChange() {
			return // the same bytes would exceed the bound again
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

// drop drops the first content in the order of goesBefore. The set of contents that are left in the end depends
// only on the sizes, not on the order in which they arrived.
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

// goesBefore reports whether e is dropped before other: by rank, then the larger content, then the later
// question. A publisher who pads a repository therefore loses the padding, and not the small signature beside
// it.
func (e *recorded) goesBefore(other *recorded) bool {
	return cmp.Or(e.rank()-other.rank(), len(other.Raw)-len(e.Raw), other.order-e.order) < 0
}

func (e *recorded) rank() int {
	switch {
	case e.pinned:
		return 2
	case e.Kind == kindReferrers:
		return 1 // no listed manifest can be found without the list
	}
	return 0
}
