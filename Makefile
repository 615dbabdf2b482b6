# make run: train tune2 with 8 seeds and look at the dip.  make test: lint and tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
GOLDEN_DIR ?=
# Test files run side by side; JOBS=0 runs them in one process.
JOBS ?= 2
ARGS ?=

.PHONY: run test test-slow test-golden mutants lint format clean

run: $(VENV)/.installed
	$(BIN)/python launch.py --experiment=tune2 --num_seeds=8 --timesteps=100000 $(ARGS)

test: lint
	$(BIN)/python -m pytest -m "not slow" -n $(JOBS) --dist loadfile $(ARGS)

test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow -n $(JOBS) --dist loadfile $(ARGS)

test-golden: $(VENV)/.installed
	GOLDEN_DIR="$(GOLDEN_DIR)" $(BIN)/python -m pytest -m golden $(ARGS)

# Break the code on purpose, change by change, and see that the tests notice: ARGS="--only losses --time_limit=600".
mutants: $(VENV)/.installed
	$(BIN)/python -m tests.mutants $(ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The package itself is installed as an editable one: `import momentum_jax` works from any folder.
$(VENV)/.installed: requirements.txt pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

clean:
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache
