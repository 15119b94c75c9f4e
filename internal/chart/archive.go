// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// Bounds on the contents of a tar other than its files.
const (
	maxHeader  = 64 << 10 // one entry's header blocks, with PAX records
	maxPadding = 1 << 20  // zeros after the end of the tar
	readAhead  = 16 << 10
)

// unpacked is appended to the name of a packaged subchart, as the name of the folder that Helm sees instead of
// it. No entry can have such a name.
const unpacked = "\x00"

// Inspect reads a chart archive, a gzip compressed tar, to its end and returns the contents of its Chart.yaml.
// It also reads the archives inside, once each and all on one budget (CVE-2025-32386), writes nothing, and
// keeps in memory only the files that Helm parses. It runs, renders and evaluates nothing from the archive, and
// does not even read values.schema.json (CVE-2025-32387, CVE-2025-55199).
//
// An error matching ErrInvalid is a verdict on the archive: it is not one chart in one folder, exceeds a limit, has entries or paths that unpack to something other than they show, or is rejected by Helm's
// own loader. Any other error comes from reader.
func Inspect(archive io.Reader) (Metadata, error) {
	source := &source{reader: archive}
	in := &inspection{bytes: MaxUnpackedSize, entries: MaxEntries, documents: maxDocuments, syntax: maxSyntax}
	err := in.archive(source, "")
	if source.err != nil {
		return Metadata{}, fmt.Errorf("read the chart archive: %w", source.err)
	}
	var m Metadata
	if err == nil {
		m, err = in.load()
	}
	if err != nil {
		return Metadata{}, refuse(ErrInvalid, err)
	}
	return m, nil
}

// source remembers why reading failed, because such a failure proves nothing about the archive.
type source struct {
	reader io.Reader
	err    error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// inspection is the rest of the budget and the files for Helm.
type inspection struct {
	bytes     int64
	entries   int
	documents int64
	syntax    int
	// files holds every file's path from the chart's folder, but only the content of files that Helm parses.
	files []*loader.BufferedFile
}

// archive walks over one gzip compressed tar with one folder, which may have any name. It records the names of the
// files with the prefix.
func (in *inspection) archive(r io.Reader, prefix string) error {
	packed := bufio.NewReaderSize(r, readAhead)
	gz, err := gzip.NewReader(packed)
	if err != nil {
		return fmt.Errorf("it is not gzip compressed: %w", err)
	}
	// Every packager writes a single gzip member: if there are more, some readers stop after the first.
	gz.Multistream(false)
	stream := &metered{reader: gz, budget: &in.bytes}
	w := walk{inspection: in, prefix: prefix, tar: tar.NewReader(stream), seen: map[string]seen{}}
	for {
		stream.allowed = maxHeader
		header, err := w.tar.Next()
		stream.allowed = math.MaxInt64
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("the tar is damaged or over a limit: %w", err)
		}
		if err := w.entry(header); err != nil {
			return err
		}
	}
	if err := padding(stream); err != nil {
		return err
	}
	if _, err := packed.Peek(1); err != io.EOF {
		return errors.New("there is data after the end of the gzip stream")
	}
	if s, ok := w.seen["Chart.yaml"]; !ok || s.isFolder {
		return errors.New("it has no Chart.yaml")
	}
	return nil
}

