# SPDX-License-Identifier: 0BSD

# The init of `rustkmod boot` is static: there is nothing beside it in there.
HOST := x86_64-unknown-linux-gnu

# Where the programs are looked for, whatever cargo's configuration says.
export CARGO_TARGET_DIR := $(CURDIR)/target

.PHONY: vm aur arch-full check-series test bench build

# From makepkg to a loaded module, in a virtual machine: make vm, make vm
# SERIES=6.12, make vm SERIES=all. Needs root.
vm: build
	target/release/vm run $(SERIES)

# All of Arch's configuration, every module, booted in the end: hours, and 40 GB.
# Stopped, it goes on the next time. Needs root.
arch-full: build
	target/release/vm arch-full

# The folders that are pushed to the AUR, in target/aur.
aur: build
	target/release/vm aur

# Each row of linux-rust/series against its own kernel's sources. Needs root.
check-series: build
	target/release/vm check-series

# Speed and size, as ratios. Needs root.
bench: build
	target/release/vm bench
	cargo bench --locked -p rustkmod --bench ratios -- "$$(target/release/vm headers)"

build:
	cargo build --release --locked -p vm -p rustkmod
	cargo rustc --release --locked -p kmod-init --target $(HOST) -- \
		-C target-feature=+crt-static -C strip=symbols

# Everything, on what is built or kept from an earlier run. Needs root. The
# evaluator of Kconfig is compared with the kernel's own, on the sources at hand;
# rustkmod with make, on the headers.
test: build
	cargo fmt --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --release --locked -p vm
	KCONFIG_TEST_ARCHIVE="$$(target/release/vm source)" \
		RUSTKMOD_TEST_HEADERS="$$(target/release/vm headers)" \
		cargo test --release --locked --workspace --exclude vm
