# VerifiedChart. `make help` lists the targets; `make demo` and `make test` need nothing but Go, make and git.

IMG ?= ghcr.io/verifiedchart/verifiedchart-controller:$(VERSION)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
KUBECTL ?= kubectl
BIN := $(CURDIR)/bin
PARTS := $(BIN)/parts
# No target changes go.mod or go.sum.
export GOFLAGS += -mod=readonly

CONTROLLER_GEN = go tool -modfile=hack/tools/controller-gen/go.mod controller-gen
GOLANGCI_LINT = $(BIN)/tools/golangci-lint

.DEFAULT_GOAL := help

##@ General

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*##"} /^[a-zA-Z_-]+:.*?##/ {printf "  %-14s %s\n", $$1, $$2} /^##@/ {printf "\n%s\n", substr($$0, 5)}' $(MAKEFILE_LIST)

##@ Try

.PHONY: demo
demo: ## Show the controller on this machine: signed charts are installed, others are refused or withdrawn. Ctrl-C ends the demo; with ONCE=1 it ends by itself.
	go run ./test/demo

##@ Develop

.PHONY: generate
generate: ## Write the deep copy functions of the API types (api/v1alpha1/zz_generated.deepcopy.go).
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: ## Write the CRDs and the controller's role (config/crd, config/rbac).
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:artifacts:config=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./internal/controller/... output:rbac:artifacts:config=config/rbac

.PHONY: fmt
fmt: ## Format the code.
	gofmt -w api cmd internal test

.PHONY: licence-headers
licence-headers: ## Add the licence header to the Go files that lack it.
	hack/licence-headers.sh fix

.PHONY: messages
messages: parts ## Write docs/messages.md, which lists the message for each usual mistake.
	UPDATE_MESSAGES=1 go test ./internal/controller -ginkgo.focus "Messages (of|are)"

.PHONY: threats
threats: ## Link each threat in docs/threats.md to its tests.
	go test ./test/repository -update

.PHONY: prose
prose: ## Lower the limits of the prose check after phrases were removed from Go files.
	go run ./test/prose -lower

.PHONY: vet
vet: ## Vet the code.
	go vet ./...

$(GOLANGCI_LINT): hack/tools/golangci-lint/go.mod
	go build -C hack/tools/golangci-lint -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint the code, its imports and the prose, check the licence headers, and build the manifests.
	$(GOLANGCI_LINT) run ./...
	hack/licence-headers.sh check
	go run ./test/prose
	$(MAKE) check-manifests

.PHONY: check-manifests
check-manifests: parts
	@for k in config/default config/object-level-identity config/samples; do $(PARTS)/kubectl kustomize $$k >/dev/null || exit 1; echo "$$k builds"; done

.PHONY: check-generated
check-generated: generate manifests ## Write the generated code, and fail if it was stale.
	@git diff --exit-code -- api config || { echo "generated code was stale: commit the files that make generate manifests has written" >&2; exit 1; }

##@ Test

.PHONY: parts
parts: ## Build the real parts of the tests and the demo: control plane, registry, helm, cosign, Sigstore, helm-controller.
	go run ./test/parts/build

.PHONY: test
test: parts build ## Run every test: pure, with real parts, and end to end.
	@rm -f $(BIN)/skipped-specs
	KUBEBUILDER_ASSETS="$${KUBEBUILDER_ASSETS:-$(PARTS)}" SKIPPED_SPECS=$(BIN)/skipped-specs go test -race -shuffle=on -timeout 60m -p 2 ./...; \
		status=$$?; ! test -f $(BIN)/skipped-specs || cat $(BIN)/skipped-specs; exit $$status

.PHONY: bench
bench: parts build ## Run the benchmarks, print the costs of the controller, and fail if a limit is exceeded.
	go test -run '^$$' -bench . -benchmem ./internal/...
	go run ./test/bench $(BENCH)

FUZZTIME ?= 30s
.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME.
	@grep -rl --include='*_test.go' '^func Fuzz' internal test | while read -r f; do \
		for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$f); do \
			echo "$$t"; go test -run '^$$' -fuzz "^$$t$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./$$(dirname $$f) || exit 1; \
		done; done

.PHONY: govulncheck
govulncheck: ## Look for known vulnerabilities that the code reaches. Needs access to vuln.go.dev.
	go tool -modfile=hack/tools/govulncheck/go.mod govulncheck ./...

.PHONY: presubmit
presubmit: fmt vet check-generated lint test ## Run every check that a change must pass.

##@ Build

.PHONY: build
build: ## Build the controller into bin/.
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/verifiedchart-controller ./cmd

.PHONY: run
run: ## Run the controller on this machine against the current kubeconfig.
	RUNTIME_NAMESPACE=verifiedchart-system go run ./cmd --storage-path=$$(mktemp -d) --storage-adv-addr=localhost:9090 --log-encoding=console

.PHONY: docker-build
docker-build: ## Build the image.
	docker build --build-arg VERSION=$(VERSION) -t $(IMG) .

##@ Deploy

.PHONY: install
install: ## Install the CRDs into the current cluster.
	$(KUBECTL) apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRDs, and with them every VerifiedChart and ClusterChartPolicy.
	$(KUBECTL) delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Deploy the CRDs and the controller, with the image in config/manager, into the current cluster.
	$(KUBECTL) apply --server-side -k config/default

.PHONY: undeploy
undeploy: ## Remove everything that `make deploy` created: the controller, the CRDs, and every VerifiedChart and ClusterChartPolicy.
	$(KUBECTL) delete --ignore-not-found -k config/default
