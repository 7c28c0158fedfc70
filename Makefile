# The verbs of this repository; `make help` lists them. Each build folder has one set of flags, always the same: other
# flags would compile every dependency again.

SWIFT ?= swift
PYTHON ?= python3

# Where `make run` keeps its data; empty: garner's own choice (see docs/configuration.md).
DATA_DIR ?=
# More arguments for the program that a verb starts: make run ARGS="--otlp-http 0.0.0.0:4318"
ARGS ?=
# Which tests of which kind: make test-swift FILTER=RoomTests, make test-python PYTEST="-k readme"
FILTER ?=
PYTEST ?=

debug := .build
release := .build-release
venv := .venv
debug_flags := --scratch-path $(debug) --explicit-target-dependency-import-check error
release_flags := -c release --scratch-path $(release)
linted := Sources Tests Package.swift

.DEFAULT_GOAL := help
.PHONY: help build run test test-swift test-python check format bench proto venv clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## compile everything, tests included (debug, .build)
	@tools/need.sh build
	$(SWIFT) build --build-tests $(debug_flags)

run: ## start the daemon (release build; DATA_DIR=… ARGS="…")
	@tools/need.sh build
	$(SWIFT) build $(release_flags) --product garner
	@exec $(release)/release/garner serve $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") $(ARGS)

test: ## run all tests: Swift, then the real OpenTelemetry SDK against the real binary
	@tools/need.sh test
	@$(MAKE) --no-print-directory test-swift
	@$(MAKE) --no-print-directory test-python

test-swift: build ## run the Swift tests only (FILTER=…)
	$(SWIFT) test $(debug_flags) --disable-xctest --skip-build $(if $(FILTER),--filter "$(FILTER)")

test-python: venv ## run the process tests only, against the debug build (PYTEST="…")
	$(venv)/bin/python -m pytest Tests/python $(PYTEST)

check: ## check layout (swift format) and architecture (RoomTests)
	@tools/need.sh build
	$(SWIFT) format lint --strict --recursive --parallel $(linted)
	@$(MAKE) --no-print-directory test-swift FILTER=RoomTests

format: ## lay the code out as `make check` wants it
	$(SWIFT) format --in-place --recursive --parallel $(linted)

bench: ## measure rates, latencies, memory and bytes on disk (release build; BENCH_SECONDS=5 ARGS="spans logs")
	@tools/need.sh build
	$(SWIFT) build $(release_flags) --product garner
	$(SWIFT) build $(release_flags) --product bench
	$(CC) -O2 -shared -fPIC -o $(release)/release/slow-fsync.so tools/slow-fsync.c
	@exec $(release)/release/bench $(ARGS)

proto: ## renew the generated C of proto/
	@tools/need.sh proto
	protoc-c --proto_path=proto --c_out=Sources/COTLP proto/otlp.proto
	mv Sources/COTLP/otlp.pb-c.h Sources/COTLP/include/otlp.pb-c.h

venv: $(venv)/.complete ## make the Python environment of the process tests (.venv)

$(venv)/.complete: Tests/python/requirements.txt
	@tools/need.sh test
	$(PYTHON) -m venv --clear $(venv)
	$(venv)/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r Tests/python/requirements.txt
	@tools/promtool.sh $(venv)/bin
	@touch $@

clean: ## remove everything that was built here
	rm -rf $(debug) $(release) $(venv)
