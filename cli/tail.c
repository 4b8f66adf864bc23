/* SPDX-License-Identifier: MIT */
/*
 * Outputs of a deterministic run. QEMU writes into memfds, which take any amount at once, so that the guest
 * never sees how fast its output is read. This thread follows them: inotify tells that one has grown, the
 * new bytes are copied on, and whole pages that have been copied are punched out again.
 *
 * So that a slow reader does not fill the host's memory, QEMU is stopped (SIGSTOP) for as long as a write
 * would have to wait. The guest's clock counts its instructions, so it cannot tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "streams.h"

#define PAGE_BYTES  4096
#define PUNCH_BYTES (1 << 20)

struct tail {
	struct pump pump; /* for streams_deliver() */
	off_t copied;	  /* bytes of the memfd that have been delivered */
	off_t punched;	  /* bytes of it that have been given back */
};

static bool would_wait(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};

	return poll(&wait, 1, 0) == 0;
}

/* One page at a time: so much a pipe takes without waiting once poll(2) says that it is writable. */
static void deliver(struct tail *tail, int qemu, const char *data, size_t bytes)
{
	bool wait = !tail->pump.broken && would_wait(tail->pump.to);

	if (wait)
		pidfd_send_signal(qemu, SIGSTOP, NULL, 0);
	streams_deliver(&tail->pump, data, bytes);
	if (wait)
		pidfd_send_signal(qemu, SIGCONT, NULL, 0);
}

static void follow(struct tail *tail, int qemu)
{
	char page[PAGE_BYTES];
	ssize_t n;

	while ((n = pread(tail->pump.from, page, sizeof(page), tail->copied)) > 0) {
		deliver(tail, qemu, page, (size_t)n);
		tail->copied += n;
		if (tail->copied - tail->punched < PUNCH_BYTES)
			continue;
		fallocate(tail->pump.from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, tail->punched,
			  (tail->copied & -PAGE_BYTES) - tail->punched);
		tail->punched = tail->copied & -PAGE_BYTES;
	}
}

static void watch_file(int inotify, int fd)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	/* Without inotify all output comes at the end, which is late but right. */
	(void)inotify_add_watch(inotify, name, IN_MODIFY);
}

/* Wait until a file has grown; false when the machine has ended. */
static bool wait_for_more(int inotify, int stop)
{
	struct pollfd waits[] = {{.fd = stop, .events = POLLIN}, {.fd = inotify, .events = POLLIN}};
	char events[sizeof(struct inotify_event) * 64];

	while (poll(waits, 2, -1) < 0 && errno == EINTR)
		;
	if (waits[1].revents & POLLIN && read(inotify, events, sizeof(events)) < 0)
		return false;
	return !(waits[0].revents & POLLIN);
}

/** tail_thread - carry both outputs of a deterministic run until streams_machine_ended() is called. */
void *tail_thread(void *argument)
{
	struct streams *s = argument;
	const struct machine *m = s->machine;
	struct tail tails[] = {
		{.pump = {.streams = s, .from = m->port[PORT_STDOUT], .to = STDOUT_FILENO}},
		{.pump = {.streams = s, .from = m->port[PORT_STDERR], .to = STDERR_FILENO}},
	};
	int inotify = inotify_init1(IN_CLOEXEC), qemu = pidfd_open(m->pid, 0);
	bool more;

	watch_file(inotify, tails[0].pump.from);
	watch_file(inotify, tails[1].pump.from);
	do {
		more = wait_for_more(inotify, s->stop);
		follow(&tails[0], qemu);
		follow(&tails[1], qemu);
	} while (more);
	close(inotify);
	close(qemu);
	return NULL;
}
