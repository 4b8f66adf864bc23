/* SPDX-License-Identifier: MIT */
/*
 * The main thread while the machine lives: it sleeps in poll(2) until a signal, a pump or a deadline wants
 * something. Signals come through a signalfd, so that nothing here runs at an unexpected moment.
 *
 *     SIGINT SIGTERM SIGQUIT SIGHUP   forwarded to the program over the control port
 *     the second SIGINT or SIGTERM    besides: the machine is killed if it has not ended FORCE_NS later
 *     SIGWINCH                        the new size of the terminal is forwarded
 *     SIGTSTP                         the machine and this command stop, until SIGCONT
 *     SIGCHLD                         the machine has ended
 *
 * A signal that the caller of the command has set to be ignored (nohup, a background job) stays ignored.
 * A deterministic run has no way in for signals: the first one ends it.
 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "terminal.h"

#define APART_NS 100000000ULL  /* timeout(1) signals twice at once; a person does not */
#define FORCE_NS 2000000000ULL /* from the second SIGINT or SIGTERM to the kill */
#define DRAIN_NS 1000000000ULL /* how long a killed run may take to deliver its last output */
#define NEVER	 UINT64_MAX

struct watch {
	int signals;
	const struct machine *machine;
	struct streams *streams;
	const struct options *options;
	struct machine_end *end;
	bool ended;	  /* QEMU has been waited for */
	bool abandoned;	  /* what is left of the output is not waited for */
	bool told_pipe;	  /* the program has been sent SIGPIPE */
	uint64_t wish_ns; /* time of the last SIGINT or SIGTERM, 0: none yet */
	int force_signal; /* which it was */
	uint64_t run_deadline, force_deadline, drain_deadline;
};

static bool ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/**
 * watch_open - take over the signals: block them for all threads to come and open a signalfd for them.
 *
 * To be called before the machine and the threads are started. Returns 0, or a negative number with @v set.
 */
int watch_open(int *signals, struct verdict *v)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
	sigset_t wanted, blocked;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&wanted);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (!ignored(taken[i]))
			sigaddset(&wanted, taken[i]);
	}
	sigaddset(&wanted, SIGWINCH);
	sigaddset(&wanted, SIGCONT);
	sigaddset(&wanted, SIGCHLD);
	blocked = wanted;
	sigaddset(&blocked, SIGPIPE);
	sigaddset(&blocked, SIGTTIN);
	*signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*signals < 0 || sigprocmask(SIG_BLOCK, &blocked, NULL))
		return verdict_error(v, STATUS_MOAT_FAILED, "signals: %s", strerror(errno));
	return 0;
}

static void kill_machine(struct watch *w, enum end_cause cause, int signal)
{
	if (w->ended)
		return;
	w->end->cause = cause;
	w->end->signal = signal;
	kill(w->machine->pid, SIGKILL);
}

