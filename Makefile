# Every command sets itself up: it creates .venv on first use and repeats the installation when pyproject.toml or
# constraints.txt change. Nothing is needed but make and Python >= 3.11 with its venv module.

PYTHON ?= python3
PROFILE ?= quick
# What JAX runs on: cpu, cuda or tpu. A machine with an NVIDIA driver gets CUDA.
DEVICE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo cuda || echo cpu)

VENV := .venv
RUN := $(VENV)/bin/python -m experiments
SITE := $(VENV)/bin/python -m sphinx -q -W --keep-going -c docs
comma := ,
accelerator := $(addprefix $(comma),$(filter-out cpu,$(DEVICE)))
READY := $(VENV)/.ready-experiments-$(DEVICE)
# Every experiment says which artefacts it makes.
ARTEFACTS := $(sort $(shell sed -n 's/^ARTEFACTS = (\(.*\))/\1/p' experiments/*.py experiments/*/*.py | tr -d '",'))

.DEFAULT_GOAL := help
.PHONY: help reproduce-all $(ARTEFACTS) report smoke publish bench knocks test check format docs docs-links wheel clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z$$].*:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile | sed 's/$$(ARTEFACTS)  /$(ARTEFACTS)/'
	@echo "Options: PROFILE=smoke|quick|full (now $(PROFILE)), PYTHON=... (now $(PYTHON)), DEVICE=cpu|cuda|tpu (now $(DEVICE))"

reproduce-all: $(READY)  ## every table and figure: train what is missing, then render
	@$(RUN) run all --profile $(PROFILE)

$(ARTEFACTS): $(READY)  ## one of them
	@$(RUN) run $@ --profile $(PROFILE)

report: $(READY)  ## render from what exists; never trains
	@$(RUN) report --profile $(PROFILE)

smoke: $(READY)  ## see everything run, in a few minutes; the numbers mean nothing
	@$(RUN) run all --profile smoke --runs-dir runs-smoke

publish: $(READY)  ## copy finished runs of the full profile into results/
	@$(RUN) publish --profile full

bench: $(VENV)/.ready-bench-$(DEVICE)  ## measure our speed and PyTorch's on the same work
	@$(RUN) bench

knocks: $(READY)  ## kill real runs, fill disks (as root), damage files, and compare what comes out; about 40 minutes
	@$(VENV)/bin/python -m tests.knocks

test: $(VENV)/.ready-dev-$(DEVICE)  ## run the tests, on up to four cores
	@$(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

check: $(VENV)/.ready-dev-$(DEVICE)  ## lint, and check the formatting
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

format: $(VENV)/.ready-dev-$(DEVICE)  ## format, and repair what the linter can
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

docs: $(VENV)/.ready-docs-$(DEVICE)  ## build the site into docs/_site, notebooks included; needs no network
	@$(SITE) -b html . docs/_site/html
	@echo "docs/_site/html/index.html"

docs-links: $(VENV)/.ready-docs-$(DEVICE)  ## ask every address that the guides name whether it is there
	@$(SITE) -b linkcheck -D nb_execution_mode=off . docs/_site/links

wheel: $(VENV)/.ready-release-$(DEVICE)  ## build sdist and wheel into dist/, and check what they say of themselves
	@rm -rf dist && $(VENV)/bin/python -m build --quiet && $(VENV)/bin/python -m twine check --strict dist/*

clean:  ## remove .venv and caches; runs/ and results/ stay
	@rm -rf $(VENV) build dist docs/_site *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.ready-%-$(DEVICE): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
	  { echo "$(PYTHON) was not found: install Python 3.11 or later, or name it with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$$($(PYTHON) --version) is too old: Python 3.11 or later is needed, name one with PYTHON=/path/to/python3.11." >&2; exit 1; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || { \
	  rm -rf $(VENV); \
	  $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
	    echo "$(PYTHON) has no working venv module: install it (on Debian and Ubuntu: sudo apt install python3-venv) and repeat." >&2; exit 1; }; }
	@echo "Installing what is needed into $(VENV) (once, a minute or two) ..."
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-input -c constraints.txt -e '.[$*$(accelerator)]' || \
	  { echo "The installation failed (see above): check the network connection and the disk, then repeat." >&2; exit 1; }
	@touch $@
