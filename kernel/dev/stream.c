/* SPDX-License-Identifier: MIT */
/*
 * The standard streams as files: each is one end of a pipe, because that is what the channel behaves like. Those that are a
 * terminal on the host are the machine's terminal here (tty_console.c), and their channels carry its bytes.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <moat/dev.h>
#include <moat/fs.h>
#include <moat/log.h>
#include <moat/mode.h>
#include <moat/panic.h>
#include <moat/stream.h>
#include "tty_console.h"

#define STREAM_COUNT 3

static struct stream_channel channels[STREAM_COUNT]; /* [boot] set up before the first stream_open */

void stream_attach(unsigned which, const struct stream_ops *ops, void *arg)
{
	ASSERT(which < STREAM_COUNT);
	channels[which] = (struct stream_channel){.ops = ops, .arg = arg};
}

void dev_set_terminals(const bool is_tty[3], u16 rows, u16 cols, bool host_edits)
{
	const struct stream_channel *out = NULL;

	for (unsigned i = STREAM_COUNT - 1; i > 0; i--)
		out = is_tty[i] ? &channels[i] : out;
	if ((is_tty[0] || out) &&
	    console_create(is_tty[0] ? &channels[0] : NULL, out, rows, cols, host_edits))
		log_printf("dev: no memory for the terminal\n");
}

static unsigned wait_mode(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK ? STREAM_NONBLOCK : 0;
}

static ssize_t stream_read(struct file *f, struct uio *u, u64 *offset __unused)
{
	const struct stream_channel *c = f->private;

	return c->ops ? c->ops->read(c->arg, u, wait_mode(f)) : 0;
}

static ssize_t stream_write(struct file *f, struct uio *u, u64 *offset __unused)
{
	const struct stream_channel *c = f->private;

	return c->ops ? c->ops->write(c->arg, u, wait_mode(f)) : -EPIPE;
}

static unsigned stream_poll(struct file *f, struct poll_table *t)
{
	const struct stream_channel *c = f->private;

	if (!c->ops)
		return c == &channels[0] ? POLLHUP : POLLERR;
	return c == &channels[0] ? c->ops->poll_in(c->arg, t) : c->ops->poll_out(c->arg, t);
}

static int stream_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	const struct stream_channel *c = f->private;
	int bytes;

	if (cmd != FIONREAD)
		return -ENOTTY;
	bytes = c == &channels[0] && c->ops ? (int)c->ops->unread(c->arg) : 0;
	return put_user(bytes, (int __user *)arg) ? -EFAULT : 0;
}

static const struct file_ops stream_file_ops = {
	.read = stream_read,
	.write = stream_write,
	.ioctl = stream_ioctl,
	.poll = stream_poll,
};

struct file *stream_open(unsigned which)
{
	ASSERT(which < STREAM_COUNT);
	struct inode *inode = inode_create_anon(S_IFIFO | 0600, 0);
	if (!inode)
		return NULL;
	inode_set_reopen(inode, &stream_file_ops, &channels[which]);
	struct file *f = file_create(&stream_file_ops, inode, NULL, which == 0 ? O_RDONLY : O_WRONLY,
				     &channels[which]);
	if (!f)
		inode_put(inode);
	return f;
}

void dev_flush_output(void)
{
	console_flush();
	for (unsigned i = 1; i < STREAM_COUNT; i++) {
		if (channels[i].ops)
			channels[i].ops->flush(channels[i].arg);
	}
}
