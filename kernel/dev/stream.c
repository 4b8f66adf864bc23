/* SPDX-License-Identifier: MIT */
/*
 * The standard streams as files.
 *
 * A stream has an input end, an output end, or both: a stream that is a terminal on the host is one in the
 * guest, readable and writable whichever of 0, 1, 2 it is, with input from stream 0's channel. Everything
 * else is shown as one end of a pipe, because that is what the channel behaves like.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <moat/dev.h>
#include <moat/fs.h>
#include <moat/memdev.h>
#include <moat/mode.h>
#include <moat/panic.h>
#include <moat/stream.h>

#define STREAM_COUNT   3
#define TTY_MAJOR      5   /* TTYAUX_MAJOR of Linux: /dev/tty is 5:0, /dev/console 5:1 */
#define HOST_TTY_MAJOR 136 /* what a terminal emulator's terminal is: /dev/pts/0 */

/* One of the device's channels; ops is NULL when no device carries it. */
struct channel {
	const struct stream_ops *ops;
	void *arg;
};

struct stream {
	const struct channel *in;  /* NULL: not readable */
	const struct channel *out; /* NULL: not writable */
	bool is_tty;
};

/* All [boot]: set up before the first stream_open. */
static struct channel channels[STREAM_COUNT];
static struct stream streams[STREAM_COUNT] = {
	{.in = &channels[0]},
	{.out = &channels[1]},
	{.out = &channels[2]},
};
/* What /dev/tty and /dev/console lead to. */
static struct stream terminal;

void stream_attach(unsigned which, const struct stream_ops *ops, void *arg)
{
	ASSERT(which < STREAM_COUNT);
	channels[which] = (struct channel){.ops = ops, .arg = arg};
}

void dev_set_terminals(const bool is_tty[3], u16 rows, u16 cols)
{
	terminal = (struct stream){0};
	for (unsigned i = 0; i < STREAM_COUNT; i++) {
		streams[i].is_tty = is_tty[i];
		streams[i].in = i == 0 || (is_tty[i] && is_tty[0]) ? &channels[0] : NULL;
		if (i > 0)
			streams[i].out = &channels[i];
		if (i > 0 && is_tty[i] && !terminal.out)
			terminal.out = &channels[i];
		terminal.is_tty |= is_tty[i];
	}
	if (is_tty[0])
		terminal.in = &channels[0];
	streams[0].out = is_tty[0] ? terminal.out : NULL;
	terminal_set_winsize(rows, cols);
}

static unsigned wait_mode(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK ? STREAM_NONBLOCK : 0;
}

static ssize_t stream_read(struct file *f, struct uio *u, u64 *offset __unused)
{
	const struct stream *s = f->private;

	if (!s->in)
		return s->is_tty ? -EIO : -EBADF;
	return s->in->ops ? s->in->ops->read(s->in->arg, u, wait_mode(f)) : 0;
}

static ssize_t stream_write(struct file *f, struct uio *u, u64 *offset __unused)
{
	const struct stream *s = f->private;

	if (!s->out)
		return s->is_tty ? -EIO : -EBADF;
	return s->out->ops ? s->out->ops->write(s->out->arg, u, wait_mode(f)) : -EPIPE;
}

static unsigned stream_poll(struct file *f, struct poll_table *t)
{
	const struct stream *s = f->private;
	unsigned events = 0;

	if (s->in && s->in->ops)
		events |= s->in->ops->poll_in(s->in->arg, t);
	else if (s->in)
		events |= POLLHUP;
	if (s->out && s->out->ops)
		events |= s->out->ops->poll_out(s->out->arg, t);
	else if (s->out)
		events |= POLLERR;
	/* A terminal's end of input is an end of file that read(2) shows. */
	if (s->is_tty && (events & POLLHUP))
		events |= POLLIN | POLLRDNORM;
	return events;
}

static int put_unread(const struct stream *s, u64 arg)
{
	int __user *user = (int __user *)arg;
	int bytes = s->in && s->in->ops ? (int)s->in->ops->unread(s->in->arg) : 0;

	return put_user(bytes, user) ? -EFAULT : 0;
}

static int stream_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	const struct stream *s = f->private;

	if (cmd == FIONREAD)
		return put_unread(s, arg);
	return s->is_tty ? terminal_ioctl(cmd, arg) : -ENOTTY;
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
	struct stream *s = &streams[which];
	u32 access = s->is_tty ? O_RDWR : which == 0 ? O_RDONLY : O_WRONLY;
	struct inode *inode = s->is_tty ? inode_create_anon(S_IFCHR | 0620, dev_make(HOST_TTY_MAJOR, 0))
					: inode_create_anon(S_IFIFO | 0600, 0);
	if (!inode)
		return NULL;
	inode_set_reopen(inode, &stream_file_ops, s);
	struct file *f = file_create(&stream_file_ops, inode, NULL, access, s);
	if (!f)
		inode_put(inode);
	return f;
}

static void flush(const struct channel *c)
{
	if (c->ops)
		c->ops->flush(c->arg);
}

void dev_flush_output(void)
{
	flush(&channels[1]);
	flush(&channels[2]);
}

/* ---- /dev/tty and /dev/console ---- */

static int tty_open(struct file *f __unused)
{
	return terminal.is_tty ? 0 : -ENXIO;
}

static int console_open(struct file *f __unused)
{
	return terminal.is_tty ? 0 : -ENODEV;
}

static const struct file_ops tty_ops = {
	.open = tty_open,
	.read = stream_read,
	.write = stream_write,
	.ioctl = stream_ioctl,
	.poll = stream_poll,
};

static const struct file_ops console_ops = {
	.open = console_open,
	.read = stream_read,
	.write = stream_write,
	.ioctl = stream_ioctl,
	.poll = stream_poll,
};

static const struct chardev tty_devices[] = {
	{.name = "tty", .major = TTY_MAJOR, .minor = 0, .mode = 0666, .ops = &tty_ops, .private = &terminal},
	{.name = "console",
	 .major = TTY_MAJOR,
	 .minor = 1,
	 .mode = 0600,
	 .ops = &console_ops,
	 .private = &terminal},
};

void stream_register_devices(void)
{
	chardev_register_all(tty_devices, ARRAY_SIZE(tty_devices));
}
