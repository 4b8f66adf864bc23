/* SPDX-License-Identifier: MIT */
/*
 * Terminals: making and freeing one.
 */
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "tty.h"

#define CTRL(c) ((c)&0x1f)

struct mutex tty_list_lock;
const struct tty_task_ops *tty_tasks;

/* Those of a new terminal on Linux. */
static const struct termios2 first_settings = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc =
		{
			[VINTR] = CTRL('C'),
			[VQUIT] = CTRL('\\'),
			[VERASE] = 0x7f,
			[VKILL] = CTRL('U'),
			[VEOF] = CTRL('D'),
			[VMIN] = 1,
			[VSTART] = CTRL('Q'),
			[VSTOP] = CTRL('S'),
			[VSUSP] = CTRL('Z'),
			[VREPRINT] = CTRL('R'),
			[VDISCARD] = CTRL('O'),
			[VWERASE] = CTRL('W'),
			[VLNEXT] = CTRL('V'),
		},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

void tty_register_tasks(const struct tty_task_ops *ops)
{
	mutex_init(&tty_list_lock, RANK_PROCESS);
	tty_tasks = ops;
}

static void tty_free(struct tty *t)
{
	kfree(t->input.bytes);
	kfree(t->backlog.bytes);
	kfree(t->output.bytes);
	kfree(t);
}

struct tty *tty_create(const struct tty_driver *driver, u32 number)
{
	struct tty *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->input.bytes = kmalloc(TTY_INPUT_BYTES);
	t->backlog.bytes = kmalloc(TTY_RING_BYTES);
	t->output.bytes = kmalloc(TTY_RING_BYTES);
	if (!t->input.bytes || !t->backlog.bytes || !t->output.bytes) {
		tty_free(t);
		return NULL;
	}
	ref_init(&t->refs, 1);
	mutex_init(&t->lock, RANK_INODE);
	mutex_init(&t->write_lock, RANK_FILE);
	waitq_init(&t->wait);
	t->driver = driver;
	t->number = number;
	t->settings = first_settings;
	return t;
}

void tty_put(struct tty *t)
{
	if (ref_put(&t->refs))
		tty_free(t);
}

void tty_facts(const struct tty *t, int *number, int *foreground)
{
	*number = (int)(t->driver->major << 8 | (t->number & 0xff) | (t->number & ~0xffu) << 12);
	*foreground = __atomic_load_n(&t->foreground, __ATOMIC_RELAXED);
}
