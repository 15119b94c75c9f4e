// The custom resources that Flux's helm-controller watches: read from the module, never built.
module github.com/verifiedchart/verifiedchart/test/parts/crds

go 1.26.0

require github.com/fluxcd/source-controller v1.9.6
