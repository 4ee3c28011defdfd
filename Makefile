# make speak: a first sound. make test: every check, two files at a time in the order of their names (by number of tests, files with
# few and slow ones would come last, and one worker would wait), for which the emulated GPU is built beforehand. Both make
# .venv, and bring it up to date when what it is made from changes. make soak: the long checks, minutes each.
# make sanitize: the tests of the extension and of the codec, with the extension and its emulated GPU built anew to watch addresses
# and undefined behaviour (g++'s sanitizers); the first finding ends it.
PYTHON ?= python3
SENTENCE ?= Hello! This is the sound of a voice that was made by hand.
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
TOOLS := $(VENV)/tools-installed
RAY := $(VENV)/ray-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

SANITIZED := build/sanitize
SANITIZERS := -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
# Python itself is not built with them: their library, and what it has to know of C++ exceptions, has to be there first.
PRELOAD = $(foreach name,libasan.so libstdc++.so,$(shell g++ -print-file-name=$(name)))

.PHONY: speak test soak sanitize lint bench clean

speak: $(INSTALLED)
	$(BIN)/qwen3tts synth "$(SENTENCE)" -o speak.wav
	@echo "Listen to $(CURDIR)/speak.wav"

test: $(TOOLS)
	@$(BIN)/python tests/csrc/emulated.py > /dev/null
	$(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile --no-loadscope-reorder

soak: $(TOOLS) $(RAY)
	$(BIN)/python -m pytest -m soak

sanitize: $(TOOLS)
	QWEN3TTS_CUDA=0 CXX=g++ CFLAGS="$(SANITIZERS)" CXXFLAGS="$(SANITIZERS)" LDFLAGS="$(SANITIZERS)" \
	    $(BIN)/python setup.py -q build --build-base $(SANITIZED) --build-lib $(SANITIZED)/lib
	CXX=g++ CXXFLAGS="$(SANITIZERS)" $(BIN)/python tests/csrc/emulated.py
	CXX=g++ CXXFLAGS="$(SANITIZERS)" PYTHONPATH=$(SANITIZED)/lib LD_PRELOAD="$(PRELOAD)" ASAN_OPTIONS=detect_leaks=0 \
	    UBSAN_OPTIONS=print_stacktrace=1 $(BIN)/pytest --capture=sys -p no:cacheprovider -m "not soak" tests/csrc tests/native tests/codec

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(TOOLS)
	$(BIN)/python -m pytest bench --benchmark-only

clean:
	rm -rf build dist *.egg-info qwen3tts/_C.*.so speak.wav $(INSTALLED) $(TOOLS) $(RAY) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

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

# Ray is as large again, and only the long tests of its deployment need it.
$(RAY): $(TOOLS)
	$(PIP) install -q -c constraints.txt --no-build-isolation -e ".[ray]"
	@touch $@
