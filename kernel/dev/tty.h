/* SPDX-License-Identifier: MIT */
/* room: dev */
/*
 * A terminal, inside.
 *
 *              the far end                           the near end (programs)
 *
 *     keys ──> backlog ──> line discipline ──> input ──> read
 *                               │ echo
 *     screen <───────────── output <──────(OPOST)─────── write
 *
 * The far end is the machine's host (tty_console.c) or a pseudo-terminal's master (pty.c).
 *
 * Locks: tty_list_lock (RANK_PROCESS): which terminals there are, who has them open, whose they are. tty->write_lock
 * (RANK_FILE): one writer at a time. tty->lock (RANK_INODE): settings and bytes.
 */
#ifndef DEV_TTY_H
#define DEV_TTY_H

#include <asm/termios.h>
#include <moat/mutex.h>
#include <moat/refcount.h>
#include <moat/tty.h>

#define TTY_INPUT_BYTES 4096u  /* the longest line with its end, as on Linux; a power of two */
#define TTY_RING_BYTES	16384u /* a power of two */

/* Bytes on their way. Positions count for ever; byte i lies at i modulo the size. */
struct tty_ring {
	u8 *bytes;
	u32 head, tail;
};

static inline u32 ring_used(const struct tty_ring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
}

static inline u32 ring_room(const struct tty_ring *r)
{
	return TTY_RING_BYTES - ring_used(r);
}

/* What the line discipline has accepted. */
struct tty_input {
	u8 *bytes;
	u64 ends[TTY_INPUT_BYTES / 64]; /* a bit for each byte: a line ends with it */
	u32 head, tail;
	u32 lines; /* position behind the last complete line; head otherwise means the line being typed */
	u32 start_column;  /* where the line being typed begins on the screen */
	bool literal_next; /* VLNEXT was typed */
	bool erasing;	   /* ECHOPRT: a backslash is open */
	bool pushed;	   /* ICANON was switched on with bytes there: they count as a line without an end */
};

struct tty_driver {
	u32 major;
	bool is_pty;
	/* The output has bytes, and may go on. No lock held but perhaps write_lock. NULL: who reads them looks. */
	void (*start)(struct tty *t);
	/* All that was put out is with the far end: returns when it is, 0 or -EINTR. NULL: nothing to wait for. */
	int (*drain)(struct tty *t);
};

struct tty {
	struct refcount refs;		 /* open files, and who works with it */
	const struct tty_driver *driver; /* [I] */
	u32 number;			 /* [I] minor device number */
	struct mutex lock;
	struct mutex write_lock;
	struct waitq wait;	  /* anything that somebody may wait for */
	struct termios2 settings; /* [lock] */
	struct termios2 fixed;	  /* [lock] bits and keys of them that nobody changes: TIOCSLCKTRMIOS */
	struct winsize size;	  /* [lock] */
	struct tty_input input;	  /* [lock] */
	struct tty_ring backlog;  /* [lock] typed, and not accepted yet */
	struct tty_ring output;	  /* [lock] */
	u32 echo_start;		  /* [lock] output.head when the bytes that are being accepted began */
	u32 column;		  /* [lock] of the cursor */
	bool stopped;		  /* [lock for change, a for read] VSTOP, or: */
	bool held;		  /* [lock] tcflow(3): VSTART does not start it */
	bool input_ended;	  /* [a] the far end types no more */
	u32 generation;		  /* [a] files that were opened in an earlier one are hung up */
	int session, foreground;  /* [list for change, a for read] 0: none */
	u32 opens;		  /* [list] files of the near end, hung up or not */
	bool exclusive;		  /* [list] TIOCEXCL */
	/* pseudo-terminals */
	bool master_closed; /* [list for change, a for read] */
	bool near_closed;   /* [list for change, a for read] the near end was open and is not now */
	bool locked;	    /* [list] TIOCSPTLCK */
	bool packet;	    /* [lock] TIOCPKT */
	u8 packet_status;   /* [lock] TIOCPKT_* that the master has not read */
};

/* f->private of what is open; NULL: the open failed. */
struct tty_file {
	struct tty *tty;
	u32 generation; /* [I] of the terminal when it was opened */
};

extern struct mutex tty_list_lock;
extern const struct tty_task_ops *tty_tasks;

/* --- tty.c --- */
struct tty *__must_check tty_create(const struct tty_driver *driver, u32 number); /* one reference; or NULL */
static inline void tty_get(struct tty *t)
{
	ref_get(&t->refs);
}
void tty_put(struct tty *t);
struct tty *tty_console(void); /* or NULL; borrowed */

