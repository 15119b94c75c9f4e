// SPDX-License-Identifier: Apache-2.0

// Package problem holds errors that are written for readers: a clause that names an object and its fault, short enough
// for one column of a table, and the fix.
//
// It does not know what an error means to the program: that is the class, which errors.Is matches.
package problem

import (
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// MaxBrief and maxText bound a brief and a whole text, in bytes: objects and servers may send texts of any
// length.
const MaxBrief, maxText = 256, 1024

// Problem is an error for readers. The zero value has no text.
type Problem struct {
	class, cause error
	brief, fix   string
}

// New returns a problem that matches the class, which may be nil. The brief names the object and its fault, as
// in "Secret apps/keys not found".
func New(class error, format string, args ...any) *Problem {
	return &Problem{class: class, brief: printable.String(fmt.Sprintf(format, args...), MaxBrief)}
}

// Fix returns the problem with a fix for the reader.
func (p *Problem) Fix(format string, args ...any) *Problem {
	fixed := *p
	fixed.fix = printable.String(fmt.Sprintf(format, args...), maxText)
	return &fixed
}

// Because returns the problem with its cause, which errors.Is and errors.As find. The text does not show it.
func (p *Problem) Because(cause error) *Problem {
	caused := *p
	caused.cause = cause
	return &caused
}

// Error returns the brief and the fix.
func (p *Problem) Error() string {
	if p.fix == "" {
		return p.brief
	}
	return p.brief + ": " + p.fix
}

// Unwrap returns the class and the cause.
func (p *Problem) Unwrap() (wrapped []error) {
	for _, err := range []error{p.class, p.cause} {
		if err != nil {
			wrapped = append(wrapped, err)
		}
	}
	return wrapped
}

// Brief returns the shortest statement of the fault: the brief of the first Problem in the error's tree, or
// else the error's text, cut to MaxBrief. It is empty for nil.
func Brief(err error) string {
	if err == nil {
		return ""
	}
	var p interface{ Brief() string }
	if errors.As(err, &p) {
		return p.Brief()
	}
	return printable.String(err.Error(), MaxBrief)
}

// In returns an error that names the object in which the problem is: "Secret apps/keys: cosign.pub is empty".
func In(object string, err error) *Problem {
	p := &Problem{cause: err, brief: printable.String(object+": "+Brief(err), MaxBrief)}
	var inner *Problem
	if errors.As(err, &inner) {
		p.fix = inner.fix
	}
	return p
}

// Of returns an error with the same text that also matches the class.
func Of(class, err error) *Problem {
	p := &Problem{class: class, cause: err, brief: Brief(err)}
	var inner *Problem
	if errors.As(err, &inner) {
		p.fix = inner.fix
	}
	return p
}

// Note returns the error with a remark at the end of its brief and of its text.
func Note(err error, format string, args ...any) error {
	note := "; " + printable.String(fmt.Sprintf(format, args...), MaxBrief)
	return &explained{err: err, brief: Brief(err) + note, text: bounded(err.Error(), note)}
}

// Explain returns the error with a brief, and with a fix at the end of its text.
func Explain(err error, brief, fix string) error {
	end := ""
	if fix != "" {
		end = ": " + fix
	}
	return &explained{err: err, brief: printable.String(brief, MaxBrief), text: bounded(err.Error(), end)}
}

// bounded returns a text and its end in at most maxText bytes. A long text does not displace the end.
func bounded(text, end string) string {
	end = printable.String(end, maxText/2)
	return printable.String(text, maxText-len(end)) + end
}

// explained is an error with a different text.
type explained struct {
	err         error
	brief, text string
}

func (e *explained) Error() string { return e.text }
func (e *explained) Brief() string { return e.brief }
func (e *explained) Unwrap() error { return e.err }

// Brief returns the clause that names the object and its fault.
func (p *Problem) Brief() string { return p.brief }
