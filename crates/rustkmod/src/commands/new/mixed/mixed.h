/* SPDX-License-Identifier: GPL-2.0 */
/* What the two halves of the module know of each other; bindgen makes Rust of it. */
#ifndef MIXED_H
#define MIXED_H

#include <linux/types.h>

/*
 * What the Rust half does for the device. The first argument is always the `data` that came with
 * these. The device has one lock: no two of them run at a time.
 */
struct mixed_callbacks {
	/* Keeps bytes. Returns how many of them, or a negative errno. */
	int (*write)(void *data, const u8 *bytes, u32 count);
	/* Gives back what is kept from `offset` on. Returns how many bytes. */
	int (*read)(void *data, u8 *bytes, u32 count, u64 offset);
};

/* Makes /dev/mixed. Returns 0 or a negative errno. */
int mixed_device_start(const struct mixed_callbacks *new_callbacks, void *data);
/* Takes it away. None of the callbacks runs afterwards. */
void mixed_device_stop(void);

/* The parameter `limit`: how many bytes may be kept. It does not change after loading. */
extern unsigned int mixed_limit;

#endif
