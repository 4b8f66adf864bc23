/* SPDX-License-Identifier: MIT */
/*
 * The terminal's settings (ioctl_tty(2), termios(3)).
 *
 * The terminal itself is the host's: it echoes, edits lines and turns keys into signals, which arrive through
 * the control port. What a program sets here is stored and read back. The settings at start are those of a
 * new Linux pseudoterminal.
 */
#include <arch/uaccess.h>
#include <asm/errno.h>
#include <asm/termios.h>
#include <moat/dev.h>
#include <moat/spinlock.h>
#include <moat/string.h>
#include <moat/stream.h>

#define CTRL(c) ((c)&0x1f)

static struct spinlock lock = SPINLOCK_INIT(RANK_VIRTIO);

static struct {
	struct termios2 settings; /* [lock] */
	struct winsize size;	  /* [lock] */
	int session, foreground;  /* [lock] */
} terminal = {
	.settings =
		{
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
		},
};

void terminal_set_winsize(u16 rows, u16 cols)
{
	u64 irq = spin_lock_irqsave(&lock);

	terminal.size.ws_row = rows;
	terminal.size.ws_col = cols;
	spin_unlock_irqrestore(&lock, irq);
}

void dev_set_terminal_owner(int session, int foreground)
{
	u64 irq = spin_lock_irqsave(&lock);

	terminal.session = session;
	terminal.foreground = foreground;
	spin_unlock_irqrestore(&lock, irq);
}

/* Copies `bytes` of the terminal's state out to the program. */
static int show(u64 arg, const void *state, size_t bytes)
{
	u8 copy[sizeof(terminal.settings)];
	u64 irq = spin_lock_irqsave(&lock);

	memcpy(copy, state, bytes);
	spin_unlock_irqrestore(&lock, irq);
	return copy_to_user((void __user *)arg, copy, bytes) ? -EFAULT : 0;
}

/* Takes `bytes` of state from the program. */
static int store(u64 arg, void *state, size_t bytes)
{
	u8 copy[sizeof(terminal.settings)];

	if (copy_from_user(copy, (const void __user *)arg, bytes))
		return -EFAULT;
	u64 irq = spin_lock_irqsave(&lock);
	memcpy(state, copy, bytes);
	spin_unlock_irqrestore(&lock, irq);
	return 0;
}

static int set_foreground(u64 arg)
{
	int group;

	if (copy_from_user(&group, (const void __user *)arg, sizeof(group)))
		return -EFAULT;
	if (group < 0)
		return -EINVAL;
	u64 irq = spin_lock_irqsave(&lock);
	terminal.foreground = group;
	spin_unlock_irqrestore(&lock, irq);
	return 0;
}

/* struct termios is the first part of struct termios2. */
int terminal_ioctl(unsigned cmd, u64 arg)
{
	const int nothing = 0;

	switch (cmd) {
	case TCGETS:
		return show(arg, &terminal.settings, sizeof(struct termios));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return store(arg, &terminal.settings, sizeof(struct termios));
	case TCGETS2:
		return show(arg, &terminal.settings, sizeof(struct termios2));
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return store(arg, &terminal.settings, sizeof(struct termios2));
	case TIOCGWINSZ:
		return show(arg, &terminal.size, sizeof(terminal.size));
	case TIOCSWINSZ:
		return store(arg, &terminal.size, sizeof(terminal.size));
	case TIOCGPGRP:
		return show(arg, &terminal.foreground, sizeof(terminal.foreground));
	case TIOCGSID:
		return show(arg, &terminal.session, sizeof(terminal.session));
	case TIOCSPGRP:
		return set_foreground(arg);
	case TIOCOUTQ:
		return show(arg, &nothing, sizeof(nothing));
	case TCFLSH:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TIOCSCTTY:
		return 0;
	default:
		return -ENOTTY;
	}
}
