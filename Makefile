# What each command does is in its line of `make help`.
# .venv is made from requirements.lock, and again when the lock or pyproject.toml changes.
.DEFAULT_GOAL := help
.PHONY: help run test bench lint format lock clean venv provision

BIN := .venv/bin
STAMP := .venv/.made

help: ## these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv from the lock

$(STAMP): requirements.lock pyproject.toml scripts/make-venv
	@PYTHON='$(PYTHON)' scripts/make-venv
	@touch $@

run: $(STAMP) ## the demonstration: database, broker, estate, simulated homes, console
	@exec $(BIN)/threshold demo

test: $(STAMP) lint provision ## lint, install what the tests need, run the whole suite
	@$(BIN)/pytest -n 4 --dist loadgroup $(PYTEST_ARGS)

provision: ## install the servers that the tests need (root or sudo; quick when they are there)
	@$(BIN)/python scripts/provision

bench: $(STAMP) provision ## the benchmarks: a table, and bench.json
	@$(BIN)/python -m benchmarks

lint: $(STAMP) ## ruff, mypy --strict, import-linter
	@echo "ruff check"; $(BIN)/ruff check -q .
	@echo "ruff format"; $(BIN)/ruff format -q --check .
	@echo "mypy --strict"; $(BIN)/mypy --no-error-summary
	@echo "import-linter"; $(BIN)/lint-imports --no-logo >.import_linter.log || { cat .import_linter.log; exit 1; }

format: $(STAMP) ## ruff's formatting and safe fixes
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

lock: ## resolve requirements.lock anew (needs network; uv is fetched into a scratch folder)
	@scripts/make-lock

clean: ## remove .venv, caches and the demonstration's data
	@rm -rf .venv .threshold .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
	    .import_linter.log bench.json dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
