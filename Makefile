# `make help` lists what there is. Everything runs in .venv, which the first target makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A file's tests share what is costly to prepare; files go to the processes as tests/conftest.py
# sorts them.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

.PHONY: help reproduce test test-faults lint ui venv

help:
	@echo "make reproduce             run what is out of date in profile mini, collect, print tables"
	@echo "make reproduce PROFILE=x   the same for another profile of conf/profile, such as bccd"
	@echo "make reproduce ONLY=\"x y\"  only these stages of DVC and the report (claims.csv has examples)"
	@echo "make test                  run the test suite, but for the next"
	@echo "make test-faults           kill runs, fill disks, lose nodes and servers: 10-20 minutes more"
	@echo "make lint                  check style with ruff"
	@echo "make ui                    open MLflow on the collected runs"
	@echo ".venv/bin/frcn plan --profile x   what a run would cost; \`frcn list\`: what there is"
	@echo "PYTHON=python3.12 make …   use another Python (3.11 or newer) for the environment"

reproduce: $(STAMP)
	@$(BIN)/python -m pipelines.reproduce $(if $(PROFILE),--profile $(PROFILE)) $(ONLY)

test: $(STAMP)
	$(PYTEST) --ignore tests/faults

test-faults: $(STAMP)
	$(PYTEST) tests/faults

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

ui: $(STAMP)
	$(BIN)/mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow/mlflow.db}"

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Python >= 3.11 is needed, $(PYTHON) is %d.%d; choose another: make PYTHON=python3.12 …" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)
