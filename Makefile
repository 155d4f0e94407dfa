# Zhibu. `make help` lists what there is to run.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PORT ?= 8000
DEMO ?= 1
SCALE ?= small
ARGS ?=
BIN := .venv/bin

.PHONY: help setup setup-tests setup-soak run demo test soak bench check lint contracts types migrations format lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Options: PORT=8000  DEMO=0 (a real, empty installation)  SCALE=small|school|province  ARGS='pytest options'"

setup: ## Install what running needs (every target does it by itself)
	@deploy/setup.sh

setup-tests:
	@deploy/setup.sh --tests

setup-soak:
	@deploy/setup.sh --soak

run: ## Start the product: web and worker, until Ctrl-C
	@PORT=$(PORT) DEMO=$(DEMO) exec deploy/run.sh

demo: setup ## Throw the demo database away and fill a new one
	@rm -rf var/demo.sqlite3* var/demo-files var/demo-queue var/demo-clock-offset var/demo-ballot-keys
	@ZHIBU_DEMO=1 $(BIN)/python manage.py migrate --verbosity 0
	@ZHIBU_DEMO=1 $(BIN)/python manage.py demo --scale $(SCALE)

# Tests start many processes: each would compile the product anew where bytecode is not kept.
test soak: export PYTHONDONTWRITEBYTECODE =
PYTEST := $(BIN)/pytest -n 2 --dist worksteal

test: setup-tests ## Run every test on SQLite, then those that touch database or queue on PostgreSQL and Redis
	@failed=; \
	echo "== SQLite and the filesystem broker"; \
	$(PYTEST) $(ARGS) || failed=" SQLite"; \
	echo "== PostgreSQL and Redis"; \
	$(BIN)/python -m tests.servers $(PYTEST) -m "(db or queue or e2e_pg) and not soak" $(ARGS) || failed="$$failed PostgreSQL"; \
	if [ -n "$$failed" ]; then echo "== Tests failed on:$$failed (see above)"; exit 1; fi

soak: setup-soak ## Break workers, broker, disk and documents on purpose, on both installations (up to 45 minutes)
	@code=0; \
	echo "== SQLite and the filesystem broker"; \
	$(BIN)/pytest -m soak $(ARGS) || code=1; \
	echo "== PostgreSQL and Redis"; \
	$(BIN)/python -m tests.servers $(BIN)/pytest -m soak $(ARGS) || code=1; \
	exit $$code

bench: setup-tests ## Measure, print a table, write var/bench.json
	@$(BIN)/python -m bench

check: setup-tests ## Everything that must be green: lint, import contracts, types, migrations, tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync --keep-going lint contracts types migrations
	@$(MAKE) --no-print-directory test

lint: setup-tests ## Check style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

contracts: setup-tests ## Check the direction of imports
	@$(BIN)/lint-imports

types: setup-tests ## Check types
	@$(BIN)/mypy

migrations: setup-tests ## Check that no model change lacks its migration
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
		ZHIBU_VAR="$$scratch" $(BIN)/python manage.py makemigrations --check --dry-run

format: setup-tests ## Format the code and mend what can be mended by rule
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: setup ## Refresh requirements.txt from pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header \
		--upgrade --quiet -o requirements.txt

clean: ## Remove what tools left behind (never data under var/)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis var/static var/bench.json
	@find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
