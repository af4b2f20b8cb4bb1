# Lookbook. `make` alone lists what there is.

VENV := .tools/venv
BENCH_VENV := .tools/bench-venv
BENCH_LAMBDA_VENV := .tools/bench-lambda-venv
BENCH_UPLOAD_VENV := .tools/bench-upload-venv
REFERENCE_VENV := .tools/reference-venv
MOTO_VENV := .tools/moto-venv
HADOLINT_VENV := .tools/hadolint-venv
SAM_VENV := .tools/sam-venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
WRITER := .tools/models/SmolLM2-135M-Instruct.Q4_1.gguf
CARGO_LAMBDA := $(VENV)/bin/cargo-lambda
MOTO_SERVER := $(MOTO_VENV)/bin/moto_server
HADOLINT := $(HADOLINT_VENV)/bin/hadolint
NODE_MODULES := infra/node_modules/.package-lock.json

.PHONY: help
help: ## This list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# ---- what is installed, all of it into ignored folders of the repository

# What stands in for AWS where Lookbook runs on one machine.
STACK_TOOLS := $(CARGO_LAMBDA) $(WRITER)

.PHONY: tools
tools: $(STACK_TOOLS) $(MOTO_SERVER) ## Lambda emulator, cfn-lint, small language model, AWS for tests, into .tools

$(CARGO_LAMBDA): tools/requirements.txt
	@python3 -m venv --help >/dev/null 2>&1 || { echo "Python's venv module is missing (on Debian: python3-venv)"; exit 1; }
	python3 -m venv $(VENV)
	$(PIP) install --requirement tools/requirements.txt
	@touch $@

$(WRITER): tools/fetch_writer.py | $(CARGO_LAMBDA)
	$(VENV)/bin/python tools/fetch_writer.py $(@D)
	@touch $@

