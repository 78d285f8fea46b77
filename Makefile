# Commands for work on facezoo. `make` without arguments lists them.

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$name -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$name && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -qq --constraint constraints.txt
SETUP := setup.py pyproject.toml constraints.txt
TESTS ?= tests
LAY_OUT := rm -rf build/types && mkdir -p build/types/facezoo && ln -s $(CURDIR)/facezoo/* $(CURDIR)/backends build/types/facezoo

.DEFAULT_GOAL := help
.PHONY: help install demo test test-full zoo-steps check types format docs wheel zoo-pages clean distclean

help:  ## List the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.10 to 3.13 found; name one: make PYTHON=/path/to/python" >&2; exit 2; }
	@echo "creating $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-ready: $(SETUP) | $(BIN)/python
	@echo "installing facezoo, PyTorch and PaddlePaddle into $(VENV) (minutes, once)"
	@$(PIP) --editable '.[torch,paddle]'
	@touch $@

$(VENV)/.test-ready: $(SETUP) | $(BIN)/python
	@echo "installing facezoo, PyTorch, PaddlePaddle and the test tools into $(VENV) (minutes, once)"
	@$(PIP) --editable '.[torch,paddle,test]'
	@touch $(VENV)/.demo-ready $@

$(VENV)/.full-ready: $(SETUP) | $(BIN)/python
	@echo "installing the packages of the long tests, the examples and the documentation into $(VENV) (minutes, once)"
	@$(PIP) --editable '.[torch,paddle,test,docs,examples,wandb,mlflow,visualdl]'
	@touch $(VENV)/.demo-ready $(VENV)/.test-ready $@

$(VENV)/.docs-ready: $(SETUP) | $(BIN)/python
	@echo "installing facezoo and the tools of the documentation into $(VENV) (once)"
	@$(PIP) --editable '.[docs]'
	@touch $@

install: $(VENV)/.demo-ready  ## Create .venv with facezoo and both frameworks.

demo: $(VENV)/.demo-ready  ## Train a small network on both frameworks, on synthetic faces, and compare.
	@$(BIN)/python examples/demo.py

test: $(VENV)/.test-ready  ## Run the tests on both frameworks. TESTS=path selects some.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 8 $(TESTS)

test-full: $(VENV)/.full-ready  ## Run all tests, including the long ones, the examples and the notebooks.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 8 --full $(TESTS)

zoo-steps: $(VENV)/.demo-ready  ## Train the whole zoo for three steps on both backends. DATA=folder of faces.
	@test -n "$(DATA)" || { echo "name a folder of aligned faces: make zoo-steps DATA=folder" >&2; exit 2; }
	@$(BIN)/python benchmarks/zoo_steps.py --data $(DATA) --out $(or $(OUT),zoo_steps.jsonl)

check: $(VENV)/.test-ready  ## Run ruff and mypy.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory types

types: $(VENV)/.test-ready  ## Run mypy alone, on facezoo/ and backends/ laid out as in the installed package.
	@$(LAY_OUT)
	@$(BIN)/mypy

format: $(VENV)/.test-ready  ## Apply the fixes that ruff can make.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.docs-ready  ## Build the documentation site into build/site; any broken link or reference is an error.
	@$(BIN)/python docs/generate.py --check
	@$(LAY_OUT)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html"

wheel: $(VENV)/.test-ready  ## Build source distribution and wheel into dist/, and try the wheel in an environment of its own.
	@rm -rf dist build/lib build/try
	@$(BIN)/python -m build --outdir dist
	@$(BIN)/python -m venv build/try
	@PIP_DISABLE_PIP_VERSION_CHECK=1 build/try/bin/python -m pip install -qq --constraint constraints.txt dist/*.whl
	@cd build && try/bin/facezoo list heads > /dev/null && try/bin/facezoo config list > /dev/null
	@ls -l dist

zoo-pages: $(VENV)/.demo-ready  ## Write the pages of the zoo again from specs and margins.
	@$(BIN)/python docs/generate.py --measure

clean:  ## Remove the files of builds and tests; keep runs and .venv.
	@rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find facezoo backends zoo_configs weights_index tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean  ## Also remove .venv.
	@rm -rf $(VENV)
