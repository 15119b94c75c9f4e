// SPDX-License-Identifier: Apache-2.0

package realparts

import "net/http"

// BlobServer serves the blobs of a distribution registry on another host, to requests without credentials.
type BlobServer struct{ Server }

// StartBlobServer starts the server, in this process, of the registry with its files in dir.
func StartBlobServer(dir string) (*BlobServer, error) {
	files := http.FileServer(http.Dir(blobsOf(dir)))
	server, err := countElsewhere(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			http.Error(w, "credentials of the registry", http.StatusBadRequest)
			return
		}
		files.ServeHTTP(w, r)
	}), nothing)
	if err != nil {
		return nil, err
	}
	return &BlobServer{server}, nil
}
