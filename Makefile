# Front doors of the project. `make` alone lists them.
#
# Every target makes the environment it needs: $(VENV)/.stamp-<extra> stands for "the package and
# that extra are installed as pyproject.toml says" and is made again when pyproject.toml changes.

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
ARGS   ?=
SIZE   ?= hour
MINUTES ?= 60
SEED   ?=
BOARD  ?=
SEEDS  ?= 1
ECP5   := ulx3s ecpix5

PY  := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet install

# The exact build that satisfies the extra `reference` without CUDA (see pyproject.toml); builds
# for other systems than Linux have no CUDA in them and no suffix.
TORCH := $(if $(filter Linux,$(shell uname -s)),torch==2.13.0+cpu,torch==2.13.0)

TEST_STAMPS := $(addprefix $(VENV)/.stamp-,test exchange explore reference synth boards)

# Tools of the environment first: Verilator's makefiles call python3, cocotb calls its own.
export PATH := $(abspath $(VENV))/bin:$(PATH)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help train test sim soak bench study bitstream bitstreams netlist lint clean compiler libpython

help:  ## this list
	@echo "make <target> [PYTHON=python3.12] [JOBS=4] [ARGS='more options of the command']"
	@echo
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile \
	  | while IFS='|' read -r name text; do printf '  make %-10s %s\n' $$name "$$text"; done

train: $(VENV)/.stamp-base compiler  ## build the simulated board and train on handwritten digits
	@$(PY) -m hw.virtual_board.build
	@$(PY) host/train_on_board.py --dataset digits --board sim $(ARGS)

# One thread per worker: the workers already fill the cores.
test: $(TEST_STAMPS) compiler libpython  ## all tests
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	  $(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

sim: $(VENV)/.stamp-test compiler libpython  ## gateware against the golden model, one line per check
	@OMP_NUM_THREADS=1 $(PY) -m pytest tests/cosim -m cosim -v --no-header $(ARGS)

soak: $(VENV)/.stamp-test compiler  ## random networks on all simulated boards: MINUTES=60 [SEED=…]
	@$(PY) -m tests.cosim.soak --minutes $(MINUTES) --jobs $(JOBS) $(addprefix --seed ,$(SEED)) $(ARGS)

bench: $(VENV)/.stamp-base compiler  ## figures: cycles, lane utilisation, speed, link (N-MNIST needed)
	@[ -n "$$TLBPTT_DATA" ] || { \
	  echo "make bench: set TLBPTT_DATA to the folder that holds NMNIST/Train and NMNIST/Test"; \
	  exit 2; } >&2
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PY) -m host.bench $(ARGS)

study: $(VENV)/.stamp-base  ## accuracy over k and n, golden and float, SIZE=hour or night (N-MNIST needed)
	@[ -n "$$TLBPTT_DATA" ] || { \
	  echo "make study: set TLBPTT_DATA to the folder that holds NMNIST/Train and NMNIST/Test"; \
	  exit 2; } >&2
	@$(PY) -m host.study run --size $(SIZE) --workers $(JOBS) $(ARGS)

bitstream: $(VENV)/.stamp-synth $(VENV)/.stamp-boards  ## bitstream of a board: BOARD=ulx3s [SEEDS=1,2,3] (list: python -m boards list)
	@[ -n "$(BOARD)" ] || { \
	  echo "make bitstream: name a board with BOARD=..."; $(PY) -m boards list; exit 2; } >&2
	@$(PY) -m boards build --board $(BOARD) --seeds $(SEEDS) --jobs $(JOBS) $(ARGS)

bitstreams: $(VENV)/.stamp-synth $(VENV)/.stamp-boards  ## bitstreams of all ECP5 boards in full size, half an hour and more each
	@for board in $(ECP5); do \
	  $(PY) -m boards build --board $$board --seeds $(SEEDS) --jobs $(JOBS) $(ARGS) || exit; done

netlist: $(VENV)/.stamp-synth $(VENV)/.stamp-test compiler  ## what yosys makes of a board's accelerator against golden: BOARD=ulx3s
	@[ -n "$(BOARD)" ] || { echo "make netlist: name a board with BOARD=, such as ulx3s or arty_a7"; exit 2; } >&2
	@OMP_NUM_THREADS=1 $(PY) -m tests.netlist --board $(BOARD) $(ARGS)

lint: $(VENV)/.stamp-lint  ## style (ruff) and types (mypy)
	@$(PY) -m ruff check --quiet . && style=0 || style=1; \
	  $(PY) -m mypy --no-error-summary && exit $$style

clean:  ## remove what was built; environment and runs stay
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# ---- environment -------------------------------------------------------------------------------

$(PY):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "No $(PYTHON) found: install Python 3.10 or later, or name it: make PYTHON=..."; \
	  exit 2; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), Python 3.10 or later is needed: make PYTHON=..."; \
	  exit 2; } >&2
	@echo "Making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make an environment (Debian and Ubuntu: install python3-venv)"; \
	  exit 2; } >&2

$(VENV)/.stamp-base: pyproject.toml | $(PY)
	@echo "Installing the package"
	@$(PIP) --editable .
	@touch $@

# torch alone may be missing: without its CPU build the tests that compare with it are skipped and
# say so, which is better than a download of gigabytes. Installed first, it satisfies the extra.
$(VENV)/.stamp-reference: pyproject.toml | $(PY)
	@echo "Installing the extra reference"
	@if $(PY) -c 'import importlib.metadata as m, sys; \
	    sys.exit(m.version("torch").partition("+")[0] != "2.13.0")' 2>$(VENV)/torch.log \
	  || $(PIP) '$(TORCH)' 2>$(VENV)/torch.log; then \
	  $(PIP) --editable '.[reference]' && touch $@; \
	else \
	  echo "The package index has no $(TORCH) for this Python: tests against torch are skipped."; \
	  echo "To run them, add PyTorch's index of CPU builds to pip's configuration, or install"; \
	  echo "torch 2.13.0 into $(VENV) yourself (reasons in $(VENV)/torch.log)."; \
	fi >&2

$(VENV)/.stamp-%: pyproject.toml | $(PY)
	@echo "Installing the extra $*"
	@$(PIP) --editable '.[$*]'
	@touch $@ $(VENV)/.stamp-base

# ---- tools of the system -----------------------------------------------------------------------

compiler:
	@for tool in g++ make; do command -v $$tool >/dev/null || { \
	  echo "No $$tool found, Verilator needs it (Debian and Ubuntu: install g++ and make)"; \
	  exit 2; } >&2; done

# cocotb runs Python inside the simulator's process and so needs it as a shared library.
libpython: $(VENV)/.stamp-test
	@[ -n "$$($(PY) -m find_libpython)" ] || { \
	  echo "$(PY) has no shared library, cocotb needs it (Debian and Ubuntu: install libpython3-dev)"; \
	  exit 2; } >&2
