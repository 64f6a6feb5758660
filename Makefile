# Everything lives in .venv; what is installed follows pyproject.toml. A second start needs no network.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; \
	done)
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: serve test lint bench clean

serve: .venv/.serve ## answers at http://127.0.0.1:8000/fhir, with the demonstration alliance
	@.venv/bin/python -m compileall -q fhir_server # what an installation does: it starts in half the time
	.venv/bin/fhir-server serve --open --demo

test: .venv/.test
	.venv/bin/python -m pytest -n auto

lint: .venv/.lint
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

bench: .venv/.bench
	.venv/bin/python -m benchmarks

clean:
	rm -rf .venv

.venv/.serve: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no ensurepip: install its venv package (Debian: apt install python3-venv)"; exit 1; }
	@echo "installing into .venv, once"
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/.test: .venv/.serve
	$(PIP) --editable '.[test]'
	@touch $@

.venv/.lint: .venv/.serve
	$(PIP) --editable '.[test,lint]'
	@touch $@

.venv/.bench: .venv/.serve
	$(PIP) --editable '.[test,bench]'
	@touch $@
