// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// ChartRepository is a classic chart repository: a folder with the index that helm writes, and a web server with a
// certificate of its own.
type ChartRepository struct {
	dir    string
	helm   *Helm
	server *httptest.Server
}

// NewChartRepository returns an empty repository in dir, with a server on loopback.
func NewChartRepository(dir string, helm *Helm) (*ChartRepository, error) {
	dir, err := os.MkdirTemp(dir, "charts-")
	if err != nil {
		return nil, err
	}
	r := &ChartRepository{dir: dir, helm: helm}
	r.server = httptest.NewTLSServer(http.FileServer(http.Dir(dir)))
	return r, nil
}

// Close stops the server.
func (r *ChartRepository) Close() { r.server.Close() }

// URL returns the URL for `helm repo add`.
func (r *ChartRepository) URL() string { return r.server.URL }

// CA returns the certificate of the server, PEM encoded.
func (r *ChartRepository) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
}

// Publish copies an archive and the files beside it into the repository, and writes the index with
// `helm repo index`. The digest is that of the archive.
func (r *ChartRepository) Publish(ctx context.Context, chart Chart) (Pushed, error) {
	files, err := filepath.Glob(chart.Archive + "*")
	if err != nil {
		return Pushed{}, err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return Pushed{}, err
		}
		if err := os.WriteFile(filepath.Join(r.dir, filepath.Base(file)), raw, 0o644); err != nil {
			return Pushed{}, err
		}
	}
	if _, err := r.helm.tool.run(ctx, "repo", "index", r.dir); err != nil {
		return Pushed{}, err
	}
	raw, err := os.ReadFile(chart.Archive)
	return Pushed{Chart: chart, Repository: r.URL() + "/" + chart.Name, Digest: digest.FromBytes(raw)}, err
}

// Remove deletes a file of the repository, such as "app-1.0.0.tgz.prov".
func (r *ChartRepository) Remove(name string) error { return os.Remove(filepath.Join(r.dir, name)) }