static inline bool tty_is_hung_up(const struct tty_file *tf)
{
	return __atomic_load_n(&tf->tty->generation, __ATOMIC_ACQUIRE) != tf->generation;
}

static inline bool tty_flag(const struct tty *t, u32 local)
{
	return t->settings.c_lflag & local;
}

static inline bool is_control(u8 c)
{
	return c < ' ' || c == 0x7f;
}

/* A byte in the middle of a character of UTF-8. */
static inline bool is_continuation(const struct tty *t, u8 c)
{
	return (t->settings.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* --- tty_file.c: the near end as a file --- */
extern const struct file_ops tty_file_ops; /* a pty's: opened by its number */
/* Makes f a file of t: the session leader's terminal, if it has none (unless O_NOCTTY). List locked. 0 or -ENOMEM. */
int __must_check tty_attach(struct file *f, struct tty *t);
void tty_file_register(void);

/* --- tty_read.c, tty_output.c --- */
ssize_t tty_read(struct file *f, struct uio *u, u64 *offset);
ssize_t tty_write(struct file *f, struct uio *u, u64 *offset);
/* One byte as OPOST has it, to a ring with room for 8. [lock] */
void tty_put_out(struct tty *t, u8 c);
/* One byte as it is. [lock] */
void tty_put_raw(struct tty *t, u8 c);
/* Can somebody read now? `poll`: as poll(2) sees it, VMIN counts. [lock] */
bool tty_has_input(const struct tty *t, bool poll);
size_t tty_unread(const struct tty *t); /* FIONREAD [lock] */
/* Output may go on, or not (VSTOP). [lock] */
void tty_set_stopped(struct tty *t, bool stopped);
/* After the lock is let go: the driver sends, waiters look. */
void tty_kick(struct tty *t);
/* tcdrain(3): 0 or -EINTR. No lock held. */
int tty_drain(struct tty *t);

/* --- tty_input.c: the line discipline --- */
/* Bytes that the far end typed; how many of them were taken. [lock] */
size_t tty_type(struct tty *t, const u8 *bytes, size_t n);
/* Moves the backlog on as far as there is room. [lock] */
void tty_advance(struct tty *t);
void tty_flush_input(struct tty *t);  /* what was accepted [lock] */
void tty_drop_typed(struct tty *t);   /* and the backlog [lock] */
void tty_flush_output(struct tty *t); /* [lock] */
/* The local flags were `old`. [lock] */
void tty_input_mode_changed(struct tty *t, u32 old);

/* --- tty_echo.c --- */
void tty_echo(struct tty *t, u8 c);	  /* as ECHOCTL has it [lock] */
void tty_echo_raw(struct tty *t, u8 c);	  /* [lock] */
void tty_echo_typed(struct tty *t, u8 c); /* a byte that is about to be put into the line [lock] */
void tty_finish_erasing(struct tty *t);	  /* [lock] */
void tty_erase(struct tty *t, u8 key);	  /* VERASE, VWERASE, VKILL [lock] */

/* --- tty_ioctl.c --- */
int tty_ioctl(struct file *f, unsigned cmd, u64 arg);
/* What master and near end have in common; `near`: by the near end. -ENOIOCTLCMD is not among the errors: -ENOTTY. */
int tty_common_ioctl(struct tty *t, unsigned cmd, u64 arg, bool near);
/* Sets the window's size; the foreground is told when it changed. */
void tty_resize(struct tty *t, const struct winsize *size);

/* --- tty_job.c --- */
/* May the current process, perhaps in the background, do this? signo: SIGTTIN, SIGTTOU. 0, -EIO, -EINTR. No lock. */
int tty_check_job(struct tty *t, int signo);
/* The ioctls about sessions; `near` as above. -ENOTTY: none of them. */
int tty_job_ioctl(struct tty *t, const struct file *f, unsigned cmd, u64 arg, bool near);
/* The current process, a leader without a terminal, gets this one, which has no session. List locked. */
void tty_make_controlling(struct tty *t, const struct tty_caller *c);
/* Its session and foreground group; 0: none. List locked. */
void tty_set_owner(struct tty *t, int session, int foreground);
void tty_hang_up(struct tty *t); /* no lock held */
/* tty_hang_up with the list locked. */
void tty_hang_up_locked(struct tty *t);

/* --- pty.c --- */
void pty_register(void);
/* The near end of that number for an open: a reference, list locked. -EIO: none, or its master has gone, or locked. */
int __must_check pty_open_near(u32 number, struct tty **out);
/* The last file of the near end went. List locked. */
void pty_near_closed(struct tty *t);

#endif