// padding reads the stream to its end, so that its checksum is verified, and
// refuses anything but zeros.
func padding(stream *metered) error {
	stream.allowed = maxPadding
	block := make([]byte, 512)
	for {
		n, err := stream.Read(block)
		for _, b := range block[:n] {
			if b != 0 {
				return errors.New("there is data after the end of the tar")
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the gzip stream is damaged or over a limit: %w", err)
		}
	}
}

// metered counts the bytes that are read against the budget of the inspection and against the limit of the
// present step.
type metered struct {
	reader  io.Reader
	budget  *int64
	allowed int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.reader.Read(p)
	*m.budget -= int64(n)
	m.allowed -= int64(n)
	switch {
	case *m.budget < 0:
		return 0, fmt.Errorf("it unpacks to more than %d bytes", MaxUnpackedSize)
	case m.allowed < 0:
		return 0, errors.New("a header or the padding is too long")
	}
	return n, err
}

// walk is the state of the walk through one tar.
type walk struct {
	*inspection
	prefix string
	tar    *tar.Reader
	folder string
	seen   map[string]seen // by path
}

// seen is an entry that was read.
type seen struct {
	isFolder bool
	sum      [sha256.Size]byte // of a file's content
}

func (w *walk) entry(header *tar.Header) error {
	if w.entries--; w.entries < 0 {
		return fmt.Errorf("it has more than %d entries", MaxEntries)
	}
	if header.Typeflag == tar.TypeXGlobalHeader {
		return checkGlobalHeader(header)
	}
	if err := checkHeader(header); err != nil {
		return fmt.Errorf("the entry %q %w", printable.String(header.Name, maxShown), err)
	}
	folder, path, _ := strings.Cut(strings.TrimSuffix(header.Name, "/"), "/")
	_, twice := w.seen[path]
	if err := w.place(header, folder, path); err != nil || header.Typeflag == tar.TypeDir {
		return err
	}
	switch {
	case path == "" || folder == "Chart.yaml":
		return fmt.Errorf("the file %q is not in the chart's folder", printable.String(header.Name, maxShown))
	case header.Size > MaxFileSize:
		return fmt.Errorf("the file %q is larger than %d bytes", printable.String(header.Name, maxShown), MaxFileSize)
	}
	return w.file(path, header.Size, twice)
}

// place refuses an entry outside of the one top folder, and a path that is both a file and a folder. A folder may
// appear again, and so may a file with the same content: `helm package` writes a subchart twice that is in charts/
// both as a folder and as an archive.
func (w *walk) place(header *tar.Header, folder, path string) error {
	if w.folder == "" {
		w.folder = folder
	}
	isFolder := header.Typeflag == tar.TypeDir
	before, twice := w.seen[path]
	switch {
	case folder != w.folder:
		return fmt.Errorf("it has more than one top folder: %q and %q", printable.String(w.folder, maxShown), printable.String(folder, maxShown))
	case twice && before.isFolder != isFolder:
		return fmt.Errorf("the path %q is a file and a folder", printable.String(header.Name, maxShown))
	case !twice:
		w.seen[path] = seen{isFolder: isFolder}
	}
	return nil
}

// file reads the present entry, with this path and size, as far as Helm would. If the path appeared before, it
// only compares the contents.
func (w *walk) file(path string, size int64, twice bool) error {
	content := &hashed{reader: w.tar, hash: sha256.New()}
	if twice {
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
		if content.sum() != w.seen[path].sum {
			return laidOver(path)
		}
		return nil
	}
	if err := w.use(path, size, content); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, content)
	w.seen[path] = seen{sum: content.sum()}
	return err
}

// laidOver returns the error for a path with two contents.
func laidOver(path string) error {
	shown := printable.String(path, maxShown)
	if subchart, ok := strings.CutPrefix(path, "charts/"); ok {
		name, _, _ := strings.Cut(subchart, "/")
		return fmt.Errorf("two subcharts were laid over each other: %q appears twice with different contents: remove the folder charts/%s or the archive of it, and package the chart again",
			shown, printable.String(name, maxShown))
	}
	return fmt.Errorf("the path %q appears twice with different contents", shown)
}

// hashed passes bytes on and hashes them.
type hashed struct {
	reader io.Reader
	hash   hash.Hash
}

// Read implements io.Reader.
func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.reader.Read(p)
	_, _ = h.hash.Write(p[:n])
	return n, err
}

func (h *hashed) sum() (sum [sha256.Size]byte) {
	copy(sum[:], h.hash.Sum(nil))
	return sum
}

// use reads the content of a file as far as Helm would.
func (w *walk) use(path string, size int64, content io.Reader) error {
	name := w.prefix + path
	use, depth := useOf(name)
	switch {
	case depth > MaxDepth:
		return fmt.Errorf("subcharts are nested deeper than %d levels", MaxDepth)
	case use == packagedSubchart:
		if err := w.archive(content, name+unpacked+"/"); err != nil {
			return fmt.Errorf("in the subchart %q: %w", printable.String(path, maxShown), err)
		}
		return nil
	}
	file := &loader.BufferedFile{Name: name}
	w.files = append(w.files, file)
	var err error
	if use == parsed {
		file.Data, err = w.document(content, size)
	} else {
		_, err = io.Copy(io.Discard, content)
	}
	if err != nil {
		return fmt.Errorf("the file %q cannot be used: %w", printable.String(path, maxShown), err)
	}
	return nil
}
