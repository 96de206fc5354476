# The few verbs of development. `make help` lists them.

BIND ?= 127.0.0.1:8000
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

.PHONY: run
run: .venv/.run ## Install, migrate, fill an empty database, serve (BIND=127.0.0.1:8000)
	@$(BIN)/crm db upgrade
	@$(BIN)/crm demo --if-empty
	@$(BIN)/crm serve --bind $(BIND)

.PHONY: test
test: .venv/.dev ## Install and pass all tests (ARGS="-k orders" for some)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

.PHONY: check
check: .venv/.dev ## Format, lint and types, without changing a file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.PHONY: format
format: .venv/.dev ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: .venv/.dev ## Measure side by side against peers (needs wrk; see bench/README.md)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --group bench
	$(BIN)/python -m bench $(ARGS)

.PHONY: wheel
wheel: .venv/.dev ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist .

.PHONY: clean
clean: ## Remove the virtual environment and what tools left behind; data in instance/ stays
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Two stamps, so that `make run` does not wait for the tools of the tests.
.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

.venv/.run: .venv/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable ".[crm]"
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable ".[all]" --group dev
	@touch $@ .venv/.run

.PHONY: lock
lock: ## Pin the newest versions that pass into requirements.lock (run the tests before committing)
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-lock/bin/python -m pip install --quiet --editable ".[all]" --group dev --group bench
	{ echo "# The pinned set: every extra and the tools of development. Made by 'make lock'."; \
	  .venv-lock/bin/python -m pip freeze --exclude-editable --exclude pip; } > requirements.lock
	rm -rf .venv-lock
