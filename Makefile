# The two that matter: `make demo` and `make test`. Each sets up all it needs in .venv first.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
TYPESCRIPT := typescript@5.9.3

.PHONY: help setup demo test check bench evals lock format clean

help: ## What can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## .venv with everything pinned; does nothing when nothing changed
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not there. Install Python 3.11 or newer, or call: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) assistant/bootstrap.py

demo: setup ## The demo shop on http://127.0.0.1:8000
	@$(BIN)/tellonce demo --port $(PORT)

test: setup ## Every test this machine can run; says what it skipped and why
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: setup ## Formatter, linter, types, import floors, documentation
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_floors.py tests/docs
	@if command -v npx >/dev/null; then npx --yes -p $(TYPESCRIPT) tsc -p assistant/web/jsconfig.json; \
	else echo "skipped: the types of the web pages (npx is not there; install Node.js)"; fi

bench: setup ## The benchmarks, each beside its baseline
	@$(BIN)/python -m evals.speed

evals: setup ## The evaluation suites, with an HTML report; fails when something got worse
	@$(BIN)/tellonce evals run --report evals/reports/latest.html

format: setup ## Formats and sorts imports
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup ## Resolves the newest versions into requirements.lock
	@$(BIN)/python -m uv pip compile --upgrade --universal --python-version 3.11 --no-annotate --quiet \
	  --no-emit-package torch --extra dev --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## Removes what was made here (not your data)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis evals/reports
