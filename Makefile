# make install install only, to draw with the pretrained model
# make train   train a model; with flags: make train ARGS="--preset=paper"
# make studio  draw together with the models in a browser; needs npm (Node.js)
# make test    check format, lint and types, then run every test
# make docs    build the documentation as a site, build/site
# make clean   remove the virtual environment and all caches
# make proto   generate the messages of sketcher.v1 anew
# make lock    pin anew everything that the requirements pull in
#
# Needs Python 3.11 to 3.13. Other than python3: make test PYTHON=python3.12

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := python -m pip --disable-pip-version-check
LOCK := requirements_lock.txt
VERSION := $(or $(shell $(PYTHON) -c \
	'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null),none)

.DEFAULT_GOAL := train
.PHONY: install train studio docs demo test clean lock proto

install: $(VENV)/installed-$(VERSION)

train: install
	$(BIN)/python -m sketcher_tf.train $(ARGS)

studio demo: install
	$(BIN)/python -m export.studio $(ARGS)

# What is compiled is kept, or each of a hundred processes compiles it again.
test: $(VENV)/installed-dev-$(VERSION)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --verbose \
		--numprocesses=auto --dist=loadfile --max-worker-restart=0 \
		--durations=10

docs: $(VENV)/installed-dev-$(VERSION)
	$(BIN)/python -m mkdocs build

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build \
		export/studio/node_modules export/studio/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last, so an interrupted installation is taken up again.
# The lock is a constraint here: it holds indirect dependencies in place.
$(VENV)/installed-$(VERSION): requirements.txt
$(VENV)/installed-dev-$(VERSION): requirements-dev.txt requirements-beam.txt \
		requirements.txt
$(VENV)/installed-$(VERSION) $(VENV)/installed-dev-$(VERSION): $(LOCK) \
		| $(BIN)/pip$(VERSION)
	$(BIN)/$(PIP) install --quiet --constraint $(LOCK) \
		--requirement $(firstword $(filter-out $(LOCK),$^))
	$(BIN)/$(PIP) install --quiet --no-deps --editable .
	touch $@

# pip is the last thing that a new environment receives, and its name tells the
# Python version: asking for another version makes another environment.
$(BIN)/pip$(VERSION):
	@case $(VERSION) in \
	3.11 | 3.12 | 3.13) ;; \
	none) echo "$(PYTHON) does not run: install Python 3.11 to 3.13, or" \
		"name one: make PYTHON=/path/to/python3" >&2; exit 1 ;; \
	*) echo "$(PYTHON) is Python $(VERSION), needed is 3.11 to 3.13; name" \
		"one: make PYTHON=python3.12" >&2; exit 1 ;; \
	esac
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
		"$(PYTHON) cannot make virtual environments; on Debian and" \
		"Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

# A throw-away environment shows what the requirements pull in today.
lock: $(BIN)/pip$(VERSION)
	$(PYTHON) -m venv --clear $(VENV)/lock
	$(VENV)/lock/bin/$(PIP) install --quiet --upgrade \
		--upgrade-strategy eager --requirement requirements-dev.txt
	{ echo "# Written by \`make lock\`: the requirements and all they" \
		"pull in."; $(VENV)/lock/bin/$(PIP) freeze --all --exclude pip; \
		} > $(VENV)/lock/$(LOCK)
	mv $(VENV)/lock/$(LOCK) $(LOCK)
	rm -rf $(VENV)/lock

# The oldest protobuf that is supported decides which protoc may generate.
PROTO := serving/proto/sketcher/v1
proto: $(BIN)/pip$(VERSION)
	$(PYTHON) -m venv --clear $(VENV)/proto
	$(VENV)/proto/bin/$(PIP) install --quiet grpcio-tools==1.81.1
	$(VENV)/proto/bin/python -m grpc_tools.protoc --proto_path=serving/proto \
		--python_out=serving/proto --pyi_out=serving/proto \
		--grpc_python_out=serving/proto $(PROTO)/sketcher.proto
	sed -i 's/^from sketcher\.v1 import/from . import/' \
		$(PROTO)/sketcher_pb2_grpc.py
	rm -rf $(VENV)/proto
