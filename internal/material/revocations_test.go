// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"errors"
	"os"
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
		Entry("J21: is deleted", func() { o.remove(listName.Name) }, "ConfigMap team/revoked not found: create it"),
		Entry("J21: has no entries", func() { o.putConfigMap(listName.Name, nil, nil) }, "ConfigMap team/revoked has no entry revoked.yaml: add it"),
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
		Entry("J21: is a list and something broken", text("digests: []\n---\n\x00"), "entry revoked.yaml: "),
		Entry("J21: is two lists, the second of which cannot be parsed", text("digests: []\n---\n[[[\n"), "more than one YAML document"),
		Entry("J21: is a list, and the start of another", text(goodList+"---\n"), "more than one YAML document"),
		Entry("J21: revokes a malformed digest", text("digests: [sha256:00]"), "sha256:00"),
		Entry("J21: revokes an empty item", text("digests:\n-\n"), "entry revoked.yaml: "),
		Entry("J21: is not UTF-8", text("digests: [\xff]"), "entry revoked.yaml: "),
		Entry("J21: is binary", func() { o.putConfigMap(listName.Name, nil, entries{material.RevokedKey: []byte("\xff\xfe\xfd")}) }, "entry revoked.yaml: "),
		Entry("J21: is huge", text("# "+strings.Repeat("x", 1<<20)+"\n"+goodList), "more than the 1048576 allowed"),
		Entry("H15: has control characters", text(`digests: ["`+strings.Repeat(`\u001b[31m`, 5000)+`"]`), "entry revoked.yaml: "),
		Entry("is out of reach", func() { o.fault = errDown }, "ConfigMap team/revoked cannot be read: connection refused"),
		Entry("H15: is out of reach, with a very long error", func() { o.fault = errors.New(strings.Repeat("\xff\nlong ", 1000)) }, "ConfigMap team/revoked cannot be read: "),
	}
}

// goType matches names of Go types, and of the functions of parsers.
var goType = regexp.MustCompile(`\bpolicy\.|\bGo\b|\[\]string|clusterRevocations|clusterVersions|unmarshal|json:|[^.]yaml:`)

