/* SPDX-License-Identifier: MIT */
/*
 * The near end of a terminal as a file: /dev/pts/N, /dev/hvc0, /dev/console, and /dev/tty, which is whatever terminal the
 * caller's session has.
 *
 * Who leads a session without a terminal and opens one without O_NOCTTY gets it. A hang-up leaves files that are open of no
 * use: they belong to an earlier generation of the terminal.
 */
#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/major.h>
#include <moat/fs.h>
#include <moat/heap.h>
#include <moat/memdev.h>
#include <moat/mode.h>
#include <moat/string.h>
#include "tty.h"

int tty_attach(struct file *f, struct tty *t)
{
	struct tty_file *tf = kmalloc(sizeof(*tf));

	if (!tf)
		return -ENOMEM;
	*tf = (struct tty_file){.tty = t, .generation = t->generation};
	tty_get(t);
	t->opens++;
	__atomic_store_n(&t->near_closed, false, __ATOMIC_RELEASE);
	f->private = tf;
	return 0;
}

/* List locked. */
static int open_terminal(struct file *f, struct tty *t, bool may_own)
{
	struct tty_caller c;
	int err;

	tty_tasks->caller(&c);
	if (t->exclusive && !c.privileged)
		return -EBUSY;
	err = tty_attach(f, t);
	if (!err && may_own && c.leads && !c.tty && !t->session && !(f->flags & O_NOCTTY) && file_readable(f))
		tty_make_controlling(t, &c);
	return err;
}

static int pts_open(struct file *f)
{
	struct file_attr attr;
	struct tty *t;
	int err;

	inode_attr(f->inode, &attr);
	mutex_lock(&tty_list_lock);
	err = pty_open_near(attr.rdev & 0xfffff, &t);
	if (!err) {
		err = open_terminal(f, t, true);
		tty_put(t);
	}
	mutex_unlock(&tty_list_lock);
	return err;
}

/* /dev/tty */
static int own_open(struct file *f)
{
	struct tty_caller c;
	int err = -ENXIO;

	f->private = NULL;
	mutex_lock(&tty_list_lock);
	tty_tasks->caller(&c);
	if (c.tty)
		err = open_terminal(f, c.tty, false);
	mutex_unlock(&tty_list_lock);
	return err;
}

static int host_open(struct file *f, bool may_own)
{
	struct tty *t = tty_console();
	int err = -ENODEV;

	f->private = NULL;
	mutex_lock(&tty_list_lock);
	if (t)
		err = open_terminal(f, t, may_own);
	mutex_unlock(&tty_list_lock);
	return err;
}

static int hvc_open(struct file *f)
{
	return host_open(f, true);
}

/* As on Linux, it never becomes anybody's terminal. */
static int console_open(struct file *f)
{
	return host_open(f, false);
}

static void tty_release(struct file *f)
{
	struct tty_file *tf = f->private;
	struct tty *t;

	if (!tf)
		return;
	t = tf->tty;
	mutex_lock(&tty_list_lock);
	if (--t->opens == 0) {
		tty_tasks->forget(t);
		tty_set_owner(t, 0, 0);
		if (t->driver->is_pty)
			pty_near_closed(t);
	}
	mutex_unlock(&tty_list_lock);
	tty_put(t);
	kfree(tf);
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
	const struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	unsigned events = 0;

	poll_add(pt, &t->wait);
	if (tty_is_hung_up(tf))
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
	mutex_lock(&t->lock);
	if (tty_has_input(t, true) || t->input_ended)
		events |= POLLIN | POLLRDNORM;
	if (ring_room(&t->output) > TTY_RING_BYTES / 4 && !t->stopped)
		events |= POLLOUT | POLLWRNORM;
	mutex_unlock(&t->lock);
	return events | (__atomic_load_n(&t->master_closed, __ATOMIC_ACQUIRE) ? POLLHUP : 0);
}

#define NEAR_END(open_op)                                                                    \
	{                                                                                    \
		.open = (open_op), .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, \
		.poll = tty_poll, .release = tty_release, .tells = true,                     \
	}

const struct file_ops tty_file_ops = NEAR_END(pts_open);
static const struct file_ops own_ops = NEAR_END(own_open);
static const struct file_ops hvc_ops = NEAR_END(hvc_open);
static const struct file_ops console_ops = NEAR_END(console_open);

static const struct chardev devices[] = {
	{.name = "tty", .major = TTYAUX_MAJOR, .minor = 0, .mode = 0666, .ops = &own_ops},
	{.name = "console", .major = TTYAUX_MAJOR, .minor = 1, .mode = 0600, .ops = &console_ops},
	{.name = "hvc0", .major = 229, .minor = 0, .mode = 0620, .ops = &hvc_ops},
};

void tty_file_register(void)
{
	chardev_register_all(devices, ARRAY_SIZE(devices));
	pty_register();
}
