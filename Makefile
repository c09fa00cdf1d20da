# Everything that a fresh machine with Python >= 3.10 (with venv) and make needs. Windows: see README.md.
PYTHON ?= python3
VENV ?= .venv
# Options for pip, e.g. an index with CPU-only builds of torch.
PIP_OPTIONS ?=
# How many processes share the tests; a file of tests stays in one of them. More than two gain little: two files are long.
TEST_PROCESSES ?= 2

RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --disable-pip-version-check --constraint constraints.txt $(PIP_OPTIONS)
# Those that fit any machine; peers.py, gpu_suite.py and mixed.py (ten minutes) are run by hand.
BENCHMARKS := throughput limits latency hybrid memory cache near_duplicates chat_speed embeddings_server $(basename $(notdir $(wildcard benchmarks/budgets.py benchmarks/multi_gpu.py)))
SOURCES := hybrid_embeddings integrations rag_demo tests benchmarks docs deploy

.PHONY: demo test test-long check docs bench setup format clean

demo: $(VENV)/.demo  ## index the bundled 1C configuration and answer three questions
	$(RUN) -m rag_demo demo

test: $(VENV)/.dev  ## all tests that this machine can run
	$(RUN) -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

test-long: $(VENV)/.dev  ## the tests that take minutes: many kills, a soak, large inputs
	$(RUN) -m pytest -m long

check: $(VENV)/.dev  ## format, lint, types, import rules
	$(RUN) -m ruff format --check $(SOURCES)
	$(RUN) -m ruff check $(SOURCES)
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/.dev  ## build the documentation into site/; warnings are errors
	$(RUN) docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	@echo "open site/index.html"

bench: $(VENV)/.dev  ## measure, and write docs/results
	for name in $(BENCHMARKS); do $(RUN) benchmarks/$$name.py --json docs/results/$$name.json || exit 1; done
	$(RUN) benchmarks/results_table.py

setup: $(VENV)/.dev  ## only install

format: $(VENV)/.dev
	$(RUN) -m ruff format $(SOURCES)
	$(RUN) -m ruff check --fix $(SOURCES)

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(RUN):
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(RUN)
	$(PIP) --editable ".[cpu,offline,rag,web]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(RUN)
	$(PIP) --editable ".[all,dev]"
	@touch $@ $(VENV)/.demo
