# SPDX-License-Identifier: 0BSD

# The init of `rustkmod boot` is static: there is nothing beside it in there.
HOST := x86_64-unknown-linux-gnu

# Always the same packages: others have other features, and all is compiled again.
TEST := cargo test --release --locked --workspace

# Where the programs are looked for, whatever cargo's configuration says.
export CARGO_TARGET_DIR := $(CURDIR)/target

.PHONY: vm repo aur arch-full check-series test flavours test-all bench build init

# From makepkg to a loaded module, in a virtual machine: make vm, make vm
# SERIES=6.12, make vm SERIES=all. Needs root.
vm: export LINUX_RUST_STARTED := $(shell date +%s)
vm: init
	cargo build --release --locked -p vm
	target/release/vm run $(SERIES)

# All of Arch's configuration, every module, booted in the end: hours, and 40 GB.
# Stopped, it goes on the next time. Needs root.
arch-full: build
	target/release/vm arch-full

# The directories that are pushed to the AUR, in target/aur, and the release of rustkmod.
aur: build
	target/release/vm aur

# A pacman repository of what was built, in target/repo, signed where there is a key
# of your own gpg: make repo KEY=FINGERPRINT. Needs root.
repo:
	cargo build --release --locked -p vm
	target/release/vm repo $(SERIES) $(if $(KEY),--key '$(KEY)')

# Each row of linux-rust/series against its own kernel's sources. Needs root.
check-series: build
	target/release/vm check-series

# Speed and size, as ratios. Needs root.
bench: build
	target/release/vm bench
	headers=$$(target/release/vm headers) && \
		cargo bench --locked -p rustkmod --bench ratios -- "$$headers"

build: init
	cargo build --release --locked --workspace

init:
	cargo rustc --release --locked -p kmod-init --target $(HOST) -- \
		-C target-feature=+crt-static -C strip=symbols

# Everything, in a copy of this machine, on what is built or kept from an earlier
# run: the default series, or make test SERIES=all. Needs root. That the machine
# itself is left alone is seen from outside.
test: build
	status=0; \
	$(TEST) --test host -- --ignored || status=1; \
	target/release/vm test $(SERIES) || status=1; \
	exit $$status

# The newest series with configurations that are rarely built with Rust: MODVERSIONS, kCFI, ThinLTO,
# PREEMPT_RT, and _config=debug. An hour. Needs root.
flavours: build
	LINUX_RUST_TEST=all LINUX_RUST_TEST_ALL=1 target/release/vm exec \
		$(TEST) --test end_to_end -- flavour_

# Tests that take as long as building a kernel, too, and all of them from nothing:
# in a cache of its own, which goes when all was good. Hours, and 30 GB.
test-all: export LINUX_RUST_TEST_ALL := 1
test-all: export LINUX_RUST_CACHE := /var/cache/linux-rust-test-all
test-all: build
	rm -rf $$LINUX_RUST_CACHE
	$(MAKE) test SERIES=all KCONFIG_TEST_COUNT=400
	target/release/vm run all
	rm -rf $$LINUX_RUST_CACHE
