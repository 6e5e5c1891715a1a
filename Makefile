# The commands of the project. Needs only Python ≥ 3.11 with pip and venv, and make; everything else goes to .venv.
PYTHON ?= python3
PROFILE ?= laptop
# nproc takes OMP_NUM_THREADS for the number of cores
CORES ?= $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
PARAMETERS ?=
SNAKEMAKE ?=
OMP_NUM_THREADS ?= 1
BIN := .venv/bin
export PROFILE CORES PARAMETERS SNAKEMAKE OMP_NUM_THREADS # recipes read them as variables of the shell: no quoting can go wrong

# another interpreter asked for than that of .venv: then that is made anew
VERSION := -c 'import sys; print(sys.implementation.cache_tag, *sys.version_info[:3])'
ifeq ($(origin PYTHON),command line)
ifneq ($(wildcard .venv/installed),)
ifneq ($(shell $(PYTHON) $(VERSION) 2>/dev/null),$(shell $(BIN)/python $(VERSION) 2>/dev/null))
ANEW := --clear
.venv/installed: anew
endif
endif
endif

.PHONY: anew help book claims reference archive links test test-fast lint lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16
	@echo "  e.g. make book PROFILE=smoke CORES=2 PARAMETERS=\"04_merge_hospitals.replicates=5\""

book: .venv/installed ## run what is missing and build the book [PROFILE=smoke|laptop|paper] [CORES=n] [PARAMETERS="chapter.name=value …"]
	@$(BIN)/ddbook book --profile "$$PROFILE" --cores "$$CORES" --parameters "$$PARAMETERS" --snakemake "$$SNAKEMAKE"

claims: .venv/installed ## the verdicts on the claims, from the finished run; fails if one is worse than on record [PROFILE=…]
	@$(BIN)/ddbook claims --profile "$$PROFILE"

reference: .venv/installed ## run the paper profile where that is missing, and copy its results to reference/ [CORES=n] [PARAMETERS=…]
	@$(BIN)/ddbook reference --cores "$$CORES" --parameters "$$PARAMETERS" --snakemake "$$SNAKEMAKE"

archive: .venv/installed ## pack the finished book into one file to download, with its checksum [PROFILE=…]
	@$(BIN)/ddbook archive --profile "$$PROFILE"

links: .venv/installed ## follow the finished book's links to other sites: needs a network [PROFILE=…]
	@$(BIN)/ddbook links --profile "$$PROFILE"

test-fast: .venv/installed ## run the tests of the library: no notebooks, browser or cluster
	$(BIN)/pytest -n "$$CORES" --dist worksteal tests/ddlib tests/test_architecture.py tests/test_documents.py ddlib

test: .venv/installed ## run the tests
	$(BIN)/pytest -n "$$CORES" --dist worksteal # the notebooks come last and take longest

lint: .venv/installed ## check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

.venv/installed: requirements.lock pyproject.toml ddbook/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ddlib needs Python 3.11 or newer: make … PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Installing into .venv, a few minutes the first time (log: .venv/install.log)"
	@$(PYTHON) -m venv $(ANEW) .venv
	@{ $(BIN)/pip install -r requirements.lock && $(BIN)/pip install --no-deps --no-build-isolation -e . -e ./ddbook; } > .venv/install.log 2>&1 \
		|| { tail -20 .venv/install.log; exit 1; }
	@touch $@

lock: ## resolve the newest versions that pyproject.toml allows into requirements.lock
	@sh .ci/lock $(PYTHON)

clean: ## remove what was built; the environment stays
	rm -rf _build .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis
