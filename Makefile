# The commands of development. `make help` lists them.

BIND ?= 127.0.0.1:8000
PYTHON ?= python3
BIN := .venv/bin
VERSION = $(shell $(PYTHON) -c "import sys; print('%d.%d' % sys.version_info[:2])")

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.PHONY: run
run: .venv/.run ## Install, migrate, fill an empty database, serve (BIND=127.0.0.1:8000)
	@$(BIN)/crm db upgrade
	@$(BIN)/crm demo --if-empty
	@$(BIN)/crm serve --bind $(BIND)

# Tests start many programs: each would compile all modules if none might keep the result.
# In their order by name the last files are short; ordered by their number of tests, a file of
# one long test would come last, and all other workers would wait for it.
.PHONY: test
test: export PYTHONDONTWRITEBYTECODE :=
test: .venv/.dev ## Install and pass all tests (ARGS="-k orders" for some)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: test-lowest
test-lowest: ## Pass the tests of the kit with the lowest declared version of each dependency (ARGS=FILE for some)
	$(PYTHON) -m tests.versions.matrix --bounds lowest --pythons $(VERSION) $(ARGS)

.PHONY: test-newest
test-newest: ## Pass them with the newest allowed version of each dependency
	$(PYTHON) -m tests.versions.matrix --bounds newest --pythons $(VERSION) $(ARGS)

.PHONY: test-matrix
test-matrix: ## Pass them with both, on each Python from 3.11 on that this machine has
	$(PYTHON) -m tests.versions.matrix $(ARGS)

.PHONY: check
check: .venv/.dev ## Format, lint and types, without changing a file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.PHONY: format
format: .venv/.dev ## Format the code and fix the findings that the linter can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: features
features: .venv/.dev ## Write the tests of each feature into docs/features.md
	$(BIN)/python -m tests.policies.features

.PHONY: docs
docs: .venv/.dev ## Build the site of guides and reference pages into build/docs
	$(BIN)/python -m sphinx --fail-on-warning --quiet --builder html docs build/docs
	$(BIN)/python -m tests.policies.site build/docs
	@echo "Open build/docs/index.html"

.PHONY: pictures
pictures: .venv/.dev ## Take the pictures of the guide for salespeople again, in each of its languages
	$(BIN)/python -m tests.browser.guide

.PHONY: tables
tables: .venv/.dev ## Write the tables of docs/configuration.md and docs/checks.md
	$(BIN)/python -m tests.policies.configuration
	$(BIN)/python -m tests.policies.checks

.PHONY: parity
parity: .venv/.dev ## List the public names of the newest Flask extensions, and compare (ARGS=--offline: of the last time)
	$(BIN)/python -m tests.parity.table $(ARGS)

.PHONY: texts
texts: .venv/.dev ## Collect the texts of the CRM into its catalogues, and name those without a translation
	@$(BIN)/python -m tests.crm.languages.catalogs

.PHONY: bench
bench: .venv/.dev ## Measure side by side against peers (needs wrk; see bench/README.md)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --group bench
	$(BIN)/python -m bench $(ARGS)

.PHONY: wheel
wheel: .venv/.dev ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist .

.PHONY: clean
clean: ## Remove the virtual environment and what tools left behind; data in instance/ stays
	rm -rf .venv .venv-lowest* .venv-newest* .venv-parity dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

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
