# make repro | make test | make help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
PROFILE ?=
TORCH_INDEX ?=
EXECUTE ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# DVC writes nothing outside the project (its file states go to /var/tmp otherwise), and tells nobody.
export DVC_NO_ANALYTICS := 1
export DVC_SITE_CACHE_DIR := $(CURDIR)/.dvc/tmp/site
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install repro test lint bench readme clean clean-runs

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## the environment in .venv

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or later is needed, $(PYTHON) is older; pass PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
ifneq ($(TORCH_INDEX),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) "$$(grep -E '^torch==' requirements.txt)"
endif
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

repro: $(STAMP) ## the whole pipeline; PROFILE=smoke or base runs a profile beside it
	@$(BIN)/python stages/check_params.py
ifeq ($(PROFILE),)
	@echo "profile: none (params.yaml as it is)"
	@$(BIN)/dvc repro
	@PYTHONPATH=src $(BIN)/python -m graphmer.report.readme
else
	@PROFILE=$(PROFILE) profiles/run
endif

test: $(STAMP) ## linter, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

lint: $(STAMP) ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## how fast the graph is built and the 85M encoder trains, into results/benchmarks/ (after make repro; 15 minutes)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/kg_speed.py data/raw
	$(BIN)/python benchmarks/train_speed.py data/packed
	PYTHONPATH=src $(BIN)/python -m graphmer.report.readme

readme: $(STAMP) ## the results table of README from metrics/, the figures of docs/ from results/
	PYTHONPATH=src $(BIN)/python -m graphmer.report.readme

clean: ## remove the environment, caches and scratch files; DVC's data stay
	rm -rf $(VENV) .scratch .pytest_cache .mypy_cache .ruff_cache .hypothesis build src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-runs: $(STAMP) ## list the checkpoints of unfinished trainings; EXECUTE=1 deletes them
	@PYTHONPATH=src $(BIN)/python -m graphmer.train.checkpoint $(if $(filter 1,$(EXECUTE)),--execute)
