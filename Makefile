# make speak: a first sound. make test: every check. Both make .venv, and bring it up to date when what it is made from changes.
PYTHON ?= python3
SENTENCE ?= Hello! This is the sound of a voice that was made by hand.
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
TOOLS := $(VENV)/tools-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: speak test soak lint bench clean

speak: $(INSTALLED)
	$(BIN)/qwen3tts synth "$(SENTENCE)" -o speak.wav
	@echo "Listen to $(CURDIR)/speak.wav"

test: $(TOOLS)
	$(BIN)/python -m pytest -m "not soak"

soak: $(TOOLS)
	$(BIN)/python -m pytest -m soak

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(TOOLS)
	$(BIN)/python -m pytest bench --benchmark-only

clean:
	rm -rf build dist *.egg-info qwen3tts/_C.*.so speak.wav $(INSTALLED) $(TOOLS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

$(INSTALLED): setup.py pyproject.toml constraints.txt $(shell find csrc -type f)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
	    { echo "$(PYTHON) is not Python 3.10 or newer: name one that is, as in make PYTHON=python3.12" >&2; exit 1; }
	@command -v $${CXX:-g++} >/dev/null || { echo "no C++ compiler: install g++, or name one, as in make CXX=clang++" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt setuptools pybind11
	$(PIP) install -q -c constraints.txt --no-build-isolation -e .
	@touch $@

# What tests and benches need beside it, Triton above all, is several times as much.
$(TOOLS): $(INSTALLED)
	$(PIP) install -q -c constraints.txt --no-build-isolation -e ".[test]"
	@touch $@
