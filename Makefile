# One page of targets. `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NODE_PATH_PREFIX := $(abspath $(BIN))

.PHONY: help demo test check bench plays fuzz pictures widget format lock clean setup-demo setup-test

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: setup-demo ## a make-believe office on this machine: gateway, CRM, PBX and customers
	$(BIN)/python -m sandbox.demo

test: setup-test ## everything: checks, cores, real peers, real browser
	scripts/run-tests

check: $(VENV)/.test ## format, lint, types, in Python and in the widget
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	scripts/with-node npm --prefix widget run --silent check

bench: setup-test ## the figures of design section 7, as JSON
	$(BIN)/python -m tests.bench && $(BIN)/python -m tests.bench.cycle
	$(BIN)/python -m tests.bench.registrations
	$(BIN)/python -m tests.bench.messages && $(BIN)/python -m tests.bench.sipp

plays: setup-test ## long loops, loss matrices and soaks: before a release
	$(BIN)/pytest -m plays tests/system tests/browser
	TRUBKA_EXPLORE=1 $(BIN)/pytest tests/protocol tests/sip tests/gateway tests/sandbox

fuzz: setup-test ## ten minutes of fuzzing the SIP library; what is found lies in var/fuzz
	mkdir -p var/fuzz/found
	nice $(BIN)/python -m tests.fuzz.run -max_total_time=600 -max_len=4096 -artifact_prefix=var/fuzz/ var/fuzz/found tests/fuzz/corpus tests/sip/torture

pictures: setup-test ## every state of the widget, and a ladder, into docs/pictures
	$(BIN)/python -m tests.browser.pictures && $(BIN)/python -m tests.gateway.ladder.picture

widget: widget/dist/widget.zip ## the archive that amoCRM takes

format: $(VENV)/.test ## mend what the formatters can mend
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && scripts/with-node npm --prefix widget run --silent format

lock:            ## renew the pinned requirements (needs uv on PATH)
	scripts/lock-requirements

clean:           ## forget what was built
	rm -rf $(VENV) build dist *.egg-info var widget/node_modules widget/dist

setup-demo: $(VENV)/.demo widget
setup-test: $(VENV)/.test widget

$(VENV)/bin/python:
	scripts/make-venv $(PYTHON) $(VENV)

# A Node of the environment's own, where the system has none.
$(VENV)/.node: $(VENV)/bin/python requirements/node.txt
	scripts/with-node --install
	touch $@

$(VENV)/.demo: $(VENV)/bin/python requirements/demo.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.test: $(VENV)/bin/python requirements/test.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/.demo

widget/node_modules/.package-lock.json: widget/package.json widget/package-lock.json | $(VENV)/.node
	scripts/with-node npm --prefix widget ci --silent --no-audit --no-fund
	touch $@

widget/dist/widget.zip: widget/node_modules/.package-lock.json $(shell find widget/src widget/images widget/scripts widget/package.json -type f 2>/dev/null)
	scripts/with-node npm --prefix widget run --silent build
