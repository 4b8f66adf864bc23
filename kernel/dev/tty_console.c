/* SPDX-License-Identifier: MIT */
/*
 * The terminal of the machine: /dev/hvc0, whose far end is the terminal that the moat command runs at, or the
 * serial line.
 *
 *     channel ──> typing thread ──> line discipline          (keys are acted on although nobody reads)
 *     channel <── chunk <── output ring                      whoever has put bytes there pushes them on
 *                   └────── sending thread                   what the channel does not take at once
 *
 * The sending thread also tells of new window sizes, which come in an interrupt.
 *
 * Locks: push_lock (RANK_FILE) for the chunk; then the terminal's.
 */
#include <asm/errno.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <moat/control.h>
#include <moat/dev.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "tty.h"
#include "tty_console.h"

#define HVC_MAJOR   229
#define CHUNK_BYTES 4096u
#define NO_SIZE	    UINT64_MAX

static struct {
	struct tty *tty;		  /* [boot] NULL: there is none */
	const struct stream_channel *in;  /* [boot] NULL: nobody types */
	const struct stream_channel *out; /* [boot] NULL: nobody looks */
	struct mutex push_lock;
	u8 chunk[CHUNK_BYTES];	    /* [push_lock] */
	size_t chunk_at, chunk_len; /* [push_lock] */
	bool stalled;		    /* [a] the channel was full: the sending thread goes on */
	struct waitq work;	    /* for the sending thread */
	u64 new_size;		    /* [a] rows << 16 | columns, or NO_SIZE */
} console = {.new_size = NO_SIZE};

struct tty *tty_console(void)
{
	return console.tty;
}

const char *tty_console_path(void)
{
	return "/dev/hvc0";
}

/* ---- output ---- */

/* The next bytes of the ring become the chunk. push_lock held. */
static void refill(struct tty *t)
{
	struct tty_ring *r = &t->output;
	u32 n;

	mutex_lock(&t->lock);
	n = t->stopped ? 0 : MIN(ring_used(r), CHUNK_BYTES);
	for (u32 i = 0; i < n; i++)
		console.chunk[i] = r->bytes[(r->tail + i) % TTY_RING_BYTES];
	__atomic_store_n(&r->tail, r->tail + n, __ATOMIC_RELEASE);
	mutex_unlock(&t->lock);
	console.chunk_at = 0;
	console.chunk_len = n;
	if (n)
		waitq_wake_all(&t->wait);
}

/* Sends what there is. False: the channel is full. What nobody takes is gone. push_lock held. */
static bool push_locked(struct tty *t, unsigned how)
{
	const struct stream_channel *out = console.out;

	for (;;) {
		struct uio u;
		ssize_t n;

		if (console.chunk_at == console.chunk_len)
			refill(t);
		if (console.chunk_at == console.chunk_len)
			return true;
		uio_init_kernel(&u, console.chunk + console.chunk_at, console.chunk_len - console.chunk_at);
		n = out && out->ops ? out->ops->write(out->arg, &u, how) : -EPIPE;
		if (n == -EAGAIN)
			return false;
		console.chunk_at = n > 0 ? console.chunk_at + (size_t)n : console.chunk_len;
	}
}

/* Whoever cannot get the lock leaves his bytes to its holder, who looks again after he has let go of it. */
static void console_push(struct tty *t)
{
	while (ring_used(&t->output) && !__atomic_load_n(&t->stopped, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&console.stalled, __ATOMIC_ACQUIRE) && mutex_trylock(&console.push_lock)) {
		if (!push_locked(t, STREAM_NONBLOCK)) {
			__atomic_store_n(&console.stalled, true, __ATOMIC_RELEASE);
			waitq_wake_all(&console.work);
		}
		mutex_unlock(&console.push_lock);
	}
}

static int console_drain(struct tty *t __unused)
{
	if (console.out && console.out->ops)
		console.out->ops->flush(console.out->arg);
	return 0;
}

static const struct tty_driver console_driver = {
	.major = HVC_MAJOR,
	.start = console_push,
	.drain = console_drain,
};

