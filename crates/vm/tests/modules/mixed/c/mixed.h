/* SPDX-License-Identifier: GPL-2.0 */
/* What the two halves of mixed.ko know of each other; bindgen makes Rust of it. */
#ifndef MIXED_H
#define MIXED_H

#include <linux/types.h>

/*
 * What the Rust half does for the device. The first argument is always the `data` of the
 * registration. The device has one lock: no two of these run at a time.
 */
struct mixed_ops {
	/* Keeps bytes. Returns how many of them, or a negative errno. */
	int (*write)(void *data, const u8 *bytes, u32 count);
	/* Gives back what is kept from `offset` on. Returns how many bytes. */
	int (*read)(void *data, u8 *bytes, u32 count, u64 offset);
};

/* Makes /dev/mixed. Returns 0 or a negative errno. */
int mixed_device_register(const struct mixed_ops *ops, void *data);
void mixed_device_unregister(void);

/* The parameter `limit`: how many bytes may be kept. It does not change after loading. */
extern unsigned int mixed_limit;

#endif
