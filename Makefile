# Every target does its own set-up in .venv and is quick when that is done. GNU make and a POSIX shell are enough.
#
#   make demo    run the example project on real data
#   make test    all tests
#   make check   lint, types, import contract and unit tests: before every commit, under two minutes
#   make chaos   the long form of the tests that end processes and databases at random moments: about an hour
#   make bench   all benchmarks, one after another
#   make fmt     format the code and mend what the linter can mend
#   make clean   remove .venv, caches and what the demo and the benchmarks wrote
#
# PYTHON names the interpreter that .venv is made from: make test PYTHON=python3.13

PYTHON ?= python3
export PYTHON
# Processes of the tests and benchmarks keep their bytecode, whatever the caller's environment says.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
BENCHMARKS := $(filter-out benchmarks/harness.py,$(sort $(wildcard benchmarks/*.py)))

.PHONY: help demo test check chaos bench fmt clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   make/make/p' Makefile

demo:
	@.ci/environment demo
	$(BIN)/python examples/weather/demo.py

test:
	@.ci/environment test demo
	$(BIN)/pytest --numprocesses auto

check:
	@.ci/environment test lint
	@.ci/lint
	$(BIN)/pytest --numprocesses auto tests/unit tests/contract

chaos:
	@.ci/environment test
	WEFT_CHAOS_TRIALS=300 WEFT_CANCELS=100 WEFT_OUTAGE_SECONDS=300 WEFT_FULL_DISKS=50 $(BIN)/pytest --numprocesses 2 -s tests/acceptance/chaos

bench:
	@.ci/environment test demo
	@set -e; for file in $(BENCHMARKS); do echo "== $$file"; $(BIN)/python "$$file"; done

fmt:
	@.ci/environment lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf benchmarks/results examples/*/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
