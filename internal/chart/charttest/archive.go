// SPDX-License-Identifier: Apache-2.0

// Package charttest builds charts for tests: archives, good and hostile, configurations and manifests. Equal
// arguments give equal bytes.
//
// It does not know good charts from bad ones: package chart does, and the tests of this package use it.
package charttest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
)

// Option changes the archive that Archive builds.
type Option func(*Builder)

// entry is one entry of the tar, with its full name.
type entry struct {
	header tar.Header
	body   func() io.Reader
}

// Builder is an archive under construction, for options that apply other options.
type Builder struct {
	folder  string
	entries []entry
	tail    []byte
}

// Archive returns a chart like that of `helm package`: Chart.yaml, values.yaml and one template in a folder
// with the name of the chart, changed by the options in their order. It panics if a tar cannot hold the result.
func Archive(name, version string, opts ...Option) []byte {
	a := Builder{folder: name}
	for _, opt := range append([]Option{
		File("Chart.yaml", ChartYAML(name, version)),
		File("values.yaml", "replicas: 1\n"),
		File("templates/configmap.yaml", configMap),
	}, opts...) {
		opt(&a)
	}
	return a.pack()
}

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  replicas: {{ .Values.replicas | quote }}
`

// ChartYAML returns the Chart.yaml of a chart.
func ChartYAML(name, version string) string {
	return fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\nappVersion: \"1.0\"\ndescription: A chart for tests\n", name, version)
}

// File puts a file into the chart's folder, and replaces a file with the same path.
func File(path, content string) Option {
	return func(a *Builder) {
		Without(path)(a)
		Entry(tar.Header{Name: a.folder + "/" + path}, content)(a)
	}
}

// Without leaves out the file with this path in the chart's folder.
func Without(path string) Option {
	return func(a *Builder) {
		name := a.folder + "/" + path
		a.entries = slices.DeleteFunc(a.entries, func(e entry) bool { return e.header.Name == name })
	}
}

// Folder sets the name of the archive's one folder, by default the name of the chart. It applies to the options
// after it and to the files that already exist.
func Folder(name string) Option {
	return func(a *Builder) {
		for i := range a.entries {
			a.entries[i].header.Name = name + a.entries[i].header.Name[len(a.folder):]
		}
		a.folder = name
	}
}

// Zeros puts a file of size zero bytes into the chart's folder without ever holding it in memory, for
// decompression bombs.
func Zeros(path string, size int64) Option {
	return func(a *Builder) {
		a.entries = append(a.entries, entry{
			header: tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Name: a.folder + "/" + path, Size: size},
			body:   func() io.Reader { return io.LimitReader(zeros{}, size) },
		})
	}
}

// Entry adds an unchanged entry, with its full name. The zero Typeflag means a regular file, the zero Mode
// 0644, and the size is that of the content.
func Entry(header tar.Header, content string) Option {
	return func(a *Builder) {
		if header.Typeflag == 0 {
			header.Typeflag = tar.TypeReg
		}
		if header.Mode == 0 && header.Typeflag != tar.TypeXGlobalHeader {
			header.Mode = 0o644
		}
		header.Size = int64(len(content))
		a.entries = append(a.entries, entry{header, func() io.Reader { return bytes.NewReader([]byte(content)) }})
	}
}

// Subchart puts a packaged chart into charts/, as `helm dependency update` does.
func Subchart(name, version string, opts ...Option) Option {
	return func(a *Builder) {
		File(fmt.Sprintf("charts/%s-%s.tgz", name, version), string(Archive(name, version, opts...)))(a)
	}
}

// Tail adds bytes after the end of the tar, inside the gzip stream.
func Tail(b []byte) Option {
	return func(a *Builder) { a.tail = append(a.tail, b...) }
}

func (a Builder) pack() []byte {
	var b bytes.Buffer
	gz, err := gzip.NewWriterLevel(&b, gzip.BestSpeed) // bombs are large
	must(err)
	tw := tar.NewWriter(gz)
	for _, e := range a.entries {
		must(tw.WriteHeader(&e.header))
		_, err := io.Copy(tw, e.body())
		must(err)
	}
	must(tw.Close())
	_, err = gz.Write(a.tail)
	must(err)
	must(gz.Close())
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("charttest: %v", err))
	}
}
