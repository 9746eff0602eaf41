// SPDX-License-Identifier: GPL-2.0
/* /dev/mixed: what is written is kept by the Rust half, and can be read back. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mixed.h"

unsigned int mixed_limit = 4096;
module_param_named(limit, mixed_limit, uint, 0444);
MODULE_PARM_DESC(limit, "How many bytes may be kept");

static DEFINE_MUTEX(lock);
static const struct mixed_callbacks *callbacks;
static void *callback_data;

/* At most a page at a time: user space asks again. */
static size_t portion(size_t count)
{
	return min_t(size_t, count, PAGE_SIZE);
}

static ssize_t mixed_write(struct file *file, const char __user *from, size_t count, loff_t *offset)
{
	void *bytes = memdup_user(from, portion(count));
	int taken;

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	mutex_lock(&lock);
	taken = callbacks->write(callback_data, bytes, portion(count));
	mutex_unlock(&lock);
	kfree(bytes);
	return taken == 0 && count ? -ENOSPC : taken;
}

static ssize_t mixed_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	void *bytes = kzalloc(portion(count), GFP_KERNEL);
	int given;

	if (!bytes)
		return -ENOMEM;
	mutex_lock(&lock);
	given = callbacks->read(callback_data, bytes, portion(count), *offset);
	mutex_unlock(&lock);
	if (given > 0 && copy_to_user(to, bytes, given))
		given = -EFAULT;
	if (given > 0)
		*offset += given;
	kfree(bytes);
	return given;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.read = mixed_read,
	.write = mixed_write,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mixed",
	.fops = &fops,
};

int mixed_device_start(const struct mixed_callbacks *new_callbacks, void *data)
{
	callbacks = new_callbacks;
	callback_data = data;
	return misc_register(&device);
}

void mixed_device_stop(void)
{
	misc_deregister(&device);
}
