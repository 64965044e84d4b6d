# make repro | make test | make help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
PROFILE ?=
TORCH_INDEX ?=
EXECUTE ?=
BASE ?= main
IMAGES ?=
KG ?=
export BASE IMAGES KG
ROWS ?=
XLA_PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
XLA_VENV := .venv-xla
XLA_STAMP := $(XLA_VENV)/.installed
PEERS_VENV := .venv-peers
PEERS_STAMP := $(PEERS_VENV)/.installed
PAGE_STAMP := page/node_modules/.installed
# DVC writes nothing outside the project (its file states go to /var/tmp otherwise), and tells nobody.
export DVC_NO_ANALYTICS := 1
export DVC_SITE_CACHE_DIR := $(CURDIR)/.dvc/tmp/site
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install repro whole share test test-xla lint bench peers ablation report test-report test-commands pr-report readme docs clean clean-runs

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
	@PYTHONPATH=src $(BIN)/python -m graphmer.report.documents
else
	@PROFILE=$(PROFILE) profiles/run
endif

whole: $(STAMP) $(PEERS_STAMP) ## PROFILE=base: the profile with controls, peers, speed and a compact model, into results/<profile>/ and models/<profile>/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -r benchmarks/requirements.txt
	@PYTHONPATH=src PROFILE="$(PROFILE)" $(BIN)/python -m graphmer.report.whole_run

share: $(STAMP) ## models/small: the trained model in half precision, with what ranks its answers; what it lost: results/compact.json (after make repro)
	$(BIN)/python -m graphmer.model.compact data/model models/small
	$(BIN)/python stages/eval.py --model models/small --out .scratch/share/eval --metrics .scratch/share/eval.json --plots .scratch/share/plots
	$(BIN)/python -m graphmer.report.adapted data/eval .scratch/share/eval --model models/small --out results/compact.json
	$(BIN)/python -m graphmer.index.fit models/small --data data --out models/small.scoring.json
	PYTHONPATH=src $(BIN)/python -m graphmer.report.documents

test: $(STAMP) ## linter, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-xla: $(if $(XLA_PYTHON),,$(XLA_STAMP)) ## training steps under XLA, in an environment of its own (gigabytes) or XLA_PYTHON=
	PYTHONPATH=src $(or $(XLA_PYTHON),$(XLA_VENV)/bin/python) -m pytest tests/xla

$(XLA_STAMP): requirements-xla.txt
	@echo "make: building $(XLA_VENV) with torch 2.9 and torch-xla: a download of about 3 GB, 7 GB on disk; TORCH_INDEX=<index of CPU wheels> saves most of it" >&2
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "make: torch-xla 2.9 has wheels for Python 3.11 to 3.13; pass PYTHON=python3.12" >&2; exit 1; }
	@test -x $(XLA_VENV)/bin/python || $(PYTHON) -m venv $(XLA_VENV)
ifneq ($(TORCH_INDEX),)
	$(XLA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) "$$(grep -E '^torch==' requirements-xla.txt)"
endif
	$(XLA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-xla.txt
	@touch $@

lint: $(STAMP) ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## how fast the graph is built and the 85M encoder trains, into results/benchmarks/ (after make repro)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/kg_speed.py data/raw
	$(BIN)/python benchmarks/train_speed.py data/packed
	PYTHONPATH=src $(BIN)/python -m graphmer.report.documents

ablation: $(STAMP) ## every row of the ablation with three seeds, hours, goes on where it ended; ROWS="full plain_tokens" (after make repro)
	$(BIN)/python stages/long_ablation.py --rows "$(ROWS)"

peers: $(PEERS_STAMP) ## PyKEEN's embeddings and MiniLM on the questions of eval, into results/peers.* (after make repro, half an hour)
	PYTHONPATH=src OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PEERS_VENV)/bin/python benchmarks/peers/measure_peers.py

$(PEERS_STAMP): benchmarks/peers/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or later is needed, $(PYTHON) is older; pass PYTHON=python3.12" >&2; exit 1; }
	@test -x $(PEERS_VENV)/bin/python || $(PYTHON) -m venv $(PEERS_VENV)
ifneq ($(TORCH_INDEX),)
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) "$$(grep -E '^torch==' benchmarks/peers/requirements.txt)"
endif
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt
	@touch $@

report: $(STAMP) $(PAGE_STAMP) ## one HTML file to look at graph and results, .scratch/report.html (after make repro); KG=<folder of graphmer kg>
	@PYTHONPATH=src $(BIN)/python -m graphmer.report.page $(if $(KG),--kg "$$KG")

$(PAGE_STAMP): page/package.json page/package-lock.json page/.npmrc
	@command -v npm >/dev/null || { echo "make: npm is needed, which fetches the page's libraries; install Node.js" >&2; exit 1; }
	cd page && npm ci --loglevel=error
	@touch $@

test-report: $(STAMP) $(PAGE_STAMP) ## the page in headless Chromium, which must be there; CHROMIUM=<its path>
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt -r tests/browser/requirements.txt
	$(BIN)/python -m pytest tests/browser

test-commands: $(STAMP) ## the commands of README and docs, on the smoke profile in a copy, minutes; what is not run and why: tests/documented.py
	$(BIN)/python -m pytest tests/commands

pr-report: $(STAMP) ## what a change did, as Markdown for a pull request; BASE=main IMAGES=<address before a drawing's path>
	@PYTHONPATH=src $(BIN)/python -m graphmer.report.pull_request --base "$$BASE" --images "$$IMAGES"

readme docs: $(STAMP) ## README's results, the cards and docs/specs.md, from metrics/, plots/, params.yaml, results/
	PYTHONPATH=src $(BIN)/python -m graphmer.report.documents

clean: ## remove the environment, caches and scratch files; DVC's data stay
	rm -rf $(VENV) $(XLA_VENV) $(PEERS_VENV) page/node_modules .scratch .pytest_cache .mypy_cache .ruff_cache .hypothesis build src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-runs: $(STAMP) ## list the checkpoints of unfinished trainings; EXECUTE=1 deletes them
	@PYTHONPATH=src $(BIN)/python -m graphmer.train.checkpoint $(if $(filter 1,$(EXECUTE)),--execute)
