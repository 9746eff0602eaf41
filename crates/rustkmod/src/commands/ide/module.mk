# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Reads a module's Kbuild, or its Makefile, with make itself, as kbuild would:
# each object it names, with the rustc flags of that object alone; each directory.

-include include/config/auto.conf
-include $(srctree)/scripts/Kbuild.include
-include $(srctree)/scripts/Makefile.compiler

obj := $(module)
src := $(module)
include $(kbuild)

# A module of several objects lists them in a variable of its own.
rustkmod-parts = $(or $(strip $(foreach suffix,-objs -y -m,$($(1:.o=$(suffix))))),$1)
rustkmod-named := $(obj-m) $(obj-y)
$(foreach o,$(sort $(foreach o,$(filter %.o,$(rustkmod-named)),$(call rustkmod-parts,$o))), \
	$(info rustkmod-object	$o	$(subdir-rustflags-y) $(rustflags-y) $(RUSTFLAGS_$o)))
$(foreach d,$(sort $(filter %/,$(rustkmod-named))),$(info rustkmod-directory	$d))

rustkmod: ; @:
