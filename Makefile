# Two commands from nothing: `make run` and `make test`. Python, pip and make are all that has to be there.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PAGES := README.md prefect.yaml $(wildcard docs/*.md)
PAGES_FROM := "from gauntlet.deployments.documentation import *; from gauntlet.deployments.promises import *; from gauntlet.deployments.result_slots import *; from gauntlet.deployments.schedule import *"
# Two processes, each with servers of its own; the tests of a file stay together and share what they set up (tests/conftest.py).
SIDE_BY_SIDE := -n 2 --dist loadfile
# Without compiled files every import compiles anew, which triples the start of each server.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test test-all check lint format up down status clean lock docs

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Gauntlet needs Python 3.11 to 3.13, this is " + sys.version.split()[0] + ". Name another with `make PYTHON=python3.12`.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: no virtual environment could be made; on Debian install python3-venv"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r <(sed -n '/^uv==/,/[^\\]$$/p' requirements.lock) || { echo "make: uv could not be installed: is the package index within reach? Run the same command again to continue."; exit 1; }
	@echo "installing the pinned packages (about a minute, 2 GB; what is there already is kept)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --system-certs --quiet --require-hashes --compile-bytecode -r requirements.lock || { echo "make: the packages could not be installed, see above. Run the same command again to continue."; exit 1; }
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable . || { echo "make: gauntlet itself could not be installed, see above."; exit 1; }
	@touch $@

run: $(STAMP) ## Run every gauntlet, on real files where they are and on simulated ones elsewhere
	@$(BIN)/gauntlet run all

test: $(STAMP) ## Run the tests, except the slow ones
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow"

test-all: $(STAMP) ## Run all tests
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

check: lint ## Check all that needs no server: style, types, documentation, and the tests that take seconds
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow and not server"

lint: $(STAMP) ## Check style, types, documentation and the lock
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@mkdir -p .links/gauntlet && ln -sfn ../../blocks ../../datasets ../../deployments ../../flows ../../tasks .links/gauntlet/
	@MYPYPATH=.links $(BIN)/mypy
	@$(BIN)/cog --check -p $(PAGES_FROM) $(PAGES)
	@$(BIN)/python -m gauntlet.deployments.lock --check

format: $(STAMP) ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(STAMP) ## Fill tables and figures of README and docs anew
	@$(BIN)/cog -r -p $(PAGES_FROM) $(PAGES)

lock: $(STAMP) ## Resolve the pinned packages anew
	@$(BIN)/python -m gauntlet.deployments.lock

up: $(STAMP) ## Start the local servers and keep them up
	@$(BIN)/gauntlet up

down: $(STAMP) ## Stop the local servers
	@$(BIN)/gauntlet down

status: $(STAMP) ## Show how the local servers are
	@$(BIN)/gauntlet status

clean: ## Stop the local servers; remove their state and the environment
	@test ! -x $(BIN)/gauntlet || $(BIN)/gauntlet down
	@rm -rf .gauntlet $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
