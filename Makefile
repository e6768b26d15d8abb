# Serin. Nothing has to be installed by hand but Go: `make` shows what there is.

MAKEFLAGS += --warn-undefined-variables --no-builtin-rules --no-print-directory
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

GO := 1.26

# demo: KEEP=1 leaves the lab running; CLUSTER=existing uses the cluster of KUBECONFIG.
export KEEP ?=
export CLUSTER ?=

# image: what the image is called.
IMAGE ?= serinhq/serin:dev

# fuzz: how long each fuzz test runs.
FUZZTIME ?= 30s

# bench-scale: N canaries released one after another, or IDLE that rest beside BUSY that are released;
# SCALE are further flags, see `cd lab && go run ./scale -help`.
N ?= 1000
IDLE ?= 0
BUSY ?= $(N)
SCALE ?=

MODULES := . lab charts

# The flags with which the lab builds Kubernetes, Contour and Serin: a short first build, see
# lab/fetch/build.go. The lab's own program shares half of their packages, so with these it
# is compiled on the way.
SHARED := -trimpath '-gcflags=all=-dwarf=false -l -c=1' '-gcflags=std=-dwarf=false -c=1'
LAB := $(CURDIR)/bin/lab
TOOL := go tool -modfile=$(CURDIR)/tools.mod
# What is shipped is optimised in full.
BUILD := CGO_ENABLED=0 go build -trimpath -ldflags='-s -w'
# Integration tests mostly wait, for each other by default.
TEST := go test -race -shuffle=on -parallel=8 -timeout=20m

.PHONY: help
help: ## Show this list
	@echo 'make demo   a release promoted, two bad ones undone, on a cluster of its own (root, Linux)'
	@echo 'make test   everything that needs no root'
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  make demo KEEP=1                                  leave it running and say how to look at it'
	@echo '  KUBECONFIG=... make demo CLUSTER=existing         use a cluster you have'
	@echo '  make bench-scale N=50                             a smaller one; IDLE=5000 BUSY=200 many that rest'
	@echo '  make fuzz FUZZTIME=10m                            look longer'

##@ Try it

.PHONY: demo
demo: need-go lab-program ## Build and start a lab, release three versions, show what happens
	$(LAB) demo

.PHONY: lab-up lab-down lab-env
lab-up: need-go lab-program ## Start the lab's cluster, gateway and Prometheus and leave them running
	$(LAB) up
lab-down: need-go lab-program ## Stop the lab and remove what it started
	$(LAB) down
lab-env: need-go lab-program ## Print the variables by which kubectl finds the lab: eval "$(make -s lab-env)"
	@$(LAB) env

# The lab's program. It is compiled in minutes the first time, and most of that is shared
# with what it builds then: so it says how far it is.
.PHONY: lab-program
lab-program: need-go
	@$(MAKE) lab-modules & cd lab && CGO_ENABLED=0 GOGC=off GOMEMLIMIT=2GiB go build -v $(SHARED) -o ../bin/lab . 2>&1 | awk ' \
		/^go: downloading/ { if (++fetched % 50 == 1) print "fetch the modules of the lab: " fetched; fflush(); next } \
		/^[a-z0-9][^ ]*$$/ { if (++compiled % 100 == 0) print "compile the lab: " compiled " packages"; fflush(); next } \
		{ print }' >&2; wait

# What the lab will build then is fetched meanwhile: the network waits for no processor. If
# this fails, the build says why.
.PHONY: lab-modules
lab-modules:
	@(cd lab/tools/kubernetes && go list -deps . && cd ../contour && go list -deps tool && cd ../podinfo && go list -deps tool \
		&& cd ../../.. && go list -deps ./cmd/serin) >/dev/null 2>&1 || true

##@ Build

.PHONY: build
build: need-go ## Build the programs, static, into bin/
	$(BUILD) -o bin/ ./cmd/...

.PHONY: image
image: build ## Build the operator's image as an archive for docker load or ctr images import
	cd lab && go run ./archive $(IMAGE) ../bin/serin ../bin/serin.tar

