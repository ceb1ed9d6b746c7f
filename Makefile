.DEFAULT_GOAL := help
.PHONY: help setup demo dev test soak mutants bench check format new-connector preview truncation package screenshots deploy lock clean

# Any Python from 3.11 on. It only makes .venv; all else runs from there.
PYTHON ?= python3
IN_VENV := .venv/bin/python -m
# Else each process compiles all that it imports, wherever bytecode is not to be written.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode
SCRIPTS := worker/dashboard/*.js worker/dashboard/*.css
WITH_NODE := PATH="$(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$$PATH"

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install all that is needed, from the locks; the other recipes do it by themselves
	@command -v $(PYTHON) >/dev/null || { echo "setup: there is no $(PYTHON): install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m dev.setup

demo: setup ## Sync a real source into a local Glean and compare; CRASH=5 kills the runtime five times
	@$(IN_VENV) dev.demo $(if $(CRASH),--crash $(CRASH)) $(if $(SEED),--seed $(SEED))

dev: setup ## Keep the Worker, its connectors' sources and a local Glean alive; CONNECTOR=name runs it alone
	@$(IN_VENV) dev.live $(if $(CONNECTOR),--connector '$(CONNECTOR)')

test: setup ## Run the tests; ARGS="-k cron" chooses some
	@$(IN_VENV) dev.chromium
	@$(IN_VENV) dev.prometheus
	@$(IN_VENV) pytest --numprocesses auto $(ARGS)

soak: setup ## Let faults, kills and people loose on the real runtime; MINUTES=10, SEED=
	@$(IN_VENV) dev.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

mutants: setup ## Plant bugs in durable/, one at a time, and have the whole simulation catch each
	@WHOLE=1 $(IN_VENV) pytest --numprocesses auto tests/simulation/test_mutants.py $(ARGS)

bench: setup ## Measure it beside others and write docs/performance.md; or QUICK=1, LONG=1
	@$(IN_VENV) bench $(if $(QUICK),--quick) $(if $(LONG),--long)

check: setup ## Lint, check the format, the types and the configuration, and rehearse the deployment
	@$(IN_VENV) ruff check
	@$(IN_VENV) ruff format --check
	@$(WITH_NODE) prettier --check --log-level warn $(SCRIPTS)
	@$(IN_VENV) mypy
	@$(IN_VENV) dev.configuration
	@$(IN_VENV) dev.rehearsal

format: setup ## Format the code
	@$(IN_VENV) ruff format
	@$(WITH_NODE) prettier --write --log-level warn $(SCRIPTS)

new-connector: setup ## Write a connector and its test from a template; NAME=my-tickets
	@$(IN_VENV) dev.new_connector '$(NAME)'

preview: setup ## Show documents of the live source, without Glean; CONNECTOR=, LIMIT=20, MODE=FULL, SINCE=, RECORD=
	@$(IN_VENV) dev.preview --connector '$(CONNECTOR)' $(if $(LIMIT),--limit '$(LIMIT)') \
		$(if $(MODE),--mode '$(MODE)') $(if $(SINCE),--since '$(SINCE)') $(if $(RECORD),--record '$(RECORD)')

truncation: setup ## Read broken sources, also with Glean's own SDK, and write docs/truncation.md
	@$(IN_VENV) dev.truncation

package: setup ## Make the production package without sending it, and show its size
	@$(IN_VENV) dev.package

screenshots: setup ## Take the pictures of the dashboard anew, docs/images
	@$(IN_VENV) dev.chromium
	@$(IN_VENV) dev.screenshots

deploy: setup ## Deploy to Cloudflare; ARGS= goes to wrangler
	@$(IN_VENV) dev.deploy $(ARGS)

lock: setup ## Resolve the locks again; ARGS=--upgrade takes newer versions
	@$(IN_VENV) dev.lock $(ARGS)

clean: ## Remove all that was installed, built or stored here
	rm -rf .venv .venv-workers .cache .wrangler node_modules python_modules build pylock.toml
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
