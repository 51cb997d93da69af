# Two commands matter: `make demo` runs the main job, `make test` runs the tests.
# Each sets up what it needs in .venv first, and does so only once.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP_INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint bench bench-simulate bench-events bench-delays clean

demo: .venv/.demo
	@.venv/bin/neuro run digits --out runs/digits --json

test: .venv/.test .bench/brian2/.done .bench/nest/.done
	.venv/bin/python -m pytest -n 2 --dist loadfile --cov=neuro --cov-report=term --cov-fail-under=90

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright

# Peers live in .bench/<peer>, apart from each other: their requirements clash. Those on JAX get the
# newest Python there is, as the newest JAX, which is faster, asks for 3.12.
JAX_PYTHON ?= $(shell for p in python3.13 python3.12 $(PYTHON); do $$p -c '' 2>/dev/null && echo $$p && break; done)
.bench/jax/.done .bench/spyx/.done: PEER_PYTHON = $(JAX_PYTHON)
.bench/%/.done: PEER_PYTHON = $(PYTHON)
PEERS := $(filter-out events dcls,$(basename $(notdir $(wildcard benchmarks/peers/*.txt))))
bench: .venv/.demo $(PEERS:%=.bench/%/.done)
	@.venv/bin/python benchmarks/train.py --json --out benchmarks/train.json

bench-simulate: .venv/.demo .bench/brian2/.done .bench/nest/.done
	@.venv/bin/python benchmarks/simulate.py --json --out benchmarks/simulate.json

bench-events: .venv/.demo .bench/events/.done
	@.venv/bin/python benchmarks/events.py --json --out benchmarks/events.json

bench-delays: .venv/.demo .bench/dcls/.done
	@.venv/bin/python benchmarks/delays.py --json --out benchmarks/delays.json

.bench/%/.done: benchmarks/peers/%.txt constraints.txt
	@echo "Installing $* into .bench/$* (once) ..."
	@$(PEER_PYTHON) -m venv --clear .bench/$*
	@.bench/$*/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r $<
	@touch $@

# Networks run side by side with Brian2 and NEST in the tests, each in its own environment with what
# the simulator of neuro needs: Brian2 fails on NumPy 2.4.
.bench/brian2/.done .bench/nest/.done: pyproject.toml
	@echo "Installing $(@D:.bench/%=%) into $(@D) (once) ..."
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(SIMULATOR) 'coverage>=7.10' -e '.[sim]'
	@touch $@
.bench/brian2/.done: SIMULATOR = 'brian2>=2.9' 'numpy<2.4'
.bench/nest/.done: SIMULATOR = 'nest-simulator>=3.10'

# Each set of packages contains the one before it.
.venv/.demo: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "neuro needs Python 3.11 or newer; set PYTHON=...")'
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (once; a few minutes) ..."
	@$(PIP_INSTALL) -e '.[demo]'
	@touch $@

.venv/.test: .venv/.demo
	@$(PIP_INSTALL) -e '.[test]'
	@touch $@

.venv/.dev: .venv/.test
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv runs dist build .pytest_cache .ruff_cache .hypothesis
