// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

const (
	bad   = digest.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	other = digest.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	// goodList revokes only bad.
	goodList = "digests:\n- " + string(bad) + "\n"
)

var listName = types.NamespacedName{Namespace: "team", Name: "revoked"}

func revokes(list policy.Revoked, d digest.Digest) bool {
	return list.Check("oci://registry.example/app", d, "1.0.0") != nil
}

// put makes the ConfigMap hold a list.
func put(o *objects, list string) {
	o.putConfigMap(listName.Name, map[string]string{material.RevokedKey: list}, nil)
}

// faulty returns a row for every way in which the ConfigMap may hold no good list.
func faulty(o *objects) []TableEntry {
	text := func(list string) func() { return func() { put(o, list) } }
	return []TableEntry{
		Entry("J21: is deleted", func() { o.remove(listName.Name) }, "ConfigMap team/revoked not found: create the ConfigMap"),
		Entry("J21: has no entries", func() { o.putConfigMap(listName.Name, nil, nil) }, "ConfigMap team/revoked has no entry revoked.yaml: add the entry"),
		Entry("J21: has the list under another name", func() { o.putConfigMap(listName.Name, map[string]string{"revoked.yml": goodList}, nil) }, "has no entry revoked.yaml"),
		Entry("J21: is empty", text(""), "write {}"),
		Entry("J21: is blank", text(" \n\t\n"), "entry revoked.yaml"),
		Entry("J21: holds only comments", text("# "+strings.ReplaceAll(goodList, "\n", "\n# ")), "write {}"),
		Entry("J21: holds only the start of a document", text("---\n"), "write {}"),
		Entry("J21: is null", text("null"), "write {}"),
		Entry("J21: is null by its tag", text("!!null ''"), "write {}"),
		Entry("J21: is emptied below its field", text("digests:\n"), "digests"),
		Entry("J21: is emptied below one of its fields", text("keys: []\ndigests: ~\n"), "digests"),
		Entry("J21: misspells a field", text("digest:\n- "+string(bad)), `"digest"`),
		Entry("J21: misspells a field by its case", text("Digests:\n- "+string(bad)), `"Digests"`),
		Entry("J21: has a field twice, in two spellings", text(goodList+"DIGESTS: []"), `"DIGESTS"`),
		Entry("J21: has a field twice", text(goodList+"digests: []"), "digests"),
		Entry("J21: misspells a field of a version", text(`versions: [{url: "**", ranges: "1"}]`), `"ranges"`),
		Entry("J21: holds a text for a list", text("digests: "+string(bad)), "digests"),
		Entry("J21: holds an object for a list", text("versions: {url: a, range: b}"), "versions"),
		Entry("J21: holds a number for a version", text("versions: [1]"), "versions"),
		Entry("J21: is a list without fields", text("- "+string(bad)), "fields"),
		Entry("J21: is a text", text("nothing"), "fields"),
		Entry("J21: is not YAML", text("digests: [\x00"), "entry revoked.yaml: "),
		Entry("J21: is cut", text("digests: [\"sha256:"), "entry revoked.yaml: "),
		Entry("J21: is indented with tabs", text("digests:\n\t- "+string(bad)), "entry revoked.yaml: "),
		Entry("J21: is two lists", text("digests: []\n---\n"+goodList), "more than one YAML document"),
		Entry("J21: is a list followed by a broken document", text("digests: []\n---\n\x00"), "entry revoked.yaml: "),
		Entry("J21: is two lists, the second of which cannot be parsed", text("digests: []\n---\n[[[\n"), "more than one YAML document"),
		Entry("J21: is a list, and the start of another", text(goodList+"---\n"), "more than one YAML document"),
		Entry("J21: revokes a malformed digest", text("digests: [sha256:00]"), "sha256:00"),
		Entry("J21: revokes an empty item", text("digests:\n-\n"), "entry revoked.yaml: "),
		Entry("J21: is not UTF-8", text("digests: [\xff]"), "entry revoked.yaml: "),
		Entry("J21: is binary", func() { o.putConfigMap(listName.Name, nil, entries{material.RevokedKey: []byte("\xff\xfe\xfd")}) }, "entry revoked.yaml: "),
		Entry("J21: is huge", text("# "+strings.Repeat("x", 1<<20)+"\n"+goodList), "more than the 1048576 allowed"),
		Entry("H15: has control characters", text(`digests: ["`+strings.Repeat(`\u001b[31m`, 5000)+`"]`), "entry revoked.yaml: "),
		Entry("is unreachable", func() { o.fault = errDown }, "ConfigMap team/revoked cannot be read: connection refused"),
		Entry("H15: is unreachable, with a very long error", func() { o.fault = errors.New(strings.Repeat("\xff\nlong ", 1000)) }, "ConfigMap team/revoked cannot be read: "),
	}
}

