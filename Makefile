# Two commands do it all: make demo, make test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
TOOLS  := $(VENV)/.installed-for-tests
SECONDS ?=

.PHONY: demo test bench coach-report lint dashboards servers clean

demo: $(READY)
	@$(BIN)/hamstream demo $(if $(SECONDS),--seconds $(SECONDS))

test: $(TOOLS) servers lint
	$(BIN)/python -m pytest

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What the coach says to every simulated fault, and in ten hours without one: some minutes.
coach-report: $(TOOLS)
	@$(BIN)/python -m tests.benchmarks.coach_report --hours 10
	@$(BIN)/python -m tests.benchmarks.effects_report
	@$(BIN)/python -m tests.benchmarks.turned_report

bench: $(TOOLS)
	@for script in tests/benchmarks/bench_*.py; do \
		echo "== $$script"; $(BIN)/python -m tests.benchmarks.$$(basename $$script .py); done

# Grafana's JSON, out of its Python sources.
dashboards: $(TOOLS)
	$(BIN)/python -m dashboards

# The real servers and the browser that tests drive. Only Debian as root can install them; tests skip what is absent.
servers:
	@sh tests/install_servers.sh

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hamstream needs Python 3.11 or newer; call make PYTHON=python3.x"; exit 1; }
	@echo "Installing hamstream into $(VENV) (a minute or two, once) ..."
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "python3-venv is missing: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(TOOLS): $(READY)
	@echo "Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
