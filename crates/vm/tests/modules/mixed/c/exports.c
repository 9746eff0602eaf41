// SPDX-License-Identifier: GPL-2.0
/* What Rust code of other modules may call. Only its address is exported, of whatever type. */

#include <linux/export.h>

#define EXPORT_RUST(name) extern int name; EXPORT_SYMBOL_GPL(name)

#include "exports_generated.h"