// goType matches names of Go types, and of the functions of parsers.
var goType = regexp.MustCompile(`\bpolicy\.|\bGo\b|\[\]string|clusterRevocations|clusterVersions|unmarshal|json:|[^.]yaml:`)

// revocationScene is a cluster's list of revocations, and the process that reads it, new in each spec.
type revocationScene struct {
	*objects
	file   string
	source *material.RevocationSource
}

func newRevocationScene() *revocationScene {
	s := &revocationScene{objects: newObjects()}
	BeforeEach(func() {
		fresh := newObjects()
		s.configMaps, s.fault, s.unversioned, s.reads = fresh.configMaps, nil, false, nil
		s.file = filepath.Join(GinkgoT().TempDir(), "lists", "revoked.yaml")
		s.start()
	})
	return s
}

// start starts the process, which knows only the file.
func (s *revocationScene) start() {
	s.source = material.NewRevocationSource(s.objects, listName, s.file)
}

// inForce expects that goodList is in force.
func (s *revocationScene) inForce(ctx context.Context) (version string, fault error) {
	GinkgoHelper()
	list, version, ok, fault := s.source.Current(ctx)
	Expect(ok).To(BeTrue())
	Expect(revokes(list, bad)).To(BeTrue())
	Expect(revokes(list, other)).To(BeFalse())
	return version, fault
}

// unknown expects that no list is in force, and nothing new may be published.
func (s *revocationScene) unknown(ctx context.Context) error {
	GinkgoHelper()
	list, version, ok, fault := s.source.Current(ctx)
	Expect(ok).To(BeFalse())
	Expect(list).To(Equal(policy.Revoked{}))
	Expect(version).To(Equal("none"))
	Expect(fault).To(MatchError(ContainSubstring("nothing new is published")))
	return fault
}

// good puts goodList in force.
func (s *revocationScene) good(ctx context.Context) string {
	GinkgoHelper()
	put(s.objects, goodList)
	version, fault := s.inForce(ctx)
	Expect(fault).NotTo(HaveOccurred())
	return version
}

