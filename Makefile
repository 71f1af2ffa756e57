# The commands of this project. PYTHON=/path/to/python chooses the interpreter (3.11 or newer).

PYTHON ?=
export PYTHON
DEMO_OUT ?= demo_out
UV := uv==0.13.9
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check lock clean prerequisites venv \
	check-lint check-format check-types check-layers check-doctests

help:
	@echo "make demo    the main job on the sample data, into $(DEMO_OUT)/"
	@echo "make test    every test (ARGS='tests/unit -k name' for some)"
	@echo "make check   lint, format, types, import layers, doctests"
	@echo "make lock    write requirements.lock anew from pyproject.toml (UPGRADE=1 for newer releases)"
	@echo "make clean   remove virtual environments, caches and the demo's output"

prerequisites:
	@scripts/check_prerequisites.sh --quiet

venv: prerequisites
	@scripts/make_venv.sh .venv

demo: venv
	@$(BIN)/icp-ml demo --out $(DEMO_OUT)

test: venv
	@scripts/setup_tests.sh
	@scripts/run_tests.sh $(ARGS)

# Every part runs, whichever fails, so that one run shows all that is wrong.
check: venv
	@$(MAKE) --no-print-directory --keep-going check-lint check-format check-types check-layers check-doctests

check-lint:
	$(BIN)/ruff check --output-format concise .

check-format:
	$(BIN)/ruff format --check --output-format concise .

check-types:
	$(BIN)/mypy

check-layers:
	$(BIN)/lint-imports

check-doctests:
	$(BIN)/python -m pytest -q icp_ml

lock: prerequisites
	@test -x .venv-lock/bin/uv || "$$(scripts/find_python.sh)" -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet --quiet '$(UV)'
	.venv-lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest \
		--extra dev --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" \
		$(if $(UPGRADE),--upgrade) --output-file requirements.lock

clean:
	rm -rf .venv .venv-* $(DEMO_OUT) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