static void tell_size(struct tty *t)
{
	u64 size = __atomic_exchange_n(&console.new_size, NO_SIZE, __ATOMIC_ACQ_REL);
	struct winsize now = {.ws_row = (u16)(size >> 16), .ws_col = (u16)size};

	if (size != NO_SIZE)
		tty_resize(t, &now);
}

static bool has_work(void)
{
	return __atomic_load_n(&console.stalled, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&console.new_size, __ATOMIC_ACQUIRE) != NO_SIZE;
}

static void sending_thread(void *arg __unused)
{
	struct tty *t = console.tty;

	for (;;) {
		WAIT_EVENT_UNKILLABLE(&console.work, has_work());
		tell_size(t);
		if (!__atomic_load_n(&console.stalled, __ATOMIC_ACQUIRE))
			continue;
		mutex_lock(&console.push_lock);
		(void)push_locked(t, STREAM_UNINTERRUPTIBLE);
		__atomic_store_n(&console.stalled, false, __ATOMIC_RELEASE);
		mutex_unlock(&console.push_lock);
		console_push(t);
	}
}

void console_flush(void)
{
	if (!console.tty)
		return;
	mutex_lock(&console.push_lock);
	mutex_lock(&console.tty->lock);
	tty_set_stopped(console.tty, false);
	mutex_unlock(&console.tty->lock);
	(void)push_locked(console.tty, STREAM_UNINTERRUPTIBLE);
	mutex_unlock(&console.push_lock);
}

void terminal_set_winsize(u16 rows, u16 cols)
{
	__atomic_store_n(&console.new_size, (u64)rows << 16 | cols, __ATOMIC_RELEASE);
	if (console.tty)
		waitq_wake_all(&console.work);
}

/* ---- input ---- */

/* All bytes, however long the line discipline takes. */
static void type_all(struct tty *t, const u8 *bytes, size_t n)
{
	while (n) {
		size_t taken;

		mutex_lock(&t->lock);
		taken = tty_type(t, bytes, n);
		mutex_unlock(&t->lock);
		tty_kick(t);
		bytes += taken;
		n -= taken;
		if (n)
			WAIT_EVENT_UNKILLABLE(&t->wait, ring_room(&t->backlog) > 0);
	}
}

static void typing_thread(void *arg __unused)
{
	const struct stream_channel *in = console.in;
	struct tty *t = console.tty;
	u8 piece[256];

	for (;;) {
		struct uio u;
		ssize_t n;

		uio_init_kernel(&u, piece, sizeof(piece));
		n = in && in->ops ? in->ops->read(in->arg, &u, STREAM_UNINTERRUPTIBLE) : 0;
		if (n <= 0)
			break;
		type_all(t, piece, (size_t)n);
	}
	__atomic_store_n(&t->input_ended, true, __ATOMIC_RELEASE);
	tty_kick(t);
	for (struct waitq never;;) {
		waitq_init(&never);
		WAIT_EVENT_UNKILLABLE(&never, false);
	}
}

/* ---- start ---- */

int console_create(const struct stream_channel *in, const struct stream_channel *out, u16 rows, u16 cols,
		   bool host_edits)
{
	struct tty *t = tty_create(&console_driver, 0);

	if (!t)
		return -ENOMEM;
	mutex_init(&console.push_lock, RANK_FILE);
	waitq_init(&console.work);
	t->size = (struct winsize){.ws_row = rows, .ws_col = cols};
	t->settings.c_iflag |= IUTF8;
	if (host_edits) {
		/* The host's terminal does these for us. */
		t->settings.c_oflag &= ~(u32)OPOST;
		t->settings.c_lflag &= ~(u32)(ECHO | ISIG);
		t->settings.c_iflag &= ~(u32)(ICRNL | IXON);
	}
	console.in = in;
	console.out = out;
	console.tty = t;
	return 0;
}

struct tty *tty_console_start(int session, int foreground)
{
	struct tty *t = console.tty;

	if (!t)
		return NULL;
	t->session = session;
	t->foreground = foreground;
	if (tty_tasks->start_thread("tty-send", sending_thread) ||
	    tty_tasks->start_thread("tty-type", typing_thread))
		log_printf("tty: no memory for the terminal's threads\n");
	return t;
}
