# `make demo` and `make test` are the only two commands a newcomer needs. Each sets the project up first, on a
# machine that has python3 (3.11 or newer) and make; nothing is installed outside this folder. `make model` alone puts
# something elsewhere: a language model into AutoIR's own folder, ~/.autoir or $AUTOIR_HOME.

PYTHON ?= python3
ARGS ?=
UV_VERSION := 0.13.9

# A uv of another release may read or write the lock in its own way, so only a matching one on PATH is used.
UV_ON_PATH := $(shell uv --version 2>/dev/null | grep -q '^uv $(basename $(UV_VERSION))\.' && command -v uv)
UV := $(or $(UV_ON_PATH),.tools/bin/uv)
BIN := .venv/bin

export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup demo model deploy-tools test test-deps deploy-test deploy-deps localcloud localcloud-up localcloud-down \
	test-tidb test-seeds lint synth bench lock requirements clean python

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | while IFS='	' read -r name text; do printf '  make %-17s%s\n' "$$name" "$$text"; done

setup: .venv/.ready ## make .venv with the locked dependencies and the `autoir` command
	@echo "ready: $(BIN)/autoir"

demo: .venv/.ready ## replay an outage and show its incident (ARGS="--scenario bad-deploy")
	$(BIN)/autoir demo $(ARGS)

model: .venv/.ready $(UV) ## fetch a language model (91 MB) that makes search know meanings, not words alone
	@PYTHONPATH=. $(BIN)/python tools/fetch_model.py --uv $(UV)

deploy-tools: .venv/.deploy-ready .venv/bin/cdk ## get what `cdk deploy` needs (Node 20 or newer)
	@echo "ready: . .venv/bin/activate, then docs/deploy.md"

test: .venv/.deploy-ready test-deps ## run the tests (ARGS="-k store")
	$(BIN)/pytest -n 2 --dist worksteal --ignore tests/deploy $(ARGS)
	$(if $(ARGS),,@$(MAKE) --no-print-directory deploy-test)

test-seeds: .venv/.ready ## thirty outages never seen before for each of the demo's scenarios (some ten minutes)
	AUTOIR_TEST_SEEDS=30 $(BIN)/pytest -n 2 tests/demo/test_seeds.py $(ARGS)

# One cloud and one stage for all of them, so they are not spread over processes.
deploy-test: deploy-deps ## deploy a stage into a local AWS, use it, remove it
	$(BIN)/pytest tests/deploy $(ARGS)

deploy-deps: .venv/.deploy-ready localcloud
	@if command -v npm >/dev/null; then $(MAKE) -s --no-print-directory .venv/bin/cdk; \
		else echo "npm is not there, so the deploy test is skipped: it needs Node 20 or newer." >&2; fi

localcloud: build/localcloud/.ready

localcloud-up: deploy-deps ## start a local AWS to deploy into; see tools/localcloud/README.md
	@$(BIN)/python -m tools.localcloud up

localcloud-down: ## stop it
	@$(BIN)/python -m tools.localcloud down

build/localcloud/.ready: tools/localcloud/requirements.txt .venv/.ready $(UV)
	@$(UV) venv --quiet --clear --python .venv/bin/python build/localcloud/venv
	@$(UV) pip install --quiet --require-hashes --python build/localcloud/venv/bin/python --requirements $<
	@touch $@

# A MySQL-protocol server and TiDB's grammar stand in for TiDB in the tests. Where one cannot be had, this says so and
# goes on: its tests are skipped, or fail under CI=true.
MARIADB := mariadb-server-core mariadb-client-core

test-deps: ## get what the tests of the TiDB store stand on: MariaDB (root on Debian), TiDB's grammar (Go)
	@PATH="$$PATH:/usr/sbin"; command -v mariadbd >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing $(MARIADB)"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(MARIADB) >/dev/null; \
		else false; fi; \
	} || echo "MariaDB is not there, so its tests are skipped. Debian: apt-get install --no-install-recommends $(MARIADB)" >&2
	@if command -v go >/dev/null; then $(MAKE) -s --no-print-directory build/tidbparse; else false; fi \
		|| echo "TiDB's grammar is not built, so its tests are skipped: that needs Go 1.26 or newer." >&2

build/tidbparse: tools/tidbparse/main.go tools/tidbparse/go.mod tools/tidbparse/go.sum
	@echo "building $@: about a minute the first time"
	@cd tools/tidbparse && CGO_ENABLED=0 go build -trimpath -o ../../$@ .

test-tidb: .venv/.ready test-deps ## run what only a live cluster proves (AUTOIR_TEST_TIDB_DSN=mysql://…/…_test)
	@test -n "$$AUTOIR_TEST_TIDB_DSN" || { echo "Name the cluster: AUTOIR_TEST_TIDB_DSN=mysql://user:password@host:4000/autoir_test make test-tidb" >&2; exit 1; }
	$(BIN)/pytest tests/store/contract tests/store/tidb/test_live.py tests/test_same_on_both.py tests/store/test_switching.py -k "tidb or live or both" $(ARGS)

