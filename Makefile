# Every target sets up what it needs: a virtual environment in .venv with the package and its tools.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test check lint types format docs man peers bench soak torture deb systemd image clean
help:  ## say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml ingestd/__init__.py
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed. On Debian 12: sudo apt install python3 python3-venv; or: make PYTHON=python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make a virtual environment. On Debian: sudo apt install python3-venv"; exit 1; }
	@echo "setting up $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP)  ## the whole thing on this machine, without a key: real clips become searchable
	$(BIN)/ingestd demo

test: $(STAMP)  ## the tests (six to ten minutes on two cores)
	$(BIN)/python -m pytest -n 2

soak: $(STAMP)  ## simulated schedules with every fault (SECONDS=60, SEEDS=1000, FROM=0, SHOW=seed)
	cd tests && ../$(BIN)/python -m soak $(if $(SHOW),--show $(SHOW),$(if $(SEEDS),--seeds $(SEEDS),--seconds $(or $(SECONDS),60)) --from $(or $(FROM),0))

torture: $(STAMP)  ## real daemons killed and cut off (KILLS=500, LANES=3), then answers lost in every way
	cd tests && ../$(BIN)/python -m torture --kills $(or $(KILLS),500) --lanes $(or $(LANES),3) --seed $(or $(SEED),0)
	cd tests && ../$(BIN)/python -m torture --losses --lanes $(or $(LANES),3)

check: $(STAMP) lint types  ## ruff and mypy --strict
lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
types: $(STAMP)
	$(BIN)/mypy
format: $(STAMP)  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

man: $(STAMP)  ## write the manual page and the short helps from the commands
	$(BIN)/python -m ingestd.cli.manual short > short_helps.new && mv short_helps.new ingestd/cli/short_helps.py
	$(BIN)/python -m ingestd.cli.manual manual > docs/ingestd.1

docs: $(STAMP)  ## draw the state diagram from the transition table
	$(BIN)/python -m ingestd.lifecycle > docs/states.md

peers: $(STAMP)  ## ingestd on real NFS, SMB, vfat, dead servers, a failing disk (root; builds a small Debian once)
	bash tests/peers/run.sh $(BIN)/python

bench: $(STAMP)  ## benchmarks, interleaved, as ratios (see docs/performance.md)
	$(BIN)/python benchmarks/run.py $(if $(QUICK),--quick)

ARCH ?= $(shell dpkg --print-architecture 2>/dev/null)
deb: $(STAMP)  ## a package for Debian 12 in dist/ (ARCH=amd64 or arm64, on any machine)
	PYTHON=$(BIN)/python .packaging/deb/build $(ARCH)

systemd: deb  ## the package and the unit through their life under a real systemd (needs root)
	.ci/systemd/test

ENGINE ?= $(shell command -v docker || command -v podman || command -v buildah)
image:  ## the container image, by docker, podman or buildah (BASE=... for another Debian 12); tried by .ci/container/test
	$(ENGINE) build $(if $(findstring docker,$(ENGINE)),,--format docker) $(if $(BASE),--build-arg BASE=$(BASE)) \
		-f .packaging/container/Containerfile -t ingestd .

clean:  ## remove the environment and what tools left behind
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/work
