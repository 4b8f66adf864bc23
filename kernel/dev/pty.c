/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals (pts(4)): a terminal whose far end is another program, the master.
 *
 *     open /dev/ptmx ──> number N, /dev/pts/N (locked until TIOCSPTLCK)
 *     master writes  ──> typed        near end writes ──> output ring ──> master reads
 *     near end closed: the master reads what is left, then EIO, until somebody opens it again
 *     master closed: hang-up; /dev/pts/N goes
 *
 * In packet mode (ioctl_tty(2), TIOCPKT) a master's read begins with a byte: 0 and data follow, or what has happened.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/major.h>
#include <moat/fs.h>
#include <moat/heap.h>
#include <moat/memdev.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "tty.h"

#define PTY_MAX	    1024u
#define PIECE_BYTES 512u

static struct tty *ptys[PTY_MAX]; /* [list] by number; the master's reference */

static const struct tty_driver pty_driver = {.major = UNIX98_PTY_SLAVE_MAJOR, .is_pty = true};
static const struct file_ops master_ops;

int pty_open_near(u32 number, struct tty **out)
{
	struct tty *t = number < PTY_MAX ? ptys[number] : NULL;

	if (!t || t->locked || t->master_closed)
		return -EIO;
	tty_get(t);
	*out = t;
	return 0;
}

void pty_near_closed(struct tty *t)
{
	__atomic_store_n(&t->near_closed, true, __ATOMIC_RELEASE);
	waitq_wake_all(&t->wait);
}

/* ---- opening and closing a master ---- */

/* List locked. */
static int make_pty(struct tty **out)
{
	struct tty_caller c;
	u32 number = 0;
	int err;

	while (number < PTY_MAX && ptys[number])
		number++;
	if (number == PTY_MAX)
		return -ENOSPC;
	*out = tty_create(&pty_driver, number);
	if (!*out)
		return -ENOMEM;
	(*out)->locked = true;
	tty_tasks->caller(&c);
	err = devpts_add(number, dev_make(UNIX98_PTY_SLAVE_MAJOR, number), c.uid, &tty_file_ops);
	if (err) {
		tty_put(*out);
		return err;
	}
	ptys[number] = *out;
	return 0;
}

static int master_open(struct file *f)
{
	struct tty_file *tf = kzalloc(sizeof(*tf));
	int err = -ENOMEM;

	f->private = NULL;
	if (!tf)
		return err;
	mutex_lock(&tty_list_lock);
	err = make_pty(&tf->tty);
	mutex_unlock(&tty_list_lock);
	if (err)
		kfree(tf);
	else
		f->private = tf;
	return err;
}

static void master_release(struct file *f)
{
	struct tty_file *tf = f->private;
	struct tty *t;

	if (!tf)
		return;
	t = tf->tty;
	mutex_lock(&tty_list_lock);
	__atomic_store_n(&t->master_closed, true, __ATOMIC_RELEASE);
	ptys[t->number] = NULL;
	devpts_remove(t->number);
	tty_hang_up_locked(t);
	mutex_unlock(&tty_list_lock);
	tty_put(t);
	kfree(tf);
}

/* ---- its bytes ---- */

static struct tty *tty_of(const struct file *f)
{
	const struct tty_file *tf = f->private;

	return tf->tty;
}

/* Something to read, or there will be nothing. Without the lock: a look. */
static bool master_readable(const struct tty *t)
{
	return ring_used(&t->output) || __atomic_load_n(&t->packet_status, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&t->near_closed, __ATOMIC_ACQUIRE);
}

/* What a read gets now: its bytes, a packet's first one included. */
static size_t take_output(struct tty *t, u8 *out, size_t max)
{
	struct tty_ring *r = &t->output;
	size_t n = 0, bytes;

	mutex_lock(&t->lock);
	if (t->packet && t->packet_status) {
		out[n++] = t->packet_status;
		t->packet_status = TIOCPKT_DATA;
	} else if (ring_used(r)) {
		if (t->packet)
			out[n++] = TIOCPKT_DATA;
		bytes = MIN(max - n, ring_used(r));
		for (size_t i = 0; i < bytes; i++)
			out[n++] = r->bytes[(r->tail + i) % TTY_RING_BYTES];
		__atomic_store_n(&r->tail, r->tail + (u32)bytes, __ATOMIC_RELEASE);
	}
	mutex_unlock(&t->lock);
	if (n)
		tty_kick(t);
	return n;
}

static ssize_t master_read(struct file *f, struct uio *u, u64 *offset)
{
	struct tty *t = tty_of(f);
	u8 piece[PIECE_BYTES];
	ssize_t done = 0;
	int err;

	(void)offset;
	while (u->left) {
		size_t n = take_output(t, piece, MIN(u->left, sizeof(piece))), moved;

		moved = uio_copy_out(u, piece, n);
		done += (ssize_t)moved;
		if (moved < n)
			return done ? done : -EFAULT;
		if (done && (t->packet || !n))
			break;
		if (n)
			continue;
		if (__atomic_load_n(&t->near_closed, __ATOMIC_ACQUIRE) && !ring_used(&t->output))
			return -EIO;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = WAIT_EVENT(&t->wait, master_readable(t));
		if (err)
			return err;
	}
	return done;
}

