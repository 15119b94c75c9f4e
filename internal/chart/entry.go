// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
)

// maxPath bounds an entry's path in bytes.
const maxPath = 1024

// checkHeader refuses an entry that two programs could unpack differently, or that could leave the folder it is
// unpacked into (CVE-2019-18658, CVE-2026-50163): Helm would read a link as an empty file.
func checkHeader(h *tar.Header) error {
	mode := h.FileInfo().Mode()
	switch h.Typeflag {
	case tar.TypeReg:
		if !mode.IsRegular() {
			return fmt.Errorf("is a regular file by type and another by mode (%v)", mode)
		}
	case tar.TypeDir:
		if mode.Type() != fs.ModeDir {
			return fmt.Errorf("is a folder by type and another by mode (%v)", mode)
		}
	default:
		return fmt.Errorf("is neither a file nor a folder (type %q); package the chart with `helm package`", h.Typeflag)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return errors.New("is a sparse file")
		}
	}
	return checkPath(h)
}

func checkPath(h *tar.Header) error {
	name := h.Name
	if h.Typeflag == tar.TypeDir {
		name = strings.TrimSuffix(name, "/")
		if name == "." {
			return nil
		}
	}
	// The one folder of an archive by tar -C folder . is "./", and Helm takes it like any other name.
	name = strings.TrimPrefix(name, "./")
	switch {
	case len(name) > maxPath:
		return fmt.Errorf("has a path longer than %d bytes", maxPath)
	case !fs.ValidPath(name) || name == ".":
		return errors.New("has a path that is not relative and clean")
	case strings.ContainsFunc(name, isUnshown):
		return errors.New("has a path with a backslash or a character that does not print")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case len(part) >= 2 && part[1] == ':':
			return errors.New("has a path with a drive letter")
		case strings.HasPrefix(part, ".."): // stricter than Helm, which refuses this only at the start
			return errors.New("has a path with a part that begins with two dots")
		}
	}
	return nil
}

// isUnshown reports whether a path must not hold a character: a backslash, or one that does not print. Blanks of
// other scripts print, and Helm takes them.
func isUnshown(r rune) bool {
	return r == '\\' || !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r)
}

// checkGlobalHeader tolerates the commit id that `git archive` writes at the start of a tar, and refuses
// headers that would change the following entries for some readers.
func checkGlobalHeader(h *tar.Header) error {
	for key := range h.PAXRecords {
		if key != "comment" {
			return errors.New("it has a global header with more than a comment")
		}
	}
	return nil
}

// use is Helm's use of a file of a chart.
type use int

const (
	carried          use = iota // neither parsed nor opened by the loader
	parsed                      // read as YAML
	packagedSubchart            // opened as an archive
)

// useOf returns what Helm's loader does with the file at this path from the chart's folder, and the nesting
// depth of its subchart.
func useOf(name string) (use, int) {
	for depth := 0; ; depth++ {
		rest, ok := strings.CutPrefix(name, "charts/")
		if !ok {
			switch name {
			case "Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock":
				return parsed, depth
			}
			return carried, depth
		}
		subchart, inside, isFolder := strings.Cut(rest, "/")
		switch {
		case strings.IndexAny(subchart, "_.") == 0:
			return carried, depth
		case !isFolder && path.Ext(subchart) == ".tgz":
			return packagedSubchart, depth + 1
		case !isFolder:
			return carried, depth
		}
		name = inside
	}
}
