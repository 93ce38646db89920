# Each chore of the house is one command here; everything is done by .venv/bin/anlan or by a tool in .venv/bin.
PYTHON ?= python3
ARGS ?=
UPGRADE ?=

VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)

# A virtual environment whose Python has gone is no environment: forget what was installed into it.
$(shell test -x $(BIN)/python || rm -f $(VENV)/.installed $(VENV)/.installed-dev)

# Compiled files are kept, or each of the many processes that the tests start would compile the house anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install install-dev run cluster test check bench bench-sensing docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.installed ## Make .venv with everything the city runs on

install-dev: $(VENV)/.installed-dev ## The same, and what tests, checks and benchmarks need

run: install ## Open the city in the browser: http://127.0.0.1:8000 (ANLAN_PORT changes it)
	@exec $(BIN)/anlan run $(ARGS)

cluster: install-dev ## Start three NATS nodes here; with ANLAN_DB=postgresql://… also two workers and the pages
	@exec $(BIN)/anlan cluster $(ARGS)

test: install-dev ## Run the tests (ARGS="-k word" picks some); what a missing server skips is listed
	$(BIN)/python -m pytest -q -rs -n 3 --dist loadgroup $(ARGS)

check: export ANLAN_HOME := $(CURDIR)/$(VENV)/check
check: install-dev ## Read the code: style, own lints, who imports whom, types, wiring, migrations
	$(BIN)/ruff check .
	$(BIN)/python tools/lints.py
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/anlan check
	$(BIN)/anlan django makemigrations --check --dry-run

bench: install-dev ## Measure the promised figures (ARGS="name" picks one)
	$(BIN)/python -m bench $(ARGS)

bench-sensing: install-dev ## Measure the figures of the sensing network alone, against the peers that are here
	$(BIN)/python -m bench sensing archive whole alarm flow cluster real $(ARGS)

docs: install ## Write the generated pages of docs/ anew
	$(BIN)/anlan docs $(ARGS)

lock: install-dev ## Lock the requirements anew (UPGRADE=--upgrade takes newer versions)
	$(LOCK) requirements.in -o requirements.lock
	$(LOCK) requirements.in requirements-dev.in -c requirements.lock -o requirements-dev.lock

clean: ## Remove .venv and what tools left behind; the data folder stays
	rm -rf $(VENV) build dist anlan.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find anlan tests tools bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Anlan needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make PYTHON=python3.12 install"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked requirements into $(VENV) (once; a minute or so) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked requirements of the tests into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(VENV)/.installed $@