var _ = Describe("The revocations of a cluster", func() {
	o := newObjects()
	var file string
	var r *material.RevocationSource
	start := func() { r = material.NewRevocationSource(o, listName, file) }
	BeforeEach(func() {
		fresh := newObjects()
		o.configMaps, o.fault, o.unversioned, o.reads = fresh.configMaps, nil, false, nil
		file = filepath.Join(GinkgoT().TempDir(), "lists", "revoked.yaml")
		start()
	})

	inForce := func(ctx context.Context) (version string, fault error) {
		GinkgoHelper()
		list, version, ok, fault := r.Current(ctx)
		Expect(ok).To(BeTrue())
		Expect(revokes(list, bad)).To(BeTrue())
		Expect(revokes(list, other)).To(BeFalse())
		return version, fault
	}
	unknown := func(ctx context.Context) error {
		GinkgoHelper()
		list, version, ok, fault := r.Current(ctx)
		Expect(ok).To(BeFalse())
		Expect(list).To(Equal(policy.Revoked{}))
		Expect(version).To(Equal("none"))
		Expect(fault).To(MatchError(ContainSubstring("nothing new is published")))
		return fault
	}
	good := func(ctx context.Context) string {
		GinkgoHelper()
		put(o, goodList)
		version, fault := inForce(ctx)
		Expect(fault).NotTo(HaveOccurred())
		return version
	}

	It("are empty if no list is configured", func(ctx context.Context) {
		list, _, ok, fault := (*material.RevocationSource)(nil).Current(ctx)
		Expect(ok).To(BeTrue())
		Expect(fault).NotTo(HaveOccurred())
		Expect(revokes(list, bad)).To(BeFalse())
		Expect((*material.RevocationSource)(nil).Named(listName)).To(BeFalse())
	})

	It("know the name of their ConfigMap", func() {
		Expect(r.Named(listName)).To(BeTrue())
		Expect(r.Named(types.NamespacedName{Namespace: "other", Name: "revoked"})).To(BeFalse())
	})

	DescribeTable("are in force if the list is",
		func(ctx context.Context, arrange func(), revoked bool) {
			arrange()
			list, _, ok, fault := r.Current(ctx)
			Expect(ok).To(BeTrue())
			Expect(fault).NotTo(HaveOccurred())
			Expect(revokes(list, bad)).To(Equal(revoked))
		},
		Entry("text", func() { put(o, goodList) }, true),
		Entry("binary data that is text", func() { o.putConfigMap("revoked", nil, entries{material.RevokedKey: []byte(goodList)}) }, true),
		Entry("JSON", func() { put(o, `{"digests": ["`+string(bad)+`"]}`) }, true),
		Entry("a document with a start and an end", func() { put(o, "%YAML 1.1\n---\n"+goodList+"...\n") }, true),
		Entry("below comments, with a byte order mark and line ends of Windows", func() {
			put(o, "\ufeff# why\r\n"+strings.ReplaceAll(goodList, "\n", "\r\n"))
		}, true),
		Entry("J21: explicitly empty", func() { put(o, "{}") }, false),
		Entry("J21: of fields that are explicitly empty", func() { put(o, "digests: []\nkeys: []\nversions: []\n") }, false),
	)

	DescribeTable("stay in force if the ConfigMap",
		func(ctx context.Context, breakIt func(), text string) {
			before := good(ctx)
			breakIt()
			for range 2 {
				version, fault := inForce(ctx)
				Expect(version).To(Equal(before))
				Expect(fault).To(MatchError(verify.ErrTrustUnavailable))
				Expect(fault).NotTo(MatchError(verify.ErrRejected))
				Expect(fault).To(MatchError(And(ContainSubstring(text), ContainSubstring("the last good list stays in force"))))
				Expect(fault.Error()).NotTo(MatchRegexp(goType.String()))
				Expect(len(fault.Error())).To(BeNumerically("<=", 512))
				Expect(utf8.ValidString(fault.Error())).To(BeTrue())
			}
			o.fault = nil
			Expect(good(ctx)).To(Equal(before), "the same list is restored")
			put(o, "{}")
			list, version, ok, fault := r.Current(ctx)
			Expect(ok).To(BeTrue())
			Expect(fault).NotTo(HaveOccurred())
			Expect(version).NotTo(Equal(before))
			Expect(revokes(list, bad)).To(BeFalse(), "an explicitly empty list replaces it")
		},
		faulty(o),
	)

	DescribeTable("stay in force after a restart, even if the ConfigMap",
		func(ctx context.Context, breakIt func(), text string) {
			before := good(ctx)
			breakIt()
			start()
			version, fault := inForce(ctx)
			Expect(version).To(Equal(before))
			Expect(fault).To(MatchError(And(ContainSubstring(text), ContainSubstring("the last good list stays in force"))))
			o.fault = nil
			Expect(good(ctx)).To(Equal(before))
		},
		faulty(o),
	)

	DescribeTable("are not known to a process that never had a list, if the ConfigMap",
		func(ctx context.Context, breakIt func(), text string) {
			breakIt()
			fault := unknown(ctx)
			Expect(fault).To(MatchError(verify.ErrTrustUnavailable))
			Expect(fault).To(MatchError(And(ContainSubstring(text), ContainSubstring("no good list was ever read"))))
			Expect(fault.Error()).NotTo(MatchRegexp(goType.String()))
			Expect(len(fault.Error())).To(BeNumerically("<=", 512))
			o.fault = nil
			good(ctx)
		},
		faulty(o),
	)

	It("are the newest good list, not the first", func(ctx context.Context) {
		put(o, "digests: ["+string(other)+"]")
		_, _, _, fault := r.Current(ctx)
		Expect(fault).NotTo(HaveOccurred())
		before := good(ctx)
		o.remove("revoked")
		for range 2 {
			version, _ := inForce(ctx)
			Expect(version).To(Equal(before))
			start()
		}
	})

	It("have a version that changes only with the list, not with the rest of the ConfigMap", func(ctx context.Context) {
		before := good(ctx)
		o.remove("revoked")
		Expect(good(ctx)).To(Equal(before))
		start()
		Expect(good(ctx)).To(Equal(before))
		put(o, goodList+"# more\n")
		version, _ := inForce(ctx)
		Expect(version).NotTo(Equal(before))
	})

	It("are read from a source without versions", func(ctx context.Context) {
		o.unversioned = true
		good(ctx)
		put(o, "{}")
		list, _, _, fault := r.Current(ctx)
		Expect(fault).NotTo(HaveOccurred())
		Expect(revokes(list, bad)).To(BeFalse())
	})

	It("never go back to a list whose read began earlier and ended later", func(ctx context.Context) {
		put(o, "digests: ["+string(other)+"]")
		slow := &slowSource{objects: o, began: make(chan struct{}), goOn: make(chan struct{})}
		r = material.NewRevocationSource(slow, listName, file)
		var wait sync.WaitGroup
		wait.Go(func() {
			defer GinkgoRecover()
			version, fault := inForce(ctx)
			Expect(fault).NotTo(HaveOccurred())
			Expect(version).NotTo(BeEmpty())
		})
		<-slow.began
		before := good(ctx)
		close(slow.goOn)
		wait.Wait()
		o.remove("revoked")
		version, _ := inForce(ctx)
		Expect(version).To(Equal(before))
	})

	It("stay in force for a caller that has no time left", func(ctx context.Context) {
		before := good(ctx)
		ended, end := context.WithCancel(ctx)
		end()
		version, fault := inForce(ended)
		Expect(version).To(Equal(before))
		Expect(fault).To(MatchError(context.Canceled))
	})

	Describe("on disk", func() {
		damage := func(how func([]byte) []byte) func() {
			return func() {
				raw, err := os.ReadFile(file)
				Expect(err).NotTo(HaveOccurred())
				Expect(os.WriteFile(file, how(raw), 0o600)).To(Succeed())
			}
		}

		DescribeTable("are not used if the file",
			func(ctx context.Context, harm func(), text string) {
				put(o, goodList+"- "+string(digest.FromString("x"))+"\n")
				_, _, _, fault := r.Current(ctx)
				Expect(fault).NotTo(HaveOccurred())
				harm()
				o.remove("revoked")
				start()
				Expect(unknown(ctx)).To(MatchError(And(ContainSubstring("ConfigMap team/revoked not found"), ContainSubstring(text))))
				good(ctx)
				o.remove("revoked")
				start()
				_, fault = inForce(ctx)
				Expect(fault).To(MatchError(ContainSubstring("stays in force")), "a good list replaces the file")
			},
			Entry("is gone", func() { Expect(os.Remove(file)).To(Succeed()) }, "no good list was ever read"),
			Entry("is gone with its folder", func() { Expect(os.RemoveAll(filepath.Dir(file))).To(Succeed()) }, "no good list was ever read"),
			Entry("is cut between two lines, which would be a list", damage(func(raw []byte) []byte {
				return raw[:len(raw)-len("- "+string(digest.FromString("x"))+"\n")]
			}), "is damaged"),
			Entry("is cut in a line", damage(func(raw []byte) []byte { return raw[:len(raw)-9] }), "is damaged"),
			Entry("is empty", damage(func([]byte) []byte { return nil }), "is damaged"),
			Entry("has a flipped bit", damage(func(raw []byte) []byte { raw[len(raw)-5] ^= 1; return raw }), "is damaged"),
			Entry("has an additional line", damage(func(raw []byte) []byte { return append(raw, "keys: []\n"...) }), "is damaged"),
			Entry("has lost its header", damage(func([]byte) []byte { return []byte(goodList) }), "is damaged"),
			Entry("is zeros", damage(func(raw []byte) []byte { return make([]byte, len(raw)) }), "is damaged"),
			Entry("is huge", damage(func(raw []byte) []byte { return append(raw, make([]byte, 4<<20)...) }), "is damaged"),
			Entry("is a folder", func() {
				Expect(os.Remove(file)).To(Succeed())
				Expect(os.Mkdir(file, 0o700)).To(Succeed())
				DeferCleanup(func() { _ = os.RemoveAll(file) })
				file += "/revoked.yaml" // so that a good list can be stored again
			}, "no good list was ever read"),
		)

		DescribeTable("are in force even if they cannot be stored, with a fault until they are stored",
			func(ctx context.Context, obstruct func() (repair func())) {
				repair := obstruct()
				put(o, goodList)
				for range 2 {
					_, fault := inForce(ctx)
					Expect(fault).To(MatchError(ContainSubstring("cannot be stored")))
					Expect(fault).NotTo(MatchError(verify.ErrTrustUnavailable), "the list is known")
					Expect(len(fault.Error())).To(BeNumerically("<=", 512))
				}
				repair()
				_, fault := inForce(ctx)
				Expect(fault).NotTo(HaveOccurred())
				o.remove("revoked")
				start()
				inForce(ctx)
			},
			Entry("because the folder cannot be created", func() func() {
				Expect(os.WriteFile(filepath.Dir(file), nil, 0o600)).To(Succeed())
				return func() { Expect(os.Remove(filepath.Dir(file))).To(Succeed()) }
			}),
			Entry("because a folder has the name of the file", func() func() {
				Expect(os.MkdirAll(file+"/x", 0o700)).To(Succeed())
				return func() { Expect(os.RemoveAll(file)).To(Succeed()) }
			}),
			Entry("because the disk is read-only", func() func() {
				r.On(material.Disk{Rename: func(string, string) error { return &os.PathError{Op: "rename", Path: file, Err: os.ErrPermission} }})
				return func() { r.On(material.Disk{Rename: os.Rename}) }
			}),
			Entry("because the disk is full", func() func() {
				r.On(material.Disk{Sync: func(*os.File) error { return errors.New("no space left on device") }})
				return func() { r.On(material.Disk{Sync: (*os.File).Sync}) }
			}),
		)

		It("are the complete previous list if a newer one could not be stored", func(ctx context.Context) {
			good(ctx)
			r.On(material.Disk{Sync: func(*os.File) error { return errors.New("no space left on device") }})
			put(o, "digests: ["+string(other)+"]")
			list, _, ok, fault := r.Current(ctx)
			Expect(ok).To(BeTrue())
			Expect(revokes(list, other)).To(BeTrue())
			Expect(fault).To(MatchError(ContainSubstring("cannot be stored")))
			o.remove("revoked")
			start()
			inForce(ctx)
			Expect(os.ReadDir(filepath.Dir(file))).To(HaveLen(1), "nothing is left of the attempt")
		})

		It("are synced before they get their name, and their folder after that", func(ctx context.Context) {
			var steps []string
			r.On(material.Disk{
				Sync:   func(f *os.File) error { steps = append(steps, "sync "+filepath.Base(f.Name())); return f.Sync() },
				Rename: func(from, to string) error { steps = append(steps, "rename"); return os.Rename(from, to) },
			})
			good(ctx)
			parent := filepath.Base(filepath.Dir(filepath.Dir(file)))
			Expect(steps).To(Equal([]string{"sync " + parent, "sync revoked.yaml.new", "rename", "sync lists"}))
			steps = nil
			good(ctx)
			Expect(steps).To(BeEmpty(), "the same list is stored once")
			start()
			r.On(material.Disk{Rename: func(string, string) error { return errors.New("not needed") }})
			good(ctx)
		})

		It("are readable only by their owner, and are plain text", func(ctx context.Context) {
			good(ctx)
			info, err := os.Stat(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
			raw, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(string(raw)).To(And(HavePrefix("# sha256:"), HaveSuffix("\n"+goodList)))
		})

		It("are optional: without a file the last good list is kept in memory", func(ctx context.Context) {
			file = ""
			start()
			good(ctx)
			o.remove("revoked")
			inForce(ctx)
			start()
			unknown(ctx)
		})
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