static size_t type_piece(struct tty *t, const u8 *bytes, size_t n)
{
	size_t taken;

	mutex_lock(&t->lock);
	taken = tty_type(t, bytes, n);
	mutex_unlock(&t->lock);
	if (taken)
		tty_kick(t);
	return taken;
}

static ssize_t master_write(struct file *f, struct uio *u, u64 *offset)
{
	struct tty *t = tty_of(f);
	u8 piece[PIECE_BYTES];
	size_t done = 0;
	int err = 0;

	(void)offset;
	while (u->left && !err) {
		size_t want = MIN(u->left, sizeof(piece)), copied = uio_copy_in(u, piece, want), taken = 0;

		while (taken < copied && !err) {
			size_t n = type_piece(t, piece + taken, copied - taken);

			taken += n;
			if (!n && (f->flags & O_NONBLOCK))
				err = -EAGAIN;
			else if (!n)
				err = WAIT_EVENT(&t->wait, ring_room(&t->backlog) > 0);
		}
		done += taken;
		if (!err && copied < want)
			err = -EFAULT;
	}
	return done ? (ssize_t)done : err;
}

static unsigned master_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = tty_of(f);
	unsigned events = 0;

	poll_add(pt, &t->wait);
	mutex_lock(&t->lock);
	if (ring_used(&t->output))
		events |= POLLIN | POLLRDNORM;
	if (t->packet && t->packet_status)
		events |= POLLPRI | POLLIN | POLLRDNORM;
	if (ring_room(&t->backlog) > TTY_RING_BYTES / 4)
		events |= POLLOUT | POLLWRNORM;
	mutex_unlock(&t->lock);
	return events | (__atomic_load_n(&t->near_closed, __ATOMIC_ACQUIRE) ? POLLHUP : 0);
}

/* ---- ioctl ---- */

/* TIOCGPTPEER: a descriptor of the near end, whatever path leads there. */
static int open_peer(const struct tty *t, u32 flags)
{
	struct fs_context *root = fs_context_create();
	struct file *f;
	char path[32];
	int fd;

	if (!root)
		return -ENOMEM;
	ksnprintf(path, sizeof(path), "/dev/pts/%u", t->number);
	fd = vfs_open(root, NULL, path, flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC), 0, &f);
	fs_context_put(root);
	if (fd)
		return fd;
	fd = tty_tasks->install(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int send_signal(const struct tty *t, u64 signo)
{
	int foreground = __atomic_load_n(&t->foreground, __ATOMIC_RELAXED);

	if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
		return -EINVAL;
	if (foreground)
		tty_tasks->signal_group(foreground, (int)signo);
	return 0;
}

static int set_packet(struct tty *t, bool packet)
{
	mutex_lock(&t->lock);
	if (packet && !t->packet)
		t->packet_status = 0;
	t->packet = packet;
	mutex_unlock(&t->lock);
	return 0;
}

static int set_locked(struct tty *t, bool locked)
{
	mutex_lock(&tty_list_lock);
	t->locked = locked;
	mutex_unlock(&tty_list_lock);
	return 0;
}

static int set_flag(struct tty *t, unsigned cmd, u64 arg)
{
	int on;

	if (get_user(on, (const int __user *)arg))
		return -EFAULT;
	return cmd == TIOCPKT ? set_packet(t, on) : set_locked(t, on);
}

static int master_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct tty *t = tty_of(f);
	int value;

	switch (cmd) {
	case TIOCSPTLCK:
	case TIOCPKT:
		return set_flag(t, cmd, arg);
	case TIOCGPTPEER:
		return open_peer(t, (u32)arg);
	case TIOCSIG:
		return send_signal(t, arg);
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
	case TIOCSCTTY:
	case TIOCNOTTY:
		return tty_job_ioctl(t, f, cmd, arg, false);
	case TIOCGPTN:
		value = (int)t->number;
		break;
	case TIOCGPTLCK:
		value = t->locked;
		break;
	case TIOCGPKT:
		value = t->packet;
		break;
	case FIONREAD:
		value = (int)ring_used(&t->output);
		break;
	case TIOCOUTQ:
		value = 0;
		break;
	default:
		return tty_common_ioctl(t, cmd, arg, false);
	}
	return put_user(value, (int __user *)arg) ? -EFAULT : 0;
}

static const struct file_ops master_ops = {
	.open = master_open,
	.read = master_read,
	.write = master_write,
	.ioctl = master_ioctl,
	.poll = master_poll,
	.release = master_release,
	.tells = true,
};

static const struct chardev devices[] = {
	{.name = "ptmx", .major = TTYAUX_MAJOR, .minor = 2, .mode = 0666, .ops = &master_ops},
};

void pty_register(void)
{
	chardev_register_all(devices, ARRAY_SIZE(devices));
}
