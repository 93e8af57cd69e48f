# Postern. `make` prints the targets.

SHELL    := /bin/bash
GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 60s
TIMES    ?= 5

# All stages compile alike, so that each package is compiled once; only the race
# detector needs another way, and cgo.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(filter-out -trimpath,$(shell $(GO) env GOFLAGS)) -trimpath)

.PHONY: help build demo check quick packages fmt vet staticcheck test race demo-once e2e e2e-long fuzz crash conformance bench clean

help: ## print this
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## bin/postern, one static binary
	$(GO) build -ldflags "-s -w -X main.release=$(VERSION)" -o bin/postern ./cmd/postern

demo: build ## gateway + pretend tenant + console; the sample mails through the whole loop
	bin/postern demo

check: packages quick test demo-once e2e ## everything that CI runs

quick: fmt vet staticcheck ## format, vet, staticcheck and the house rules
	$(GO) test ./internal/ -count=1

packages: ## install the Debian packages that tests need (as root), or name them
	@scripts/packages.sh

fmt: ## is everything formatted?
	@out=$$(gofmt -l cmd internal e2e bench 2>/dev/null); if [ -n "$$out" ]; then echo "not formatted (gofmt -w): $$out"; exit 1; fi

vet: ## go vet
	$(GO) vet ./...

staticcheck: ## staticcheck, installed into .make
	@mkdir -p .make && if [ ! -x .make/staticcheck ]; then GOBIN=$(CURDIR)/.make $(GO) install $(STATICCHECK); fi
	.make/staticcheck ./...

# Rooms whose goroutines share something run with the race detector in every
# check, and of the whole house the demo; `make race` runs all of them so, which
# takes a quarter of an hour.
RACY := deliver durable extract fakeexchange gateway look receive spool store web

test: ## all tests in random order; the rooms with shared state also with the race detector
	GO=$(GO) scripts/gotest.sh -shuffle=on -timeout 9m ./...
	CGO_ENABLED=1 GO=$(GO) scripts/gotest.sh -race -short -shuffle=on -timeout 9m $(addprefix ./internal/,$(RACY))
	CGO_ENABLED=1 GO=$(GO) scripts/gotest.sh -race -run Demo -timeout 9m ./internal/app

race: ## all tests with the race detector
	CGO_ENABLED=1 GO=$(GO) scripts/gotest.sh -race -shuffle=on -timeout 30m ./...

demo-once: build ## the demo as a test: every sample must have its expected outcome
	bin/postern demo --once

e2e: build ## the real binary against real peers; a peer that is not installed prints SKIPPED
	GO=$(GO) POSTERN_BINARY=$(CURDIR)/bin/postern scripts/gotest.sh -v -count=1 -tags e2e -timeout 9m ./e2e/...

e2e-long: build ## the long forms of the end-to-end tests: every call fails once, 10,000 poison messages
	GO=$(GO) POSTERN_LONG=1 POSTERN_BINARY=$(CURDIR)/bin/postern nice -n 15 scripts/gotest.sh -v -count=1 -tags e2e \
		-timeout 90m $(if $(RUN),-run '$(RUN)') ./e2e/

fuzz: ## every fuzz target for FUZZTIME each
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: fuzz-cpu
fuzz-cpu: ## FUZZMINUTES (120) of CPU over all fuzz targets; goes on where the last run stopped
	scripts/fuzz.sh cpu $(or $(FUZZMINUTES),120)

crash: build ## the tests that kill, cut the power and break the disk, TIMES times; then POSTERN_KILLS kills of the real binary
	scripts/crash.sh $(TIMES)

conformance: build ## figures on data that is not ours (../shared), when it is there
	scripts/conformance.sh

bench: ## benchmarks, as ratios in one run
	scripts/bench.sh

clean: ## remove what was built
	rm -rf bin .make