/* A line for the guest. It never waits: a guest that reads no control lines must not hang the command. */
static void tell(const struct watch *w, const char *line)
{
	if (!w->options->deterministic)
		send(w->machine->port[PORT_CONTROL], line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void tell_signal(struct watch *w, int signal)
{
	char line[32];

	if (w->options->deterministic) {
		kill_machine(w, END_SIGNAL, signal);
		return;
	}
	snprintf(line, sizeof(line), "signal %d\n", signal);
	tell(w, line);
}

static void tell_size(const struct watch *w)
{
	unsigned int rows, columns;
	char line[48];

	if (!terminal_size(&rows, &columns))
		return;
	snprintf(line, sizeof(line), "winsize %u %u\n", rows, columns);
	tell(w, line);
}

static void stop_and_continue(const struct watch *w)
{
	if (!w->ended)
		kill(w->machine->pid, SIGSTOP);
	terminal_give_back();
	raise(SIGSTOP);
	terminal_take_again();
	if (!w->ended)
		kill(w->machine->pid, SIGCONT);
}

/* The second wish that the program may end arms the kill. */
static void count_wish(struct watch *w, int signal)
{
	uint64_t now = monotonic_ns();

	if (w->wish_ns && now - w->wish_ns < APART_NS)
		return;
	if (w->wish_ns && w->force_deadline == NEVER)
		w->force_deadline = now + FORCE_NS;
	w->wish_ns = now;
	w->force_signal = signal;
}

static void on_ending_signal(struct watch *w, int signal)
{
	if (w->ended) {
		/* Only a reader who does not read is still waited for. */
		w->abandoned = true;
		w->end->cause = END_SIGNAL;
		w->end->signal = signal;
		return;
	}
	tell_signal(w, signal);
	if (signal == SIGINT || signal == SIGTERM)
		count_wish(w, signal);
}

static void on_child(struct watch *w)
{
	if (w->ended || waitpid(w->machine->pid, &w->end->wait_status, WNOHANG) != w->machine->pid)
		return;
	w->ended = true;
	w->end->wall_ns = monotonic_ns() - w->machine->start_ns;
	w->run_deadline = NEVER;
	w->force_deadline = NEVER;
	if (w->end->cause != END_BY_ITSELF)
		w->drain_deadline = monotonic_ns() + DRAIN_NS;
	streams_machine_ended(w->streams);
}

static void on_signals(struct watch *w)
{
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			on_child(w);
			break;
		case SIGWINCH:
			tell_size(w);
			break;
		case SIGTSTP:
			stop_and_continue(w);
			break;
		case SIGCONT:
			terminal_take_again();
			tell_size(w);
			sem_post(&w->streams->foreground);
			break;
		default:
			on_ending_signal(w, (int)info.ssi_signo);
			break;
		}
	}
}

static void on_streams(struct watch *w)
{
	eventfd_t count;

	(void)eventfd_read(w->streams->event, &count);
	if (atomic_load(&w->streams->escaped))
		kill_machine(w, END_SIGNAL, SIGKILL);
	if (!w->told_pipe && atomic_load(&w->streams->reader_gone)) {
		w->told_pipe = true;
		tell_signal(w, SIGPIPE);
	}
}

static void on_deadlines(struct watch *w)
{
	uint64_t now = monotonic_ns();

	if (now >= w->drain_deadline)
		w->abandoned = true;
	if (now >= w->force_deadline) {
		w->force_deadline = NEVER;
		kill_machine(w, END_SIGNAL, w->force_signal);
	}
	if (now >= w->run_deadline) {
		w->run_deadline = NEVER;
		kill_machine(w, END_TIMEOUT, 0);
	}
}

static uint64_t earliest(const struct watch *w)
{
	uint64_t first = w->run_deadline;

	first = w->force_deadline < first ? w->force_deadline : first;
	return w->drain_deadline < first ? w->drain_deadline : first;
}

static void wait_for_something(const struct watch *w)
{
	struct pollfd waits[] = {
		{.fd = w->signals, .events = POLLIN},
		{.fd = w->streams->event, .events = POLLIN},
	};
	uint64_t first = earliest(w), now = monotonic_ns(), left = first > now ? first - now : 0;
	struct timespec limit = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};

	ppoll(waits, 2, first == NEVER ? NULL : &limit, NULL);
}

/**
 * watch_machine - wait until the machine has ended and its output is delivered.
 * @signals: from watch_open().
 * @end: receives cause, signal, wait status, wall time and output error.
 */
void watch_machine(int signals, const struct machine *machine, struct streams *streams,
		   const struct options *options, struct machine_end *end)
{
	struct watch w = {
		.signals = signals,
		.machine = machine,
		.streams = streams,
		.options = options,
		.end = end,
		.run_deadline = options->timeout_ns ? machine->start_ns + options->timeout_ns : NEVER,
		.force_deadline = NEVER,
		.drain_deadline = NEVER,
	};

	*end = (struct machine_end){.cause = END_BY_ITSELF};
	while (!w.ended || (atomic_load(&streams->live) > 0 && !w.abandoned)) {
		wait_for_something(&w);
		on_signals(&w);
		on_streams(&w);
		on_deadlines(&w);
	}
	end->output_errno = atomic_load(&streams->output_errno);
}
