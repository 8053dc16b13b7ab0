# `make` lists the targets. `make demo` and `make test` each do everything on a fresh clone.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.venv/bin:$(PATH)

SCENARIO ?= scenarios/shandan-2024.yaml
UV := .cache/uv/bin/uv

.PHONY: help
help: ## list the targets (this)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## the county's half-year through five services and a real Kafka, with the table at the end
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@hub demo --scenario $(SCENARIO)

.PHONY: up
up: ## start the five services with a Kafka and stay until Ctrl-C
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@hub up

.PHONY: test
test: ## every check and every test but the long ones, with the count of real-Kafka tests
	@broker="$$(.ci/preflight optional)"; .ci/venv; if [ "$$broker" = native ]; then .ci/kafka; fi; echo "real-Kafka tests: broker = $$broker"
	@.ci/check --tools
	@pytest -q -n 3 --dist worksteal -m "not long"

.PHONY: quick
quick: venv ## the loop while writing: format, lint, types and tests of the domains in 20 s, with one JSON line at the end
	@.ci/timed quick

.PHONY: timed
timed: ## make test against its bound of ten minutes, with one JSON line at the end
	@.ci/timed test

.PHONY: test-unit
test-unit: venv ## unit tests only: no broker, no PostgreSQL
	@pytest -q tests/unit

.PHONY: blackbox
blackbox: ## the hub from outside, on both stores: REST, gRPC, signals: ITEM="-k cursor"
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@pytest -q tests/blackbox tests/system -m long $(ITEM)

.PHONY: red
red: ## the black-box tests on an old commit and here, a JSON line each: BASE=e20ee70 ITEM="-k cursor"
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@python -m tests.blackbox.red --base $(BASE) -- $(ITEM)

.PHONY: upgrade
upgrade: ## stores and topics of an old commit under this one, at once and rolling; a JSON line: BASE=e20ee70 STORE=sqlite
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@python -m tests.blackbox.upgrade --base $(BASE) --store $(or $(STORE),both)

.PHONY: provisional
provisional: ## records whose limits no holiday table knows, from outside, on both stores; a JSON line at the end
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@python -m tests.blackbox.provisional

.PHONY: faults
faults: ## faults under load on three brokers, judged by an oracle: SEEDS=3 KINDS=zombie,mixed STORE=sqlite CLOCK=wall FULL=1 MISSING=1
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@GRPC_VERBOSITY=ERROR python -m tests.faults --store $(or $(STORE),both) --seeds $(or $(SEEDS),1) $(if $(CLOCK),--clock $(CLOCK)) $(if $(KINDS),--kinds $(KINDS)) $(if $(FULL),--full) $(if $(MISSING),--missing)

.PHONY: faults-control
faults-control: ## proof that the matrix can see: guards switched off one by one, each must turn a run red: GUARDS=slicing SAVE=1
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@GRPC_VERBOSITY=ERROR python -m tests.faults.control $(if $(GUARDS),--guards $(GUARDS)) $(if $(SEED),--seed $(SEED)) $(if $(SAVE),--save)

.PHONY: trial
trial: ## a hub on the wall clock under load, every service paused and killed: MINUTES=30 SEED=1 STORE=sqlite; a JSON line
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@GRPC_VERBOSITY=ERROR hub trial --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1) --store $(or $(STORE),sqlite)

BENCHES := bench-fold bench-handoff bench-latency bench-sustained bench-growth bench-recovery

.PHONY: bench
bench: $(BENCHES) ## all benchmarks, one after the other, beside their peers: BENCH="--quick" or BENCH="--save"
bench-fold: ## records in Kafka to durable exact cells, beside Quix Streams, Kafka Streams, Faust and a bare loop
bench-handoff: ## durable hand-offs a second at one bridge, beside bare grpc.aio and FastAPI servers
bench-latency: ## from the receipt to a stats answer that shows it
bench-sustained: ## the whole hub under load for ten minutes
bench-growth: ## memory, disk and cost of an event on the way to a million disputes
bench-profile: ## where the time goes in the hub while a benchmark runs: what explains a missed target
bench-recovery: ## restart after SIGKILL, hand-over of a dead worker's shards, rebuild of stats

