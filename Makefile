# Everything is installed into .venv; `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install run ui ncs2 test check bench lock clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

install: $(VENV)/.runtime ## install what the program needs (no torch)
	@:

run: $(VENV)/.runtime ## put the sample's person before another background: out/sample.mp4
	@mkdir -p out
	$(BIN)/python run_stream.py --output out/sample.mp4 --force $(ARGS)

ui: $(VENV)/.ui ## open the page that compares the models
	$(BIN)/python -m ui $(ARGS)

ncs2: $(VENV)/.runtime ## set up what a Neural Compute Stick 2 needs (an old Python and its OpenVINO)
	$(BIN)/python -m stream.ncs2 setup $(ARGS)

bench: $(VENV)/.runtime ## measure the models and the pipeline on this machine
	$(BIN)/python -m stream.benchmark $(ARGS)

test: $(VENV)/.dev ## run the tests; ARGS="tests/stream -k sample" runs some
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev ## lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(VENV)/.dev ## write the installed versions into constraints.txt
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable \
		| sed 's/+[a-z0-9.]*$$//' | LC_ALL=C sort -f; } > constraints.new
	@mv constraints.new constraints.txt

clean: ## remove .venv and the caches; out/ stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: what is installed, as of the files that say what to install.
SPEC := pyproject.toml constraints.txt

$(VENV)/.runtime: $(SPEC) | $(BIN)/python
	@echo "Installing the runtime into $(VENV); the first time takes a minute."
	@$(PIP) --editable .
	@$(BIN)/python -c 'import cv2' || { \
		echo "error: OpenCV lacks a system library (above)." >&2; \
		echo "hint: on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0" >&2; exit 1; }
	@touch $@

$(VENV)/.ui: $(VENV)/.runtime
	@echo "Installing the page into $(VENV)."
	@$(PIP) --editable '.[ui]'
	@touch $@

# torch goes in first and by its exact version: what merely asks for some torch then takes this one.
$(VENV)/.dev: $(VENV)/.runtime
	@echo "Installing the training and test tools into $(VENV); the first time takes minutes."
	@$(PIP) $(shell sed -n '/^torch==/p' constraints.txt)
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/.ui $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "error: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "hint: make PYTHON=python3.12 …, with the name of a newer one" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
