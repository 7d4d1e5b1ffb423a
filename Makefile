# Every step of CI is a target here. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Two steps, because `eval "$(false)"` succeeds and would go on without what is missing.
NEED_BUILD = need=$$(scripts/need.sh build); eval "$$need"
NEED_TEST = need=$$(scripts/need.sh test); eval "$$need"
# Not a dependency of ui/: its lock file names packages of every system, and some registries' mirrors hold only their own.
TAURI = npm exec --yes --package=@tauri-apps/cli@2.12.5 -- tauri
# One selection of packages everywhere, so that shared dependencies are compiled once.
ALL = --workspace --locked
# Run as it was built with everything else: `cargo run -p` would choose other features and compile half of the tree again.
XTASK = $${CARGO_TARGET_DIR:-target}/debug/xtask

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: ## install what is missing, build, open the window
	@$(NEED_BUILD); cd ui && npm run build --silent
	@$(NEED_BUILD); cargo build --release --locked -p pilothouse -p cli
	@./target/release/pilothouse

.PHONY: dev
dev: ## the window with live reload of the UI
	@$(NEED_BUILD); TAURI_FRONTEND_PATH=$$PWD/ui $(TAURI) dev

.PHONY: pilot
pilot: ## build the headless command into target/release/pilot
	@$(NEED_BUILD); cd ui && npm run build --silent
	@$(NEED_BUILD); cargo build --release --locked -p cli

.PHONY: check
check: ui-check bindings-check fmt-check clippy docs-check ## what to run before a commit

.PHONY: test
test: ## everything: install what is missing, checks, units, journeys, live peers, the window
	@$(NEED_TEST); $(MAKE) --no-print-directory ui-check bindings-check fmt-check clippy docs-check test-units test-live test-window

.PHONY: test-fast
test-fast: ## units and journeys only
	@$(NEED_BUILD); $(MAKE) --no-print-directory test-units

.PHONY: ui-check
ui-check: ui/dist/index.html ## types, lint, component tests and build of the window
	cd ui && npm run --silent check && npm run --silent lint && npm test --silent

ui/dist/index.html: $(shell find ui/src ui/index.html ui/package-lock.json ui/vite.config.ts -type f 2>/dev/null)
	cd ui && npm run build --silent

.PHONY: fmt-check
fmt-check: ## formatting
	cargo fmt --all --check

.PHONY: clippy
clippy: ## lints, warnings are errors
	cargo clippy $(ALL) --all-targets --quiet -- -D warnings

.PHONY: docs-check
docs-check: ## rustdoc, warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc $(ALL) --no-deps --quiet

# More at once than there are cores: most journeys wait for somebody.
.PHONY: test-units
test-units: ## rules beside the code, journeys over fakes, doctests
	cargo build $(ALL) --bins --quiet
	cargo test $(ALL) --lib --bins --test it --test kill --no-fail-fast -- --test-threads=6
	cargo test $(ALL) --doc

.PHONY: test-live
test-live: ## real peers: MCP servers from npm and PyPI, the conformance suites
	cargo build $(ALL) --bins --quiet
	cargo test $(ALL) --test live

.PHONY: test-window
test-window: ## the real window under Xvfb, through WebDriver
	cargo build $(ALL) --bins --quiet
	scripts/with-display.sh cargo test $(ALL) --test e2e

.PHONY: bench
bench: ## the numbers, beside the bare library and the TypeScript SDK (docs/benchmarks.md); BENCH="--only stdio"
	@$(NEED_TEST); cd ui && npm run build --silent
	@$(NEED_BUILD); cargo build --release --locked -p pilothouse -p cli -p testkit -p tests-bench --bin pilothouse --bin pilot --bin echo-server --bin bench
	@$(NEED_BUILD); "$${CARGO_TARGET_DIR:-target}/release/bench" $(BENCH)

.PHONY: bindings
bindings: ## write the window's TypeScript from the contract
	cargo build $(ALL) --bins --quiet
	$(XTASK) bindings

.PHONY: bindings-check
bindings-check: ## whether the window's TypeScript is fresh
	cargo build $(ALL) --bins --quiet
	$(XTASK) bindings --check

.PHONY: package
package: ## deb and rpm under target/release/bundle
	@$(NEED_BUILD); TAURI_FRONTEND_PATH=$$PWD/ui $(TAURI) build --bundles deb,rpm
