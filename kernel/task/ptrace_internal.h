/* SPDX-License-Identifier: MIT */
/* room: task */
/* Between the files of ptrace(2). */
#ifndef TASK_PTRACE_INTERNAL_H
#define TASK_PTRACE_INTERNAL_H

#include <moat/ptrace.h>
#include "table.h"

/* May the current thread look into one with this identity (peek.c)? */
bool cred_may_peek(const struct cred *c, bool not_dumpable);
/* Is the current thread's tracer to be told of this event? */
bool ptrace_wants(unsigned event);
/* Which event that is: PTRACE_EVENT_*, or 0 when nobody wants to know. */
unsigned ptrace_clone_event(const struct clone_request *req);
/* Tells tr's tracer: CLD_* and its status. Table locked. */
void ptrace_tell(struct tracee *tr, int code, int status);
void free_processes(struct process_list *dead); /* no lock held (exit.c) */
/* Nobody traces the zombie p any more: its parent is told, unless that is `tracer`. Who is to be freed goes to dead. Table locked. (exit.c) */
void process_unveil(struct process *p, const struct process *tracer, struct process_list *dead);

#endif
