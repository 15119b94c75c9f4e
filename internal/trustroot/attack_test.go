// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	. "github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

// attacks are possible acts of a hostile mirror, in part with stolen keys.
func attacks(next []byte) []TableEntry {
	longAgo := time.Unix(0, 0).UTC()
	return []TableEntry{
		Entry("a timestamp signed by a stranger", publish(Edit{Forged: []string{metadata.TIMESTAMP}})),
		Entry("a snapshot signed by a stranger", publish(Edit{Forged: []string{metadata.SNAPSHOT}})),
		Entry("targets signed by a stranger", publish(Edit{Forged: []string{metadata.TARGETS}})),
		Entry("a root under the threshold", (*Repository).ForgeRoot),
		Entry("an expired timestamp", (*Repository).Expire),
		Entry("an expired snapshot", snapshot(func(s *metadata.SnapshotType) { s.Expires = longAgo })),
		Entry("expired targets", publish(Edit{Targets: func(t *metadata.TargetsType) { t.Expires = longAgo }})),

		Entry("a snapshot of older targets", snapshot(func(s *metadata.SnapshotType) { s.Meta["targets.json"].Version-- })),
		Entry("a snapshot without targets", snapshot(func(s *metadata.SnapshotType) { delete(s.Meta, "targets.json") })),
		Entry("CVE-2026-23991: a snapshot with a null entry", snapshot(func(s *metadata.SnapshotType) { s.Meta["targets.json"] = nil })),
		Entry("a timestamp of an older snapshot", timestamp(func(t *metadata.TimestampType) { t.Meta["snapshot.json"].Version-- })),
		Entry("a timestamp of a different snapshot of the same version", timestamp(func(t *metadata.TimestampType) { t.Meta["snapshot.json"].Hashes["sha256"][0] ^= 1 })),
		Entry("a timestamp without a snapshot", timestamp(func(t *metadata.TimestampType) { t.Meta = nil })),
		Entry("CVE-2026-23991: a timestamp with a null entry", timestamp(func(t *metadata.TimestampType) { t.Meta["snapshot.json"] = nil })),

		Entry("no such target", targets(func(files map[string]*metadata.TargetFiles) { delete(files, "trusted_root.json") })),
		Entry("a null target", targets(func(files map[string]*metadata.TargetFiles) { files["trusted_root.json"] = nil })),
		Entry("a target with a wrong hash", target(func(f *metadata.TargetFiles) { f.Hashes = metadata.Hashes{"sha256": make([]byte, 32)} })),
		Entry("a target with no hash", target(func(f *metadata.TargetFiles) { f.Hashes = nil })),
		Entry("a target with an unknown hash", target(func(f *metadata.TargetFiles) { f.Hashes = metadata.Hashes{"md5": f.Hashes["sha256"]} })),
		Entry("a target with a wrong length", target(func(f *metadata.TargetFiles) { f.Length-- })),
		Entry("a target with a negative length", target(func(f *metadata.TargetFiles) { f.Length = -2 })),
		Entry("a target of a huge length", target(func(f *metadata.TargetFiles) { f.Length = 1 << 40 })),
		Entry("CVE-2026-24686: a target path that leads out", func(r *Repository) { r.SetTarget("../../x", next) }),
		Entry("an absolute target path", func(r *Repository) { r.SetTarget("/etc/x", next) }),
		Entry("a different target in its place", func(r *Repository) {
			r.SetTrustedRoot(next)
			r.Tamper("targets/"+strings.TrimPrefix(idOf(next), "sha256:")+".trusted_root.json", func([]byte) []byte { return newRoot() })
		}),
		Entry("a trusted root that is none", func(r *Repository) { r.SetTrustedRoot([]byte("{}")) }),

		Entry("a root that never ends", endless("2.root.json")),
		Entry("a timestamp that never ends", endless("timestamp.json")),
		Entry("a snapshot that never ends", func(r *Repository) { r.Publish(Edit{}); endless("3.snapshot.json")(r) }),
		Entry("targets that never end", func(r *Repository) { r.Publish(Edit{}); endless("3.targets.json")(r) }),
		Entry("a root that is a timestamp", serve("2.root.json", `{"signed":{"_type":"timestamp"},"signatures":[]}`)),
		Entry("CVE-2026-23991: a root that is an array", serve("2.root.json", `{"signed":[]}`)),
		Entry("a timestamp that is a page", serve("timestamp.json", "<html>Log in to the proxy</html>")),
		Entry("a timestamp that is empty", serve("timestamp.json", "")),
		Entry("a timestamp that goes on", func(r *Repository) {
			r.Tamper("timestamp.json", func(raw []byte) []byte { return append(raw, bytes.Repeat([]byte(" "), 16<<10)...) })
		}),
		Entry("a timestamp with a byte changed", func(r *Repository) {
			r.Tamper("timestamp.json", func(raw []byte) []byte { return bytes.Replace(raw, []byte(`"version":2`), []byte(`"version":9`), 2) })
		}),
	}
}

func publish(e Edit) func(*Repository) { return func(r *Repository) { r.Publish(e) } }

func snapshot(edit func(*metadata.SnapshotType)) func(*Repository) {
	return publish(Edit{Snapshot: edit})
}

func timestamp(edit func(*metadata.TimestampType)) func(*Repository) {
	return publish(Edit{Timestamp: edit})
}

func targets(edit func(map[string]*metadata.TargetFiles)) func(*Repository) {
	return publish(Edit{Targets: func(t *metadata.TargetsType) { edit(t.Targets) }})
}

// target edits a copy of the description of the trusted root.
func target(edit func(*metadata.TargetFiles)) func(*Repository) {
	return targets(func(files map[string]*metadata.TargetFiles) {
		file := *files["trusted_root.json"]
		edit(&file)
		files["trusted_root.json"] = &file
	})
}

// longer makes new metadata valid for d.
func longer(d time.Duration) Edit {
	end := time.Now().UTC().Add(d)
	return Edit{
		Targets:   func(t *metadata.TargetsType) { t.Expires = end },
		Snapshot:  func(s *metadata.SnapshotType) { s.Expires = end },
		Timestamp: func(t *metadata.TimestampType) { t.Expires = end },
	}
}

// only applies the fault to one file.
func only(path string, f Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Path == "/"+path && f(w, r) }
}

func answer(status int) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return true }
}

func serve(path, content string) func(*Repository) {
	return func(r *Repository) {
		r.SetFault(only(path, func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte(content))
			return true
		}))
	}
}

// endless serves spaces until the client closes the connection.
func endless(path string) func(*Repository) {
	return func(r *Repository) {
		r.SetFault(only(path, func(w http.ResponseWriter, _ *http.Request) bool {
			spaces := bytes.Repeat([]byte(" "), 64<<10)
			for {
				if _, err := w.Write(spaces); err != nil {
					return true
				}
			}
		}))
	}
}

// files returns the files in a directory, with their content.
func files(dir string) map[string]string {
	GinkgoHelper()
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	Expect(err).NotTo(HaveOccurred())
	for _, one := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, one.Name()))
		Expect(err).NotTo(HaveOccurred())
		found[one.Name()] = string(raw)
	}
	return found
}
