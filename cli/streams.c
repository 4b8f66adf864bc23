/* SPDX-License-Identifier: MIT */
/*
 * Carrying bytes between the machine's channels and our own descriptors.
 *
 * Each channel has a thread that reads and writes and blocks: a reader who is slow holds up the program that
 * writes to it and nothing else, as a pipe would, and our standard streams, which other programs share,
 * keep their flags. When QEMU has ended, every channel delivers what is still in it and then end of file,
 * so that a pump which is done has carried everything.
 *
 *     stdin  --> input.c --> socket --> port 1
 *     stdout <-- pump    <-- socket <-- port 2       (a deterministic run: tail.c and memfds instead)
 *     stderr <-- pump    <-- socket <-- port 3
 *     report <-- pump    <-- socket <-- port 4
 *     log    <-- pump    <-- socket <-- debug console
 *
 * The main thread learns through `event` that a pump has ended or an output has broken; fields say in
 * brackets who may touch them.
 */
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "output.h"

#define CHUNK_BYTES    (64U << 10)
#define KEPT_BYTES_MAX (1U << 20)

static void notify(int event)
{
	/* It fails only when the counter is full, and then the reader will wake anyway. */
	(void)eventfd_write(event, 1);
}

/** streams_notify - something in @streams has changed: the main thread looks. */
void streams_notify(struct streams *streams)
{
	notify(streams->event);
}

/**
 * streams_deliver - write bytes to the pump's descriptor, on the pump's thread.
 *
 * Once a write has failed, this and all later bytes are thrown away: the machine must go on being drained.
 */
void streams_deliver(struct pump *pump, const char *data, size_t bytes)
{
	int error = pump->broken ? 0 : output_write(pump->to, data, bytes);

	if (error == 0)
		return;
	pump->broken = true;
	if (error == -EPIPE)
		atomic_store(&pump->streams->reader_gone, true);
	else
		atomic_store(&pump->streams->output_errno, -error);
	notify(pump->streams->event);
}

static void keep(struct pump *pump, const char *data, size_t bytes)
{
	size_t room = KEPT_BYTES_MAX - pump->kept_bytes;

	bytes = bytes < room ? bytes : room;
	pump->kept = must_grow(pump->kept, pump->kept_bytes + bytes + 1, 1);
	memcpy(pump->kept + pump->kept_bytes, data, bytes);
	pump->kept_bytes += bytes;
	pump->kept[pump->kept_bytes] = '\0';
}

static void take(struct pump *pump, const char *data, size_t bytes)
{
	switch ((enum pump_kind)(pump - pump->streams->pumps)) {
	case PUMP_OUTPUT:
	case PUMP_ERRORS:
		streams_deliver(pump, data, bytes);
		break;
	case PUMP_LOG:
		log_take(&pump->streams->log, data, bytes);
		break;
	default:
		keep(pump, data, bytes);
		break;
	}
}

static void *pump_thread(void *argument)
{
	struct pump *pump = argument;
	char *chunk = must_alloc(CHUNK_BYTES);
	ssize_t n;

	do {
		n = read(pump->from, chunk, CHUNK_BYTES);
		if (n > 0)
			take(pump, chunk, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (pump == &pump->streams->pumps[PUMP_LOG])
		log_finish(&pump->streams->log);
	free(chunk);
	atomic_store(&pump->done, true);
	atomic_fetch_sub(&pump->streams->live, 1);
	notify(pump->streams->event);
	return NULL;
}

/* The thread of the two memfds counts as one pump. */
static void *tail_pump_thread(void *argument)
{
	struct pump *pump = argument;

	tail_thread(pump->streams);
	atomic_store(&pump->done, true);
	atomic_fetch_sub(&pump->streams->live, 1);
	notify(pump->streams->event);
	return NULL;
}

static int start_pump(struct streams *s, enum pump_kind kind, int from, int to, void *(*thread)(void *))
{
	struct pump *pump = &s->pumps[kind];
	int error;

	pump->from = from;
	pump->to = to;
	atomic_fetch_add(&s->live, 1);
	error = pthread_create(&pump->thread, NULL, thread, pump);
	pump->started = error == 0;
	return -error;
}

static int start_pumps(struct streams *s, const struct machine *m, bool deterministic)
{
	pthread_t input;
	int error;

	error = start_pump(s, PUMP_LOG, m->log, STDERR_FILENO, pump_thread);
	if (!error)
		error = start_pump(s, PUMP_TEXT, m->text, -1, pump_thread);
	if (!error && deterministic)
		return start_pump(s, PUMP_OUTPUT, m->port[PORT_STDOUT], STDOUT_FILENO, tail_pump_thread);
	if (!error)
		error = start_pump(s, PUMP_OUTPUT, m->port[PORT_STDOUT], STDOUT_FILENO, pump_thread);
	if (!error)
		error = start_pump(s, PUMP_ERRORS, m->port[PORT_STDERR], STDERR_FILENO, pump_thread);
	if (!error)
		error = start_pump(s, PUMP_CONTROL, m->port[PORT_CONTROL], -1, pump_thread);
	if (!error)
		error = -pthread_create(&input, NULL, input_thread, s);
	if (!error)
		pthread_detach(input);
	return error;
}

/**
 * streams_start - start the threads for a machine that has been started.
 *
 * The signals that must not interrupt them are to be blocked beforehand; threads inherit the mask.
 * Returns 0, or a negative number with @v set.
 */
int streams_start(struct streams *streams, const struct machine *machine, const struct options *options,
		  struct verdict *v)
{
	int error;

	memset(streams, 0, sizeof(*streams));
	streams->machine = machine;
	streams->log.to = STDERR_FILENO;
	if (options->kernel_log)
		streams->log.show = LOG_SHOW_ALL;
	else if (options->strace)
		streams->log.show = LOG_SHOW_TRACE;
	for (int i = 0; i < PUMP_COUNT; i++)
		streams->pumps[i].streams = streams;
	sem_init(&streams->foreground, 0, 0);
	streams->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	streams->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (streams->event < 0 || streams->stop < 0)
		return verdict_error(v, STATUS_MOAT_FAILED, "eventfd: %s", strerror(errno));
	error = start_pumps(streams, machine, options->deterministic);
	if (error)
		return verdict_error(v, STATUS_MOAT_FAILED, "starting a thread: %s", strerror(-error));
	return 0;
}

/** streams_machine_ended - QEMU has been waited for: what its memfds hold now is all. */
void streams_machine_ended(struct streams *streams)
{
	notify(streams->stop);
}

static void read_control_file(struct pump *pump, int fd)
{
	char chunk[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		keep(pump, chunk, (size_t)n);
		at += n;
	}
}

/**
 * streams_finish - after the machine's end: collect the threads that are done.
 *
 * What a pump has kept may be read afterwards, and is NULL when nothing came or the pump is stuck.
 */
void streams_finish(struct streams *streams)
{
	struct pump *control = &streams->pumps[PUMP_CONTROL];

	for (int i = 0; i < PUMP_COUNT; i++) {
		struct pump *pump = &streams->pumps[i];

		if (pump->started && atomic_load(&pump->done))
			pthread_join(pump->thread, NULL);
	}
	if (!control->started) {
		read_control_file(control, streams->machine->port[PORT_CONTROL]);
		atomic_store(&control->done, true);
	}
}
