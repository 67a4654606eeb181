# Short, stable verbs; continuous integration calls only these. `make` alone shows them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Steps are processes of their own: without byte code each would compile what it imports again.
unexport PYTHONDONTWRITEBYTECODE

# The first Python on the path that is new enough.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Empty: the build of torch that the index carries. `cpu`: the small build.
TORCH_BACKEND ?=
REQUIREMENTS := requirements/$(if $(filter cpu,$(TORCH_BACKEND)),all-cpu,all).txt

COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --extra all --group dev --universal \
	--python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate
# The suite's files are shared among so many processes: half of its time it waits for others. Each
# has a PostgreSQL and an MLflow of its own, so more of them want more memory.
TEST_WORKERS ?= 2

# What needs no server, no cluster and no large library: mizzen_tests.fast_lane refuses those.
FAST := tests/control/test_check_schedule.py tests/control/test_due_windows.py \
	tests/control/test_run_lists.py tests/control/test_sources.py tests/control/test_triggers.py \
	tests/data/test_canonical.py tests/data/test_names.py tests/data/test_scaling.py \
	tests/docs/test_glossary.py tests/docs/test_python_api.py tests/docs/test_reference.py \
	tests/files tests/house/test_fast_lane.py tests/house/test_http_client.py \
	tests/house/test_imports.py tests/house/test_masking.py tests/house/test_pure_domain.py \
	tests/house/test_tree.py tests/models/test_gate.py tests/models/test_metrics.py \
	tests/monitoring/test_guard.py tests/monitoring/test_schedule.py \
	tests/monitoring/test_sketch.py tests/runner/test_conditions.py tests/runner/test_deletion.py \
	tests/runner/test_ir.py tests/spec

# What torch's CUDA build brings and its CPU build does not need.
CUDA_ONLY = triton $(shell sed -n 's/^\(nvidia-[a-z0-9-]*\|cuda-[a-z-]*\)==.*/\1/p' requirements/all.txt | grep -v nvidia-ml-py)

.PHONY: help setup demo test test-fast soak lint types contracts generate verify pins bench clean cluster-build cluster-up cluster-demo cluster-test cluster-test-full cluster-down images

help: ## show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## make the environment in .venv (TORCH_BACKEND=cpu for the small torch)

$(VENV)/ready: pyproject.toml $(REQUIREMENTS) requirements/install.sh requirements/uv.sh
	@test -n "$(PYTHON)" || { echo "Mizzen needs Python 3.11 or newer; none was found. Next: make setup PYTHON=/path/to/python"; exit 3; }
	@test -x $(BIN)/uv || { $(PYTHON) -m venv --clear $(VENV) && $(BIN)/python -m pip install --quiet "uv>=0.8"; }
	@requirements/install.sh $(VENV) $(REQUIREMENTS) $(if $(TORCH_BACKEND),--torch-backend=$(TORCH_BACKEND))
	@touch $@

demo: setup ## the whole loop on real flights: train, judge, register, serve, watch, retrain
	@$(BIN)/mizzen demo

test: setup ## the test suite (images and the cluster have commands of their own)
	@$(BIN)/pytest --ignore=tests/cluster --ignore=tests/images -n $(TEST_WORKERS) --dist loadfile

test-fast: setup ## what needs no server and no large library, in three minutes at most
	@PYTHONPATH=tests/shared $(BIN)/pytest -p mizzen_tests.fast_lane -m "not slow" -n $(TEST_WORKERS) --dist loadfile $(FAST)

soak: setup ## the long form of what the suite samples: fuzzing, kills, simulations (hours)
	@MIZZEN_SOAK=1 $(BIN)/pytest -m soak --timeout=14400 --ignore=tests/cluster --ignore=tests/images

cluster-build: setup ## build what a Kubernetes node for the tests needs, once (about 25 minutes)
	@$(BIN)/python tests/cluster build

cluster-up: setup ## start a Kubernetes node for the tests
	@$(BIN)/python tests/cluster up

cluster-demo: setup ## the platform on that node: serve, shadow, shift and watch the flights model
	@$(BIN)/python tests/cluster demo

cluster-test: cluster-build ## the images, and the platform on a real Kubernetes node
	@$(BIN)/pytest tests/images tests/cluster -m "not full"

cluster-test-full: cluster-build ## the same with what takes minutes: faults and load, one by one
	@$(BIN)/pytest tests/images tests/cluster

cluster-down: setup ## stop that node; leaves nothing behind
	@$(BIN)/python tests/cluster down

lint: setup ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## strict types
	@$(BIN)/mypy

contracts: setup ## who may import whom
	@$(BIN)/lint-imports

generate: setup ## write what is generated: schemas, charts, pipelines, Dockerfiles, references, dashboards
	@$(BIN)/python -m mizzen.spec.schema
	@$(BIN)/python -m mizzen.spec.charts
	@$(BIN)/python -m mizzen_pipelines.compile
	@$(BIN)/python -m mizzen_monitoring.metrics
	@$(BIN)/python manifests
	@$(BIN)/python components/images --dockerfiles
	@$(BIN)/python -m mizzen.cli.reference
	@$(BIN)/python -m mizzen.api.reference

verify: generate ## fail when a generated file is not what the code makes
	@git diff --exit-code -- docs pipelines monitoring charts manifests components/images serving/images || { echo "generated files differ: run make generate and commit"; exit 1; }

pins: setup ## resolve the pinned requirements anew
	@$(COMPILE) -o requirements/all.txt
	@$(COMPILE) $(foreach p,$(CUDA_ONLY),--no-emit-package $(p)) -o requirements/all-cpu.txt
	@$(BIN)/python components/images --pins

images: setup ## build the images (BASE_IMAGE=python:3.11-slim, IMAGES="serving control" for some)
	@$(BIN)/python components/images $(IMAGES) --base="$(BASE_IMAGE)"

bench: setup ## our figures beside the peers', same work, one run (writes docs/benchmarks.md)
	@$(BIN)/python -m benchmarks

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
