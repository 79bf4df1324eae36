# Everything a person does here, each line one that could be typed.
# The targets make their own virtual environment, so a fresh machine needs only Python and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo up down test check torture faults bench bench-tail bench-live bench-commit bench-release bench-audit bench-dashboard clean

demo: .venv/demo  ## the whole thing on this machine, without Docker: http://app.localhost:8000
	$(BIN)/python -m waitroom demo

up:  ## the compose stack: http://app.localhost:8000
	docker compose up -d --build

down:  ## end it; the recorded activity stays in its volume
	docker compose down

test: .venv/test  ## all tests; Docker and browser tests run where an engine and a chromium are
	$(BIN)/python -m pytest -n 4 --dist=loadgroup  # they mostly wait, so more than there are cores

torture: .venv/test  ## 100 logs of 50,000 lines, rotated in every way under kill -9; takes minutes
	TORTURE_RUNS=100 TORTURE_LINES=50000 $(BIN)/python -m pytest tests/torture

faults: .venv/test  ## kill -9, disks, clocks, networks, odd input, a soak; takes over an hour, one table at the end
	FAULT_CYCLES=200 FAULT_KILLS=60 FAULT_DAMAGES=20 FAULT_FSYNC_S=2 FAULT_PAUSE_S=60 FAULT_SLOW_S=10 \
	  FAULT_LONG_S=180 FAULT_INPUTS=250000 FAULT_SOAK_S=3600 FAULT_HOSTS=50 \
	  $(BIN)/python -m pytest -n 3 --maxschedchunk=1 tests/faults tests/waitroom/test_public.py

bench: .venv/test  ## all figures of BENCHMARKS.md that are compared to an aim, in one table; a quarter of an hour
	$(BIN)/python -m tests.bench

bench-tail: .venv/test  ## the same log through ours, wc, GoAccess, mtail and jq (those that are here)
	$(BIN)/python tests/bench/tail_throughput.py

bench-live: .venv/test  ## what recording 15,000 lines a second costs, and how soon one line is recorded
	$(BIN)/python tests/bench/tail_live.py

bench-commit: .venv/test  ## what a commit of 10,000 changed hosts takes
	$(BIN)/python tests/bench/commit_hosts.py

bench-audit: .venv/test  ## what an audit of a year of 100 hosts takes, a million events
	$(BIN)/python -m tests.bench.audit_year

bench-dashboard: .venv/test  ## what the dashboard's answers take on that year
	$(BIN)/python -m tests.bench.dashboard_year

bench-release: .venv/test  ## a million requests to a real Traefik, whose log nobody rotates: the disk it takes
	TORTURE_REQUESTS=1000000 $(BIN)/python -m pytest -q -s tests/torture/test_real_traefik.py -k disk

check: .venv/dev  ## formatting, lint, types, import contracts, dead code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

.venv/demo .venv/test .venv/dev: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"  # the first that knows --group
	$(BIN)/python -m pip install --quiet -r requirements.txt --group $(@F)
	@touch $@

clean:
	rm -rf .venv .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
