# Two commands on a fresh machine (Python >= 3.11): make run, make test. Each makes .venv first.
#
#   make run          the main job on the example project (embedded database, no network after set-up)
#   make test         all tests that need nothing but Python
#   make test-e2e     the browser tests (installs Debian's Chromium and fonts by apt when missing)
#   make check        lint, types, import rules, docs
#   make bench        speed, memory and growth; tables and plots go to bench/results/
#   make bench-crash  kill -9 at every point under every fault, 2,376 times (20 min; ARGS="--trials 200")
#   make wheelhouse   all wheels for an offline machine; there: make run WHEELHOUSE=wheelhouse
#
# A package mirror: make run PIP_INDEX_URL=https://mirror.example/simple

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WHEELHOUSE ?=
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check -c .ci/constraints.txt \
	$(if $(WHEELHOUSE),--no-index --find-links $(WHEELHOUSE))
WORKERS ?= 2

.PHONY: run demo test test-e2e check bench bench-crash wheelhouse clean
.DEFAULT_GOAL := run

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "groundswell needs Python 3.11 or newer; found: $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@echo "── 1/2 creating $(VENV)"
	$(PYTHON) -m venv $(VENV)

# One stamp per set of packages, so that a second run starts at once.
$(VENV)/.ready-%: pyproject.toml .ci/constraints.txt | $(BIN)/python
	@echo "── 2/2 installing packages ($*): about 2 minutes on a first run"
	$(PIP_INSTALL) -e '.$(filter-out [run],[$*])'
	@touch $@

run: demo

demo: $(VENV)/.ready-run
	$(BIN)/groundswell demo $(ARGS)

test: $(VENV)/.ready-test
	$(BIN)/python -m pytest -m "not e2e" -n $(WORKERS) $(ARGS)

test-e2e: $(VENV)/.ready-test $(VENV)/.ready-e2e
	@.ci/browser
	$(BIN)/python -m pytest -m e2e $(ARGS)

check: $(VENV)/.ready-test $(VENV)/.ready-dev
	.ci/check

bench: $(VENV)/.ready-test $(VENV)/.ready-bench
	$(BIN)/python -m bench $(ARGS)

bench-crash: $(VENV)/.ready-test
	$(BIN)/python -m bench.bench_crash $(ARGS)

wheelhouse: $(BIN)/python
	$(BIN)/python -m pip wheel --disable-pip-version-check -c .ci/constraints.txt -w wheelhouse \
		'.[test,postgres]' 'setuptools>=68' wheel

clean:
	rm -rf $(VENV) build dist *.egg-info
