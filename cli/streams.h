/* SPDX-License-Identifier: MIT */
#ifndef CLI_STREAMS_H
#define CLI_STREAMS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "log.h"
#include "machine.h"
#include "options.h"

enum pump_kind {
	PUMP_OUTPUT, /* standard output; in a deterministic run standard error too */
	PUMP_ERRORS, /* standard error */
	PUMP_CONTROL,
	PUMP_LOG,
	PUMP_TEXT, /* QEMU's own output */
	PUMP_COUNT,
};

struct streams;

/* One thread that carries bytes from the machine until that channel ends. */
struct pump {
	struct streams *streams; /* [I] */
	pthread_t thread;	 /* [main thread] */
	bool started;		 /* [main thread] */
	int from;		 /* [I] */
	int to;			 /* [I] descriptor of ours, for PUMP_OUTPUT and PUMP_ERRORS */
	bool broken;		 /* [this pump] `to` takes no more; the rest is thrown away */
	char *kept;		 /* [this pump until done] NUL-terminated, for PUMP_CONTROL and PUMP_TEXT */
	size_t kept_bytes;	 /* [this pump until done] */
	atomic_bool done;
};

struct streams {
	const struct machine *machine; /* [I] */
	int event;		       /* [I] eventfd: something below has changed */
	int stop;		       /* [I] eventfd: the machine has ended (deterministic runs) */
	atomic_int live;	       /* pumps that have not ended */
	atomic_bool reader_gone;       /* a write to standard output or error met EPIPE */
	atomic_bool escaped;	       /* the escape key was pressed: the run ends */
	atomic_int output_errno;       /* another error of such a write, or 0 */
	sem_t foreground;	       /* posted on SIGCONT: the terminal may be readable now */
	struct log_filter log;	       /* [pump PUMP_LOG until done] */
	struct pump pumps[PUMP_COUNT];
};

int streams_start(struct streams *streams, const struct machine *machine, const struct options *options,
		  struct verdict *v);
void streams_machine_ended(struct streams *streams);
void streams_finish(struct streams *streams);
void streams_deliver(struct pump *pump, const char *data, size_t bytes);
void *tail_thread(void *argument);
void streams_notify(struct streams *streams);
void *input_thread(void *argument);
int input_collect(int *fd, struct verdict *v);

#endif