var _ = Describe("The revocations of a cluster", Label("revocation"), func() {
	s := newRevocationScene()

	It("are empty if no list is configured", func(ctx context.Context) {
		list, _, ok, fault := (*material.RevocationSource)(nil).Current(ctx)
		Expect(ok).To(BeTrue())
		Expect(fault).NotTo(HaveOccurred())
		Expect(revokes(list, bad)).To(BeFalse())
		Expect((*material.RevocationSource)(nil).Named(listName)).To(BeFalse())
	})

	It("know the name of their ConfigMap", func() {
		Expect(s.source.Named(listName)).To(BeTrue())
		Expect(s.source.Named(types.NamespacedName{Namespace: "other", Name: "revoked"})).To(BeFalse())
	})

	const revoked, notRevoked = true, false
	DescribeTable("are in force if the list is",
		func(ctx context.Context, arrange func(), expected bool) {
			arrange()
			list, _, ok, fault := s.source.Current(ctx)
			Expect(ok).To(BeTrue())
			Expect(fault).NotTo(HaveOccurred())
			Expect(revokes(list, bad)).To(Equal(expected))
		},
		Entry("text", func() { put(s.objects, goodList) }, revoked),
		Entry("binary data that is text", func() { s.putConfigMap("revoked", nil, entries{material.RevokedKey: []byte(goodList)}) }, revoked),
		Entry("JSON", func() { put(s.objects, `{"digests": ["`+string(bad)+`"]}`) }, revoked),
		Entry("a document with a start and an end", func() { put(s.objects, "%YAML 1.1\n---\n"+goodList+"...\n") }, revoked),
		Entry("below comments, with a byte order mark and Windows line ends", func() {
			put(s.objects, "\ufeff# why\r\n"+strings.ReplaceAll(goodList, "\n", "\r\n"))
		}, revoked),
		Entry("J21: explicitly empty", func() { put(s.objects, "{}") }, notRevoked),
		Entry("J21: of fields that are explicitly empty", func() { put(s.objects, "digests: []\nkeys: []\nversions: []\n") }, notRevoked),
	)

	DescribeTable("stay in force if the ConfigMap",
		func(ctx context.Context, breakIt func(), text string) {
			before := s.good(ctx)
			breakIt()
			for range 2 {
				version, fault := s.inForce(ctx)
				Expect(version).To(Equal(before))
				Expect(fault).To(MatchError(verify.ErrTrustUnavailable))
				Expect(fault).NotTo(MatchError(verify.ErrRejected))
				Expect(fault).To(MatchError(And(ContainSubstring(text), ContainSubstring("the last good list stays in force"))))
				Expect(fault.Error()).NotTo(MatchRegexp(goType.String()))
				Expect(len(fault.Error())).To(BeNumerically("<=", 512))
				Expect(utf8.ValidString(fault.Error())).To(BeTrue())
			}
			s.fault = nil
			Expect(s.good(ctx)).To(Equal(before), "the same list is restored")
			put(s.objects, "{}")
			list, version, ok, fault := s.source.Current(ctx)
			Expect(ok).To(BeTrue())
			Expect(fault).NotTo(HaveOccurred())
			Expect(version).NotTo(Equal(before))
			Expect(revokes(list, bad)).To(BeFalse(), "an explicitly empty list replaces it")
		},
		faulty(s.objects),
	)

	DescribeTable("stay in force after a restart, even if the ConfigMap",
		func(ctx context.Context, breakIt func(), text string) {
			before := s.good(ctx)
			breakIt()
			s.start()
			version, fault := s.inForce(ctx)
			Expect(version).To(Equal(before))
			Expect(fault).To(MatchError(And(ContainSubstring(text), ContainSubstring("the last good list stays in force"))))
			s.fault = nil
			Expect(s.good(ctx)).To(Equal(before))
		},
		faulty(s.objects),
	)

	DescribeTable("are not known to a process that never had a list, if the ConfigMap",
		func(ctx context.Context, breakIt func(), text string) {
			breakIt()
			fault := s.unknown(ctx)
			Expect(fault).To(MatchError(verify.ErrTrustUnavailable))
			Expect(fault).To(MatchError(And(ContainSubstring(text), ContainSubstring("no good list was ever read"))))
			Expect(fault.Error()).NotTo(MatchRegexp(goType.String()))
			Expect(len(fault.Error())).To(BeNumerically("<=", 512))
			s.fault = nil
			s.good(ctx)
		},
		faulty(s.objects),
	)

	It("are the newest good list, not the first", func(ctx context.Context) {
		put(s.objects, "digests: ["+string(other)+"]")
		_, _, _, fault := s.source.Current(ctx)
		Expect(fault).NotTo(HaveOccurred())
		before := s.good(ctx)
		s.remove("revoked")
		for range 2 {
			version, _ := s.inForce(ctx)
			Expect(version).To(Equal(before))
			s.start()
		}
	})

	It("have a version that changes only with the list, not with the rest of the ConfigMap", func(ctx context.Context) {
		before := s.good(ctx)
		s.remove("revoked")
		Expect(s.good(ctx)).To(Equal(before))
		s.start()
		Expect(s.good(ctx)).To(Equal(before))
		put(s.objects, goodList+"# more\n")
		version, _ := s.inForce(ctx)
		Expect(version).NotTo(Equal(before))
	})

	It("are read from a source without versions", func(ctx context.Context) {
		s.unversioned = true
		s.good(ctx)
		put(s.objects, "{}")
		list, _, _, fault := s.source.Current(ctx)
		Expect(fault).NotTo(HaveOccurred())
		Expect(revokes(list, bad)).To(BeFalse())
	})

	It("never go back to a list whose read began earlier and ended later", func(ctx context.Context) {
		put(s.objects, "digests: ["+string(other)+"]")
		slow := &slowSource{objects: s.objects, began: make(chan struct{}), goOn: make(chan struct{})}
		s.source = material.NewRevocationSource(slow, listName, s.file)
		var wait sync.WaitGroup
		wait.Go(func() {
			defer GinkgoRecover()
			version, fault := s.inForce(ctx)
			Expect(fault).NotTo(HaveOccurred())
			Expect(version).NotTo(BeEmpty())
		})
		<-slow.began
		before := s.good(ctx)
		close(slow.goOn)
		wait.Wait()
		s.remove("revoked")
		version, _ := s.inForce(ctx)
		Expect(version).To(Equal(before))
	})

	It("stay in force for a caller that has no time left", func(ctx context.Context) {
		before := s.good(ctx)
		ended, end := context.WithCancel(ctx)
		end()
		version, fault := s.inForce(ended)
		Expect(version).To(Equal(before))
		Expect(fault).To(MatchError(context.Canceled))
	})
})

// slowSource is a Source whose first answer is outdated when it arrives.
type slowSource struct {
	*objects
	answered    atomic.Bool
	began, goOn chan struct{}
}

func (s *slowSource) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	config, err := s.objects.ConfigMap(ctx, namespace, name)
	if s.answered.CompareAndSwap(false, true) {
		close(s.began)
		<-s.goOn
	}
	return config, err
}
