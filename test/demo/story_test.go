// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// farAway is a registry with the longest address.
type farAway struct{ realparts.OCIRegistry }

func (farAway) Addr() string { return "127.0.0.1:65535" }

// world returns a world in which nothing runs.
func world(dir string) *scenario.World {
	chart := realparts.Pushed{Repository: "127.0.0.1:65535/charts/unsigned", Digest: "sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
	return &scenario.World{
		Dir: dir, Namespace: "default", Folder: "charts", Registry: farAway{},
		Release: realparts.Key{Name: "release", PrivateFile: dir + "/cosign3/release.key"},
		Charts:  map[string]realparts.Pushed{"unsigned": chart},
	}
}

// outcome is how a step ends: by an error of its command, by one of the look at its effect, or well.
type outcome struct{ refuses, blind error }

// played plays steps with these outcomes, and returns the output.
func played(ctx context.Context, outcomes ...outcome) (string, error) {
	var out strings.Builder
	c := chapter{title: "Title."}
	for _, o := range outcomes {
		c.steps = append(c.steps, step{sentence: "Sentence.", command: "command", see: func(_ context.Context, r ran) (sight, error) {
			Expect(r.printed).To(Equal("printed"))
			return sight{text: "effect", at: r.began.Add(1234 * time.Millisecond)}, o.blind
		}})
	}
	p := &player{out: &out}
	p.shell = func(context.Context, string) (string, error) { return "printed", outcomes[p.steps-1].refuses }
	err := p.play(ctx, []chapter{c})
	return out.String(), err
}

var _ = Describe("the story", func() {
	It("shows of each step a sentence, a command and a result with its time", func() {
		shown, err := played(context.Background(), outcome{})
		Expect(err).NotTo(HaveOccurred())
		Expect(shown).To(HavePrefix("\nTitle.\n\n 1. Sentence.\n    $ command\n    ✓ 1.23 s: effect\n\n1 of 1 steps seen in "))
	})

	DescribeTable("counts the effects that were seen", func(closing, missing string, status int, outcomes ...outcome) {
		shown, err := played(context.Background(), outcomes...)
		Expect(shown).To(ContainSubstring("\n" + closing + " steps seen in "))
		Expect(exitStatus(err)).To(Equal(status))
		if missing != "" {
			Expect(err).To(MatchError(missing + ": read the results marked ✗"))
		}
	},
		Entry("if that is all", "2 of 2", "", 0, outcome{}, outcome{}),
		Entry("if an effect was not seen", "2 of 3", "1 of 3 steps not seen (2)", 1, outcome{}, outcome{blind: errors.New("404")}, outcome{}),
		Entry("if a command failed", "1 of 2", "1 of 2 steps not seen (1)", 1, outcome{refuses: errors.New("no kubectl")}, outcome{}),
		Entry("if nothing was seen", "0 of 2", "2 of 2 steps not seen (1, 2)", 1, outcome{blind: errors.New("404")}, outcome{blind: errors.New("404")}),
	)

	DescribeTable("ends with the exit status", func(err error, status int) { Expect(exitStatus(err)).To(Equal(status)) },
		Entry("0 if all was seen", nil, 0),
		Entry("1 if something was not", errors.New("1 of 2 steps not seen"), 1),
		Entry("130 if it was interrupted", fmt.Errorf("wait: %w", errInterrupted), 130),
	)

	It("stops with the cause when the demo cannot go on", func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errInterrupted)
		shown, err := played(ctx, outcome{}, outcome{})
		Expect(err).To(MatchError(errInterrupted))
		Expect(shown).NotTo(ContainSubstring("steps seen"))
	})
})

// folder is a temporary folder with a name that fits no line.
var folder = "/private/var/folders/" + strings.Repeat("long/", 30) + "verifiedchart-1234567890"

var _ = Describe("no line is longer than 110 columns", func() {
	var out strings.Builder
	var d *demo

	BeforeEach(func() {
		out.Reset()
		d = newDemo(world(folder), &screen{to: &out})
	})

	DescribeTable("of the steps", func(see func(ran) (sight, error)) {
		chapters := d.chapters()
		for _, c := range chapters {
			for i := range c.steps {
				c.steps[i].see = func(_ context.Context, r ran) (sight, error) { return see(r) }
			}
		}
		p := &player{out: &out, shell: func(context.Context, string) (string, error) { return "", nil }}
		_ = p.play(context.Background(), chapters)
		Expect(tooLong(out.String())).To(BeEmpty())
		Expect(p.steps).To(Equal(22))
		Expect(out.String()).NotTo(ContainSubstring("\\\n"), "a command of a step fits one line")
	},
		Entry("if results are long", func(r ran) (sight, error) {
			return sight{text: strings.Repeat("result ", 40), at: r.began.Add(180 * time.Second)}, nil
		}),
		Entry("if errors are long", func(ran) (sight, error) { return sight{}, errors.New(strings.Repeat("error ", 400)) }),
	)

	It("of the setup", func() {
		for _, s := range d.setup(nil) {
			Expect(columns(indent + s.Title + " … 180.0 s")).To(BeNumerically("<=", 110))
		}
	})

	It("of the commands for other terminals, wherever the demo keeps its files", func() {
		d.introduce()
		d.invite()
		Expect(tooLong(out.String())).To(BeEmpty())
		typed := commands([]byte(out.String()))
		Expect(typed).To(HaveLen(2 + len(d.looks())))
		Expect(typed).NotTo(ContainElement(HaveSuffix(`\`)))
	})
})
