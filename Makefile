# Every verb in one place. `make run` and `make test` need Python 3.11 or newer and make, nothing else.

PYTHON ?= python3
BIN := .venv/bin
RUN_STAMP := .venv/run.stamp
DEV_STAMP := .venv/dev.stamp

.DEFAULT_GOAL := help
.PHONY: help run test test-vllm check format bench lock clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP)  ## Start everything on this machine; Ctrl-C stops it
	@$(BIN)/casepilot up $(ARGS)

test: $(DEV_STAMP)  ## Run the whole test suite on embedded servers
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report --include='domain/*,ports/*' --fail-under=95 --skip-covered --sort=cover
	@$(BIN)/coverage report --include='adapters/*,entrypoints/*,dashboard/*' --fail-under=85 --skip-covered --sort=cover

test-vllm: $(DEV_STAMP)  ## Try the real vLLM server with a toy model (own environment, 4 GB)
	@ops/codellama/toy/test

check: $(DEV_STAMP)  ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(DEV_STAMP)  ## Format and mend what can be mended
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(DEV_STAMP)  ## Measure, next to named baselines
	@$(BIN)/casepilot bench turn

lock:  ## Make the lock files again (needs uv)
	@ops/lock

clean:  ## Remove what was built; data in .casepilot stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Casepilot needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "Making the virtual environment"
	@$(PYTHON) -m venv .venv

$(RUN_STAMP): ops/requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked dependencies (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r ops/requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): ops/requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked dependencies and tools (about two minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r ops/requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(RUN_STAMP)