.PHONY: bench-fold bench-handoff bench-latency bench-sustained bench-growth bench-recovery bench-profile
$(BENCHES) bench-profile: bench-%:
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@python -m bench.$* $(BENCH)

.PHONY: bench-against
bench-against: ## CPU of an event in every process beside an old commit, in turns: BASE=e20ee70 BENCH="--rounds 5"
	@.ci/preflight required >/dev/null
	@$(MAKE) ready
	@python -m bench.against --base $(BASE) $(BENCH)

.PHONY: check
check: venv ## format, lint, types, walls, protos, generated files, metric names, links
	@.ci/check

.PHONY: house
house: venv ## what a reader must carry in mind: names that mean two things, long first lines, copies; a JSON line
	@python -m tests.house

.PHONY: trace-case
trace-case: venv ## one court case from JSON to rate: files, functions and shapes on its way, compared with docs/case.md
	@python -m tests.trace_case

.PHONY: roles
roles: venv ## every call and every command in every state by every role, over the wire; a JSON line
	@python -m tests.roles

.PHONY: audit
audit: venv ## 10,000 audit entries of an intake that is killed meanwhile, then each kind of tampering; a JSON line
	@python -m tests.audit_proof

.PHONY: revocation
revocation: venv ## how soon a revoked credential is refused in all services, and rotation under load; a JSON line
	@python -m tests.revocation_proof

.PHONY: shredding
shredding: venv ## persons through the whole hub: who may read them, and that nobody reads one who was forgotten; a JSON line
	@python -m tests.shredding_proof

.PHONY: secured
secured: venv ## each service's rights at a broker with TLS, SCRAM and rules, tried both ways, and the demo on it; a JSON line
	@python -m tests.secured_proof

.PHONY: rules-proof
rules-proof: venv ## the tables of the law, the fifteen border cases and every row of every rule file; a JSON line
	@python -m tests.rules_proof

.PHONY: dry-run-proof
dry-run-proof: venv ## a dry run of changed rules beside really running them; a JSON line: OF=2000 disputes, OF=year:30000, or OF=sqlite:////path/intake.db
	@GRPC_VERBOSITY=ERROR python -m tests.dry_run $(OF)

.PHONY: year
year: venv ## a county's year through the hub and what must hold of it; a JSON line: OF=30000 SEED=1 STORE=sqlite|postgres|both SAVE=folder BUS=kafka
	@GRPC_VERBOSITY=ERROR python -m tests.year --of $(or $(OF),30000) --seed $(or $(SEED),1) --store $(or $(STORE),both) $(if $(SAVE),--save $(SAVE)) $(if $(BUS),--bus $(BUS))

.PHONY: venv
venv: ## make .venv from the lock, with hashes, once per change of it
	@.ci/venv

.PHONY: kafka
kafka: ## fetch Apache Kafka's jars once with Maven into .cache/kafka/libs
	@.ci/preflight required >/dev/null
	@.ci/kafka

# .venv, and the jars when the broker will be the native one.
.PHONY: ready
ready:
	@.ci/venv
	@if [ "$$(.ci/preflight required)" = native ]; then .ci/kafka; fi

.PHONY: protos
protos: venv ## regenerate hub/wire and dispute/wire from protos/
	@python protos/generate.py

.PHONY: docs
docs: venv ## rewrite the pages that are made of code: topics, metrics, configuration
	@python -m docs.generate

.PHONY: lock
lock: ## resolve requirements/*.in again and pin them with hashes
	@if [ ! -x $(UV) ]; then python3 -m venv .cache/uv && .cache/uv/bin/pip install -q --disable-pip-version-check uv==0.13.9; fi
	@cd requirements && for name in build runtime dev; do \
	  ../$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q $(LOCK) -o $$name.txt $$name.in; done
	@cd bench/peers && ../../$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q $(LOCK) \
	  -o requirements.txt requirements.in

.PHONY: clean
clean: ## remove what was built; keeps .venv, Kafka's jars and run data
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .wire-staging
	@find hub dispute bridge services ops bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
