# Ledger Guard. `make help` lists what there is; demo and test do their own set-up.

PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11 python3.10; do \
	command -v $$candidate >/dev/null 2>&1 && $$candidate -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$candidate && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
# what starts the real processes runs first, on two workers; these mostly wait, so there are two more workers than cores
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 2)))
# folders in which everything needs Airflow or Postgres: not even collected by check
WITHOUT := $(addprefix --ignore=tests/,dags attacks stack entrypoints/fab use_cases/backfill_kills)
# pytest keeps the modules that it rewrote; to rewrite them all takes each worker several seconds
unexport PYTHONDONTWRITEBYTECODE
IN_PARALLEL := --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install unleash demo up check light-tests test lint bench docs lock clean

help:            ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | column -t -s "$$(printf '\t')"

install: $(INSTALLED)            ## make .venv from requirements.lock (hashes checked)

$(INSTALLED): requirements.lock
	@test -n "$(PYTHON)" || { echo "no Python 3.10 to 3.13 found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "making $(VENV) with $(PYTHON) and the locked packages (two to three minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(RUN) -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'ledger_guard.pth').write_text(str(pathlib.Path('include').resolve()) + '\n')"
	@touch $@

unleash:            ## a real Unleash in var/unleash, for its tests (needs Node.js 20 or newer and npm; 190 MB)
	@mkdir -p var/unleash
	@npm install --prefix var/unleash --no-save --no-package-lock --no-audit --no-fund --omit=dev --ignore-scripts --loglevel=error unleash-server@7.4.1

demo: install            ## play the whole demo scenario on real Airflow processes and a real Postgres
	@$(RUN) -m ledger_sandbox demo

up: install            ## the same stack with live traffic, left running until Ctrl-C
	@$(RUN) -m ledger_sandbox up

check: install            ## lint, and every test that needs neither Postgres nor Airflow, in parallel
	@$(MAKE) --no-print-directory --jobs=2 lint light-tests

light-tests: install
	@$(RUN) -m pytest -q -n auto $(IN_PARALLEL) --hypothesis-profile check -m "not postgres and not airflow and not stack" $(WITHOUT)

test: install            ## every test, in parallel, the demo scenario on the real scheduler included
	@$(RUN) -m pytest -n $(WORKERS) $(IN_PARALLEL)

lint: install            ## ruff, mypy, generated docs
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(RUN) docs/build_dags_md.py --check
	@$(RUN) -m ledger_guard policy check

bench: install            ## benchmarks, as ratios
	@$(RUN) -m benchmarks

docs: install            ## write docs/DAGS.md from the DAGs' own docs
	@$(RUN) docs/build_dags_md.py

lock: install            ## requirements.txt -> requirements.lock (needs uv)
	@uv pip compile --quiet --python-version 3.10 --universal --generate-hashes --no-header --no-annotate requirements.txt -o requirements.lock

clean:            ## remove the sandbox and caches; .venv stays
	@rm -rf var .mypy_cache .ruff_cache .pytest_cache .hypothesis
