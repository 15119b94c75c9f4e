// SPDX-License-Identifier: Apache-2.0

// Program ociserver is CUE Labs' OCI registry, with its content in memory. Its flags are the quirks that the
// library can play; one more lets blobs be downloaded from another address only.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "ociserver: %v\n", err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	var quirks ociserver.Options
	flags := flag.NewFlagSet("ociserver", flag.ContinueOnError)
	addr := flags.String("addr", "", "the address of the registry, such as 127.0.0.1:5000")
	blobs := flags.String("blobs", "", "the address that a GET of a blob is redirected to; none by default")
	flags.IntVar(&quirks.MaxListPageSize, "max-list-page-size", 0, "refuse a request for a longer page of a list")
	flags.BoolVar(&quirks.OmitLinkHeaderFromResponses, "omit-link", false, "cut lists without a Link header")
	flags.BoolVar(&quirks.OmitDigestFromTagGetResponse, "omit-digest", false, "omit Docker-Content-Digest from answers about a tag")
	flags.BoolVar(&quirks.DisableReferrersAPI, "disable-referrers", false, "have no referrers API")
	if err := flags.Parse(args); err != nil {
		return err
	}
	content := ocimem.New()
	ended := make(chan error)
	if *blobs != "" {
		l, err := net.Listen("tcp", *blobs)
		if err != nil {
			return err
		}
		quirks.LocationsForDescriptor = func(isManifest bool, desc ociregistry.Descriptor) ([]string, error) {
			if isManifest {
				return nil, nil
			}
			return []string{"http://" + l.Addr().String() + "/" + string(desc.Digest)}, nil
		}
		go func() { ended <- http.Serve(l, storage{content}) }()
	}
	go func() { ended <- http.ListenAndServe(*addr, ociserver.New(content, &quirks)) }()
	return <-ended
}

// storage serves each blob of a registry under its digest, to requests without credentials.
type storage struct{ content *ocimem.Registry }

func (s storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		http.Error(w, "credentials of the registry", http.StatusBadRequest)
		return
	}
	blob, err := s.find(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer blob.Close()
	_, _ = io.Copy(w, blob)
}

var errNoBlob = errors.New("no repository has this blob")

func (s storage) find(r *http.Request) (ociregistry.BlobReader, error) {
	for repository, err := range s.content.Repositories(r.Context(), "") {
		if err != nil {
			return nil, err
		}
		if blob, err := s.content.GetBlob(r.Context(), repository, ociregistry.Digest(r.URL.Path[1:])); err == nil {
			return blob, nil
		}
	}
	return nil, errNoBlob
}
