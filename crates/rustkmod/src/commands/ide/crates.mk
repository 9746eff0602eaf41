# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Reads a kernel's rust/Makefile with make itself: what would compile a crate
# says instead how it would, one line a crate: target, source, flags, environment.
# Nothing is run.

-include include/config/auto.conf
-include $(srctree)/scripts/Kbuild.include
-include $(srctree)/scripts/Makefile.compiler

objtree := .
obj := $(objtree)/rust
src := $(srctree)/rust
include $(src)/Makefile

rustkmod-says = $(info rustkmod-crate	$@	$<	$(filter-out $(skip_flags),$(rust_common_flags) $(rustc_target_flags))	$(rustc_target_envs))
if_changed = $(rustkmod-says)
if_changed_dep = $(rustkmod-says)
if_changed_rule = $(rustkmod-says)

# What the headers leave out is made from nothing.
.DEFAULT: ; @:
FORCE:
.PHONY: FORCE