lint: .venv/.deploy-ready $(UV) ## check style, types and that generated files are fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@echo "checking that generated files are fresh"
	@$(LOCK) --check --quiet || { echo "uv.lock does not match pyproject.toml (or could not be checked: see above): run make lock" >&2; exit 1; }
	@$(EXPORT_ALL) | diff -u requirements.txt - || { echo "requirements.txt is stale: run make requirements" >&2; exit 1; }
	@$(EXPORT_LAMBDA) | diff -u lambdas/requirements.txt - || { echo "lambdas/requirements.txt is stale: run make requirements" >&2; exit 1; }
	$(if $(wildcard autoir/cli/docs.py),$(BIN)/python -m autoir.cli.docs --check)

# Twice, for the same files have to give the same templates; without a network, where the kernel lets us.
OFFLINE = $(shell unshare -rn true 2>/dev/null && echo unshare -rn)
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

synth: .venv/.deploy-ready ## synthesize every stage twice, offline, with all checks (STAGES="stages/dev.toml")
	@rm -rf build/synth
	@for run in 1 2; do $(OFFLINE) $(BIN)/python -m stacks.synthesis build/synth/$$run $(or $(STAGES),$(wildcard stages/*.toml)); done
	@for file in $$(cd build/synth/1 && ls */*.template.json); do cmp build/synth/1/$$file build/synth/2/$$file; done
	@echo "the same templates twice, $(if $(OFFLINE),without,with) a network"

bench: .venv/.ready ## run the benchmarks (BENCH=name for one, ARGS for its options)
	@set -e; for file in $(if $(BENCH),bench/$(BENCH).py,$(wildcard bench/[a-z]*.py)); do \
		echo "== $$file"; PYTHONPATH=. $(BIN)/python "$$file" $(ARGS); done

# The default index, whatever this machine is set to: a lock that names a private mirror works nowhere else.
LOCK := env -u UV_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_DEFAULT_INDEX -u UV_FIND_LINKS $(UV) lock --no-config

lock: $(UV) ## bring uv.lock and requirements.txt up to pyproject.toml (ARGS="--upgrade")
	$(LOCK) $(ARGS)
	@$(MAKE) --no-print-directory requirements

EXPORT := $(UV) export --frozen --no-default-groups --no-emit-project --no-header --no-annotate --quiet
EXPORT_ALL := $(EXPORT) --no-hashes --group deploy
# A function prints for no terminal: what only the commands need stays out of its bundle.
EXPORT_LAMBDA := $(EXPORT) --group lambda --prune rich --prune typer --prune textual

requirements: $(UV) ## export the lock for pip (commands, cdk deploy) and for the functions' bundle
	@$(EXPORT_ALL) > requirements.txt
	@$(EXPORT_LAMBDA) > lambdas/requirements.txt
	@for file in requirements.txt lambdas/requirements.txt; do echo "$$file: $$(grep -c == $$file) packages"; done

clean: ## remove everything that make made, .venv included
	rm -rf .venv .tools build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ready: pyproject.toml uv.lock | python $(UV)
	$(UV) sync --frozen --quiet --inexact --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

# The AWS stacks are a large install that `make demo` has no need of. What runs under Node is unpacked when it is first
# loaded: half a minute that nobody should wait for in a first deployment.
.venv/.deploy-ready: .venv/.ready
	$(UV) sync --frozen --quiet --inexact --group deploy --group lambda
	@$(BIN)/python -c "import aws_cdk" >/dev/null 2>&1 || true
	@touch $@

node_modules/.ready: package-lock.json
	@command -v npm >/dev/null || { echo "the CDK's command line needs Node 20 or newer with npm" >&2; exit 1; }
	npm ci --no-audit --no-fund --silent
	@touch $@

# Beside `autoir`, so that the pinned one is found and none is fetched: npx does where it finds none, and takes 0.8 s.
.venv/bin/cdk: | node_modules/.ready .venv/.ready
	@ln -sf ../../node_modules/.bin/cdk $@

python:
	@command -v $(PYTHON) >/dev/null || { echo "AutoIR needs Python 3.11 or newer, and '$(PYTHON)' is not there. Name one: make PYTHON=/path/to/python3 test" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "AutoIR needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12 test" >&2; exit 1; }

# Debian's python3 comes without venv, others without pip: either will do.
.tools/bin/uv: | python
	@echo "installing uv $(UV_VERSION) into .tools"
	@$(PYTHON) -m venv .tools >/dev/null 2>&1 \
		&& .tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
		|| { rm -rf .tools; $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv==$(UV_VERSION); } \
		|| { rm -rf .tools; echo "uv could not be installed: see above. '$(PYTHON)' needs pip or venv (Debian: apt-get install python3-venv), and a package index in reach." >&2; exit 1; }