$(MOTO_SERVER): tools/moto-requirements.txt
	@python3 -m venv --help >/dev/null 2>&1 || { echo "Python's venv module is missing (on Debian: python3-venv)"; exit 1; }
	python3 -m venv $(MOTO_VENV)
	$(MOTO_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

$(HADOLINT): tools/hadolint-requirements.txt
	@python3 -m venv --help >/dev/null 2>&1 || { echo "Python's venv module is missing (on Debian: python3-venv)"; exit 1; }
	python3 -m venv $(HADOLINT_VENV)
	$(HADOLINT_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

$(NODE_MODULES): infra/package.json infra/package-lock.json
	cd infra && npm ci --no-audit --no-fund
	@touch $@

# ---- the two commands

.PHONY: demo
demo: $(STACK_TOOLS) build ## The whole job on this machine (PHOTOS=folder for your own)
	@target/debug/demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(DEMO_ARGS)

.PHONY: test
test: ## Everything: format, lint, Rust, end to end, infrastructure
	@tools/steps.sh \
		"tools" "$(MAKE) --no-print-directory tools $(HADOLINT) $(NODE_MODULES)" \
		"format" "cargo fmt --all --check" \
		"build" "$(MAKE) --no-print-directory build" \
		"clippy" "$(MAKE) --no-print-directory lint" \
		"Rust and end-to-end tests" "$(MAKE) --no-print-directory test-rust" \
		"infrastructure tests" "$(MAKE) --no-print-directory test-infra"

# ---- its parts

.PHONY: build
build: ## Every program, optimised enough to run
	cargo build --locked --workspace --bins

.PHONY: lint
lint: ## clippy, warnings denied
	cargo clippy --locked --workspace --all-targets -- -D warnings

# Every cargo command selects the whole workspace, so that features, and with
# them the built dependencies, are the same for all of them.
.PHONY: test-rust
test-rust: tools build ## Unit, integration and end-to-end tests in Rust
	cargo test --locked --workspace

.PHONY: test-e2e
test-e2e: tools build ## The end-to-end tests alone: real programs, started and asked
	cargo test --locked --workspace --test end_to_end

# Not a part of `test`: the default build needs no oneDNN.
.PHONY: test-onednn
test-onednn: ## The engine `onednn`; needs libdnnl-dev
	cargo test --locked -p onednn --features link
	cargo test --locked --workspace --features blip2/onednn --test engines

.PHONY: backfill-kill
backfill-kill: tools build ## Two catalogues of 2,000 products described here, each killed five times; some minutes
	cargo test --locked --workspace --test end_to_end -- --ignored --nocapture two_thousand_products

.PHONY: kill-train
kill-train: ## Kill two training jobs, each 20 times at random moments; two minutes
	cargo test --locked --workspace --test resume -- --ignored --nocapture twenty_kills

# Not a part of `test`: PyTorch is some gigabytes.
ifndef REFERENCE_PYTHON
REFERENCE_TOOLS := $(REFERENCE_VENV)/installed
REFERENCE_PYTHON := $(REFERENCE_VENV)/bin/python
endif

$(REFERENCE_VENV)/installed: tests/reference/requirements.txt
	@echo "PyTorch, transformers and peft go into $(REFERENCE_VENV): some gigabytes, some minutes"
	python3 -m venv $(REFERENCE_VENV)
	$(REFERENCE_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

.PHONY: test-reference
test-reference: build $(REFERENCE_TOOLS) ## What the trainer reads and writes, with the real peft and transformers
	$(REFERENCE_PYTHON) tests/reference/training.py target/debug/trainer

.PHONY: fuzz
fuzz: ## Two million generated inputs for the parsers, and damaged photographs; two minutes
	cargo test --locked --workspace --lib --test mutations -- --ignored --nocapture fuzz

.PHONY: test-infra
test-infra: $(NODE_MODULES) $(CARGO_LAMBDA) lint-containers ## Type check, lint and assertion tests of the stacks, cfn-lint on each variant and on SAM's template, hadolint
	cd infra && npm test --silent
	rm -rf infra/cdk.out/variants
	cd infra && npm run --silent templates -- cdk.out/variants
	$(VENV)/bin/cfn-lint --config-file infra/.cfnlintrc.yaml --template infra/cdk.out/variants/*.json template.yaml

.PHONY: lint-containers
lint-containers: $(HADOLINT) ## hadolint for the Dockerfiles
	$(HADOLINT) model-server/Dockerfile* trainer/Dockerfile*

$(SAM_VENV)/installed: tools/sam-requirements.txt
	python3 -m venv $(SAM_VENV)
	$(SAM_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

# Not a part of `test`: SAM is 290 MB, and what it finds cfn-lint finds in `test-infra`.
# It writes into its user's folder and would report what it is used for.
.PHONY: lint-sam
lint-sam: $(SAM_VENV)/installed ## `sam validate --lint` for SAM's template
	HOME="$(CURDIR)/$(SAM_VENV)" SAM_CLI_TELEMETRY=0 $(SAM_VENV)/bin/sam validate --lint \
		--template-file template.yaml --region us-east-1

.PHONY: package
package: $(CARGO_LAMBDA) ## The function's release zip: target/lambda/describe-product/bootstrap.zip
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --locked --profile lambda \
		--compiler cargo --output-format zip -p describe-product --bin describe-product

# Names as the shells look for them.
LOOKBOOK := target/lookbook

.PHONY: cli
cli: ## The operator's program, released, with completions and manual: target/lookbook
	cargo build --locked --release -p lookbook
	mkdir -p $(LOOKBOOK)/completions
	cp target/release/lookbook $(LOOKBOOK)/lookbook
	$(LOOKBOOK)/lookbook completions bash > $(LOOKBOOK)/completions/lookbook.bash
	$(LOOKBOOK)/lookbook completions zsh > $(LOOKBOOK)/completions/_lookbook
	$(LOOKBOOK)/lookbook completions fish > $(LOOKBOOK)/completions/lookbook.fish
	$(LOOKBOOK)/lookbook completions elvish > $(LOOKBOOK)/completions/lookbook.elv
	$(LOOKBOOK)/lookbook completions powershell > $(LOOKBOOK)/completions/_lookbook.ps1
	$(LOOKBOOK)/lookbook man --out $(LOOKBOOK)/man

RELEASED_ZIP := $(CURDIR)/target/lambda/describe-product/bootstrap.zip
RELEASED_FUNCTION := $(basename $(RELEASED_ZIP))

.PHONY: release-function
release-function: package
	unzip -q -o -d $(dir $(RELEASED_ZIP)) $(RELEASED_ZIP)

.PHONY: bench
bench: release-function ## How long the main job takes, with released programs
	cargo build --locked --release -p model-server -p local-cloud
	FUNCTION_BINARY="$(RELEASED_FUNCTION)" \
		cargo bench --locked -p tests --bench main_job

# Those below take the programs as they are released; PROFILE=dev takes them as
# `make build` makes them, MODEL_SERVER=path another server. Their programs read the
# other variables from the environment, where make puts them.
PROFILE ?= release
SERVE_BENCH := cargo bench --locked $(if $(filter dev,$(PROFILE)),--workspace --profile dev,-p tests)
ifndef MODEL_SERVER
MODEL_SERVER := $(CURDIR)/target/$(if $(filter dev,$(PROFILE)),debug,release)/model-server
SERVE_PROGRAM := $(if $(filter dev,$(PROFILE)),build,release-model-server)
endif

# Another Python with the packages of the requirements may be named.
ifndef BENCH_PYTHON
BENCH_TOOLS := $(BENCH_VENV)/installed
endif

$(BENCH_VENV)/installed: tools/bench-requirements.txt
	@echo "PyTorch and transformers go into $(BENCH_VENV): some gigabytes, some minutes"
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

# Both programs at one time: alone each would build what they share with features of
# its own.
RELEASE := cargo build --locked --release -p model-server -p trainer

.PHONY: release-model-server
release-model-server:
	$(RELEASE)

.PHONY: bench-serve
bench-serve: $(SERVE_PROGRAM) $(BENCH_TOOLS) ## Model server beside transformers, into BENCHMARKS.md (SHAPES="mini base xl")
	MODEL_SERVER="$(MODEL_SERVER)" $(SERVE_BENCH) --bench serve

# Our side is a program of its own, without the job around the steps.
TRAINING_STEP := $(CURDIR)/target/$(if $(filter dev,$(PROFILE)),debug,release)/examples/training_step

.PHONY: bench-train
bench-train: $(BENCH_TOOLS) ## LoRA training steps beside transformers and peft, into BENCHMARKS.md (PARTING=1e-7: peft beside itself)
	$(if $(filter dev,$(PROFILE)),cargo build --locked --workspace,$(RELEASE)) --example training_step
	TRAINING_STEP="$(TRAINING_STEP)" $(SERVE_BENCH) --bench train

TRAINER := $(CURDIR)/target/$(if $(filter dev,$(PROFILE)),debug,release)/trainer

.PHONY: release-trainer
release-trainer:
	$(RELEASE)

.PHONY: model
model: release-trainer ## The checkpoint and the adapter that ship, made anew into .tools/model; an hour and a half (KAGGLE=folder)
	@test -n "$(KAGGLE)" || { echo "name the data set's folder: make model KAGGLE=folder"; exit 1; }
	tools/model/make.sh "$(CURDIR)/target/release/trainer" "$(KAGGLE)" .tools/model

.PHONY: bench-prepare
bench-prepare: $(if $(filter dev,$(PROFILE)),build,release-trainer) $(BENCH_TOOLS) ## Preparing a catalogue beside pandas, into BENCHMARKS.md (KAGGLE=folder)
	TRAINER="$(TRAINER)" $(SERVE_BENCH) --bench prepare

# Without PyTorch: boto3 and awslambdaric are a few megabytes.
ifndef BENCH_LAMBDA_PYTHON
BENCH_LAMBDA_TOOLS := $(BENCH_LAMBDA_VENV)/installed
endif

$(BENCH_LAMBDA_VENV)/installed: tools/bench-lambda-requirements.txt
	python3 -m venv $(BENCH_LAMBDA_VENV)
	$(BENCH_LAMBDA_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

.PHONY: bench-lambda
bench-lambda: $(if $(filter dev,$(PROFILE)),build,release-function) $(BENCH_LAMBDA_TOOLS) ## The function beside Python with boto3, into BENCHMARKS.md (ROUNDS=2 to try)
	$(if $(filter dev,$(PROFILE)),FUNCTION_BINARY="$(CURDIR)/target/debug/describe-product",FUNCTION_BINARY="$(RELEASED_FUNCTION)" FUNCTION_ZIP="$(RELEASED_ZIP)") \
		$(SERVE_BENCH) --bench lambda

ifndef AWS_CLI
BENCH_UPLOAD_TOOLS := $(BENCH_UPLOAD_VENV)/installed
endif

$(BENCH_UPLOAD_VENV)/installed: tools/bench-upload-requirements.txt
	python3 -m venv $(BENCH_UPLOAD_VENV)
	$(BENCH_UPLOAD_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

# Both programs at one time, as above.
.PHONY: release-upload
release-upload:
	cargo build --locked --release -p lookbook -p local-cloud

.PHONY: bench-upload
bench-upload: $(if $(filter dev,$(PROFILE)),build,release-upload) $(BENCH_UPLOAD_TOOLS) ## `lookbook upload` beside `aws s3 sync`, into BENCHMARKS.md (ROUNDS FILES)
	LOOKBOOK="$(CURDIR)/target/$(if $(filter dev,$(PROFILE)),debug,release)/lookbook" \
	LOCAL_CLOUD="$(CURDIR)/target/$(if $(filter dev,$(PROFILE)),debug,release)/local-cloud" \
		$(SERVE_BENCH) --bench upload

# The three programs at one time, as above.
.PHONY: release-chaos
release-chaos:
	cargo build --locked --release -p model-server -p local-cloud -p describe-product

.PHONY: chaos
chaos: $(STACK_TOOLS) $(if $(filter dev,$(PROFILE)),build,release-chaos) ## Products through the function under faults, into BENCHMARKS.md (PRODUCTS SEED WORKERS TIMEOUT MINUTES)
	$(SERVE_BENCH) --bench chaos

.PHONY: soak-serve
soak-serve: $(SERVE_PROGRAM) ## What the model server survives (REQUESTS CONNECTIONS SEED MINUTES)
	MODEL_SERVER="$(MODEL_SERVER)" $(SERVE_BENCH) --bench soak

.PHONY: samples
samples: ## Draw the sample pictures again
	cargo run --locked -p catalogue --bin draw-samples -- --out samples --seed 7

.PHONY: clean
clean: ## Remove what was built; the tools stay
	cargo clean
	rm -rf demo/out infra/cdk.out
