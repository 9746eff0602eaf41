# SPDX-License-Identifier: 0BSD

# The init of `rustkmod boot` is static: there is nothing beside it in there.
HOST := x86_64-unknown-linux-gnu

# Always the same packages: others have other features, and all is compiled again.
TEST := cargo test --release --locked --workspace

# Where the programs are looked for, whatever cargo's configuration says.
export CARGO_TARGET_DIR := $(CURDIR)/target

.PHONY: vm aur arch-full check-series test test-all bench build

# From makepkg to a loaded module, in a virtual machine: make vm, make vm
# SERIES=6.12, make vm SERIES=all. Needs root.
vm: build
	target/release/vm run $(SERIES)

# All of Arch's configuration, every module, booted in the end: hours, and 40 GB.
# Stopped, it goes on the next time. Needs root.
arch-full: build
	target/release/vm arch-full

# The folders that are pushed to the AUR, in target/aur, and the release of rustkmod.
aur: build
	target/release/vm aur

# Each row of linux-rust/series against its own kernel's sources. Needs root.
check-series: build
	target/release/vm check-series

# Speed and size, as ratios. Needs root.
bench: build
	target/release/vm bench
	headers=$$(target/release/vm headers) && \
		cargo bench --locked -p rustkmod --bench ratios -- "$$headers"

build:
	cargo build --release --locked --workspace
	cargo rustc --release --locked -p kmod-init --target $(HOST) -- \
		-C target-feature=+crt-static -C strip=symbols

# Everything, on what is built or kept from an earlier run. Needs root. The
# evaluator of Kconfig is compared with the kernel's own, on the sources of every
# series; rustkmod with make, on their headers: two series at a time.
test: build
	cargo fmt --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(TEST)
	cargo package --quiet --locked --allow-dirty -p kconfig
	archives=$$(target/release/vm source all) && \
		export KCONFIG_TEST_CONFIGS="$$(realpath -qe "$${LINUX_RUST_DATA:-../shared/data}")" && \
		printf '%s\n' "$$archives" | xargs -P 2 -I {} env KCONFIG_TEST_ARCHIVE={} \
			$(TEST) --test olddefconfig -- --ignored && \
		KCONFIG_TEST_ARCHIVE=$$(printf '%s\n' "$$archives" | head -n 1) $(TEST) --test language
	headers=$$(target/release/vm headers all) && \
		printf '%s\n' "$$headers" | xargs -P 2 -I {} env RUSTKMOD_TEST_HEADERS={} \
			$(TEST) --test kernel --test new --test ide -- --skip an_editor_knows

# Tests that take as long as building a kernel, too, and all of them from nothing:
# in a cache of its own, which goes when all was good. Hours, and 30 GB.
test-all: export LINUX_RUST_TEST_ALL := 1
test-all: export LINUX_RUST_CACHE := /var/cache/linux-rust-test-all
test-all: build
	rm -rf $$LINUX_RUST_CACHE
	$(MAKE) test KCONFIG_TEST_COUNT=400
	target/release/vm run all
	rm -rf $$LINUX_RUST_CACHE
