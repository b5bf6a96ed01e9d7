# Every command creates what it needs under .compline/ and nothing elsewhere.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help install install-dev tools nightly up test lint bench prove parity lock clean

WORK := .compline
VENV := $(WORK)/venv
PY := $(VENV)/bin/python
PYTHON ?= python3
REPOS ?=

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.bootstrapped: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' \
	  || { echo "Compline needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Installing into $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "The venv module is missing: apt-get install python3-venv"; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.bootstrapped requirements/compline.txt pyproject.toml
	@$(PY) -m uv pip install --quiet --python $(PY) --compile-bytecode --require-hashes -r requirements/compline.txt
	@$(PY) -m uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@$(PY) -m compileall -q include
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.txt
	@$(PY) -m uv pip install --quiet --python $(PY) --compile-bytecode --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.installed ## Compline and Airflow in their own virtual environment

install-dev: $(VENV)/.installed-dev

tools: $(VENV)/.installed ## The scanners, each in its own hash-pinned environment
	@$(VENV)/bin/compline tools install

nightly: $(VENV)/.installed ## One night through Airflow over compline.yaml, or over the demo
	@$(PY) -m compline_airflow.launch nightly

up: $(VENV)/.installed ## Airflow with its pages and schedules on 127.0.0.1
	@$(PY) -m compline_airflow.launch up

test: $(VENV)/.installed-dev ## All tests
	@$(PY) -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed-dev ## ruff and mypy --strict
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

bench: $(VENV)/.installed-dev ## Ratios to the naive loop; the store at scale [REPOS=DIR]
	@$(PY) tests/benchmarks/store_scale.py
	@$(PY) tests/benchmarks/bench.py $(if $(REPOS),--repos $(REPOS))

prove: $(VENV)/.installed-dev ## Campaigns at full size, resumable; writes docs/measurements.md [REPOS=DIR]
	@$(PY) tests/benchmarks/prove.py $(if $(REPOS),--repos $(REPOS))

parity: $(VENV)/.installed-dev ## The store against the tools run directly [REPOS=DIR]
	@$(PY) tests/benchmarks/parity.py $(if $(REPOS),--repos $(REPOS))

lock: $(VENV)/.bootstrapped ## Compile every requirements file anew
	@PATH="$$PWD/$(VENV)/bin:$$PATH" bash requirements/compile.sh

clean: ## Remove everything that was created
	@rm -rf $(WORK)
