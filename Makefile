# Two commands: `make demo` runs a whole night, `make test` passes the tests.
SHELL := /bin/bash
PYTHON := .venv/bin/python
SCENARIO ?= short_video
WORKERS ?= 2
export PYTHONPATH := jobs:infra
BENCH := $(PYTHON) -m bench
NIGHT := tests/test_night.py

.PHONY: demo test checks setup up down lint types unit night proof bench bench-data bench-gpu bench-accuracy bench-kuairand bench-latency bench-negatives bench-nights bench-drift bench-peers bench-pruning bench-bytes bench-serving bench-transfer bench-resent bench-two-nights bench-mapped lock clean

demo: setup            ## one night on the bundled logs, published, pulled and scored
	@$(PYTHON) -m local_site demo --scenario $(SCENARIO)

up: setup              ## the same services, left running
	@$(PYTHON) -m local_site up

down:                  ## stop what `make up` started
	@$(PYTHON) -m local_site down

test: setup lint checks night

checks:                ## types and unit tests at once: mypy has one thread
	@$(MAKE) --no-print-directory -j2 types unit

setup:                 ## .venv, .venv-client and Java
	@bash infra/bootstrap.sh

lint:
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

types:
	@.venv/bin/mypy

unit:
	@.venv/bin/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore $(NIGHT) -m "not proof"

night:                 ## two real small nights through Airflow
	@.venv/bin/pytest -q $(NIGHT)

proof:                 ## slow proofs: determinism, a killed trainer, a refused night, every recipe, the tutorial
	@.venv/bin/pytest -q -m proof

bench:                 ## speed, size and accuracy of a night, written to infra/bench/results/
	@$(BENCH) night --scenario $(SCENARIO)

bench-data:            ## the data verbs' speed and memory by size of the log, beside polars
	@$(BENCH) data_verbs --folder var/bench

bench-gpu:             ## training on a GPU, beside its floors; FRAPPE is the folder of Frappe_x1
	@$(BENCH) gpu $(FRAPPE)

bench-accuracy:        ## test AUC of every architecture on Frappe_x1 in the folder FRAPPE
	@$(BENCH) accuracy $(FRAPPE)

bench-pruning:         ## every way to prune, on the FeatureSet in FEATURES, on FRAPPE or on ZIPF rows
	@$(BENCH) pruning --scenario $(SCENARIO) \
	  $(if $(FRAPPE),--frappe $(FRAPPE),$(if $(ZIPF),--zipf $(ZIPF),--features $(FEATURES)))

bench-bytes:           ## whole packages file by file: Frappe_x1 in FRAPPE, 2 M rows of Zipf's law
	@$(BENCH) package_bytes --frappe $(FRAPPE) --zipf 2000000

bench-kuairand:        ## AUC and GAUC on KuaiRand, by what is counted and by architecture
	@$(BENCH) kuairand

bench-nights:          ## warm starts, and masks that move or stay, six nights of KuaiRand
	@$(BENCH) nights

bench-drift:           ## masks that move or stay where drift is planted
	@$(BENCH) drift

bench-negatives:       ## what drawn negatives tell of the label, by two rules
	@$(BENCH) negatives

bench-latency: setup   ## microseconds a request: pruning, a user given once, encoding
	@$(BENCH) latency

bench-serving: setup   ## requests a second over HTTP beside the library; needs wrk
	@$(BENCH) serving

bench-transfer: setup  ## publishing and pulling beside boto3's own transfer
	@$(BENCH) transfer

bench-resent: setup    ## what is sent and fetched again of a next day, and where a share of the rows changed
	@$(BENCH) resent

bench-two-nights: setup ## what two warm nights running send and fetch again, by recipe and optimizer
	@$(BENCH) two_nights

bench-mapped: setup    ## a memory-mapped table beside a packed one
	@$(BENCH) mapped_table

bench-peers: setup     ## speed of training beside DeepCTR-Torch and FuxiCTR, as bench-accuracy
	@.venv/bin/uv pip install -q --target var/peers --no-deps -r infra/bench/training/peers.txt
	@$(BENCH) peers $(FRAPPE)

LOCK := --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

lock: setup            ## pin every dependency anew
	@.venv/bin/uv pip compile -q --upgrade pyproject.toml --extra pipeline --extra serve --group dev \
	  $(LOCK) -o requirements.txt
	@.venv/bin/uv pip compile -q --upgrade infra/torch/torch.in -c requirements.txt \
	  $(LOCK) -o infra/torch/cuda.txt
	@for extras in "verbs" "airflow site" "serve"; do .venv/bin/uv pip compile -q --upgrade pyproject.toml \
	  $$(printf -- '--extra %s ' $$extras) -c requirements.txt $(LOCK) -o infra/locks/$${extras%% *}.txt; done

clean:                 ## forget environments, runs and releases of this checkout
	@[ ! -d var ] || $(PYTHON) -m local_site down
	@rm -rf .venv .venv-client var