.PHONY: generate
generate: need-go ## Renew what is generated from the API: CRDs, deep copies, the chart's CRDs
	rm --force config/crd/*.yaml
	$(TOOL) controller-gen crd:allowDangerousTypes=true object paths=./api/... output:crd:dir=config/crd
	rm --force charts/serin/crds/*.yaml
	cp config/crd/*.yaml charts/serin/crds/

##@ Prove it

.PHONY: check
check: need-go check-make check-format check-vet check-lint check-laws check-chart check-generated ## What CI runs first: format, vet, lint, laws, budgets, generated files

.PHONY: test
test: need-go need-gcc kubernetes ## Unit, law, story, golden and integration tests, as an ordinary user
	@# No goroutine lives in these: looking for races would only make their walks six times longer.
	go test -shuffle=on ./rollout ./explain ./router
	$(TEST) $$(go list ./... | grep --invert-match --extended-regexp '/serin/(rollout|explain|router)$$')
	cd lab && $(TEST) $$(go list ./... | grep --invert-match --extended-regexp '/lab/(e2e|tools)(/|$$)')

.PHONY: integration
integration: need-go kubernetes ## Only the tests on a real API server; whoever changes an object of a cache ends them
	KUBE_CACHE_MUTATION_DETECTOR=true go test -count=1 -parallel=8 -timeout=20m ./integration/...

.PHONY: faults
faults: need-go kubernetes ## Every fault at every write of every release: a quarter of an hour
	go test -count=1 -timeout=3h -parallel=16 -run='^TestFaults' ./integration -faults=all

# Further gateways: their control planes take minutes to build, or their releases to pass,
# which CI on an empty machine has not.
GATEWAYS := ^Test(ContourReleases|EnvoyGateway|Ingress|Istio|ReleasesByNumbers|RoutesOfTheUsers|Traefik)

.PHONY: e2e
e2e: need-go need-gcc ## Release stories on the lab's cluster (root, Linux)
	cd lab && go test -count=1 -timeout=40m -skip='$(GATEWAYS)' ./e2e/...

.PHONY: e2e-gateways
e2e-gateways: need-go need-gcc ## Releases by further ways: Traefik, Envoy Gateway, Istio, HTTPProxies, Ingresses, plain Services, routes of the user's (root, Linux)
	cd lab && go test -count=1 -timeout=90m -run='$(GATEWAYS)' ./e2e/...

.PHONY: fuzz
fuzz: need-go ## Run each fuzz test for FUZZTIME
	@for package in $$(go list ./...); do \
		for test in $$(go test -list='^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "go test -fuzz='^$$test$$' -fuzztime=$(FUZZTIME) $$package"; \
			go test -run='^$$' -fuzz="^$$test$$" -fuzztime=$(FUZZTIME) "$$package"; \
		done; \
	done

.PHONY: bench
bench: need-go ## Run the benchmarks
	go test -run='^$$' -bench=. -benchmem ./...

.PHONY: bench-scale
bench-scale: need-go kubernetes ## Release N canaries on a real API server and print what that costs
	cd lab && CGO_ENABLED=0 go run $(SHARED) ./scale -busy=$(BUSY) -idle=$(IDLE) $(SCALE)

# The parts of check, in the order of their price.

.PHONY: check-make
check-make: # An undefined variable is an empty word in somebody's rm: an error, in every recipe.
	@warnings=$$($(MAKE) --dry-run help demo lab-up lab-down lab-env build image generate test integration faults e2e e2e-gateways fuzz bench bench-scale 2>&1 >/dev/null \
		| grep 'undefined variable' || true); \
	if [[ -n $$warnings ]]; then echo "$$warnings" >&2; exit 1; fi

.PHONY: check-format
check-format:
	@files=$$(gofmt -l .); if [[ -n $$files ]]; then printf 'not formatted, run gofmt -w on:\n%s\n' "$$files" >&2; exit 1; fi

.PHONY: check-vet
check-vet:
	@$(foreach module,$(MODULES),echo 'go vet in $(module)' && (cd $(module) && go vet ./...) &&) true

# Vulnerabilities are not checked here: govulncheck must fetch its database, and
# `make check` must also work, and mean the same, where only a module proxy is in reach.
.PHONY: check-lint
check-lint:
	@$(foreach module,$(MODULES),echo 'staticcheck and exhaustive in $(module)' && \
		(cd $(module) && $(TOOL) staticcheck ./... && $(TOOL) exhaustive -typeonly='^github\.com/serinhq/serin/' ./...) &&) true

.PHONY: check-laws
check-laws: # Who may import what, how long things may be, what is never done; also part of `make test`.
	go test ./internal/importlaw ./internal/budget ./internal/habit

.PHONY: check-chart
check-chart: # Helm itself renders the chart; to renew what came out: cd charts && go test . -update
	cd charts && go test ./...

.PHONY: check-generated
check-generated: # Generated files say the same as what they are generated from.
	@tree() { git status --porcelain --untracked-files=all && git diff --no-ext-diff; }; \
	before=$$(tree); $(MAKE) generate; after=$$(tree); \
	if [[ $$before != "$$after" ]]; then \
		diff <(echo "$$before") <(echo "$$after") >&2 || true; \
		echo 'make generate changed these files: commit them together with their source' >&2; exit 1; \
	fi

# What the targets stand on.

.PHONY: need-go
need-go:
	@found=$$(go version 2>/dev/null || GOTOOLCHAIN=local go version 2>/dev/null || true); \
	read -r _ _ version _ <<<"$${found:-go version none}"; \
	if ! printf 'go%s\n%s\n' '$(GO)' "$$version" | sort --version-sort --check=silent; then \
		echo "Serin needs Go $(GO) or newer and found $$version: install it from https://go.dev/dl and put it first in PATH." >&2; exit 1; \
	fi

.PHONY: need-gcc
need-gcc: # The race detector is linked by a C compiler.
	@command -v "$$(go env CC)" >/dev/null && exit; \
	if [[ $$(id --user) == 0 ]] && command -v apt-get >/dev/null; then \
		apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends gcc libc6-dev; \
	else \
		echo "The race detector needs a C compiler and $$(go env CC) is not there: install gcc (on Debian: apt-get install gcc libc6-dev)." >&2; exit 1; \
	fi

# The integration tests run a real API server. Building it takes minutes, once per
# version; it is done before them, so that one can see how far it is.
.PHONY: kubernetes
kubernetes: need-go lab-program
	@$(LAB) build kubernetes
