# Everything runs on a fresh Debian with python3.11, pip, make and gcc: tools/venv builds .venv from the locks.

DATA   ?= ./data
LISTEN ?= 127.0.0.1:8005
# What the tests need from Debian; installed when root and missing.
DEBIAN_PACKAGES := redis-server logrotate memcached swift-proxy swift-account swift-container swift-object \
                   docker.io podman runc conmon catatonit netavark aardvark-dns iptables busybox-static \
                   $(if $(shell command -v npm),,npm)  # other packages of Node.js bring their own, and shut this one out

BIN     := .venv/bin
SOURCES  = $(wildcard src tests bench)
# No header, no annotations, no index: the locks name packages, versions and hashes, and nothing else.
COMPILE  = .tools/uv-*/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
           --no-header --no-annotate $(if $(UPGRADE),--upgrade)
PARTS   := --all-extras --group build

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test check fmt bench crash coverage lock clean dev debian formats-score

help: ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

setup: ## create .venv with the locked dependencies and the command .venv/bin/logyard
	@tools/venv run

run: setup ## start the server on LISTEN (127.0.0.1:8005) with its files in DATA (./data)
	@exec $(BIN)/logyard up --data $(DATA) --listen $(LISTEN)

test: check debian ## everything CI runs: check, then all tests (ARGS=... goes to pytest)
	@$(BIN)/pytest -n auto --dist loadfile $(ARGS)

check: dev ## lint, format, types, import layers and shape; no other tests
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/test_shape.py

fmt: dev ## format, and fix what ruff can fix
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: setup ## measure ingest and query (ARGS=... goes to the benchmark)
	@$(BIN)/python -m bench $(ARGS)

formats-score: setup ## score the formats against the labelled cases in DIR (../shared/data; ARGS=--misses says which)
	@$(BIN)/python -m bench.formats_score $(or $(DIR),../shared/data) $(ARGS)

crash: dev ## the long crash test: CRASH_KILLS=200 times kill -9
	@CRASH_KILLS=$${CRASH_KILLS:-200} $(BIN)/pytest tests/crash $(ARGS)

coverage: dev debian ## all tests with branch coverage; fails under 90 %
	@$(BIN)/pytest -n auto --dist loadfile --cov --cov-report=term $(ARGS)

lock: ## write requirements/*.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	@tools/venv tools
	$(COMPILE) $(PARTS) --output-file requirements/run.txt pyproject.toml
	$(COMPILE) $(PARTS) --group dev --constraint requirements/run.txt --output-file requirements/dev.txt pyproject.toml
	$(COMPILE) --group tools --output-file requirements/tools.txt

clean: ## remove .venv, the tools and every cache; DATA stays
	rm -rf .venv .tools dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

dev:
	@tools/venv dev

# RUNLEVEL=1 keeps Debian from starting the services it installs: the tests start their own.
debian:
	@missing=$$(for package in $(DEBIAN_PACKAGES); do \
	    dpkg-query -W -f '$${Status}\n' $$package 2>/dev/null | grep -qx 'install ok installed' || echo $$package; \
	done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	    echo "setup: missing for some tests, install as root:" $$missing >&2; exit 0; \
	fi; \
	echo "setup: apt-get install" $$missing >&2; \
	export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
	install="apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends"; \
	$$install $$missing >/dev/null 2>&1 || { apt-get -qq update && $$install $$missing >/dev/null; }
