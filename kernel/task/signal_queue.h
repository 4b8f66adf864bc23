/* SPDX-License-Identifier: MIT */
/* room: task */
/* Between actions (signal_actions.c), sending (signal_send.c) and delivering (signal.c). All with the hand lock held. */
#ifndef TASK_SIGNAL_QUEUE_H
#define TASK_SIGNAL_QUEUE_H

#include <moat/signal.h>

struct process;
struct thread;
struct trap_frame;

#define SIGNALS_STOP (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

/* What is done with signo: SIG_DFL, SIG_IGN or an address. */
u64 signal_handler(const struct sighand *h, int signo);
struct signal_action sighand_action(const struct sighand *h, int signo);
void sighand_set_action(struct sighand *h, int signo, const struct signal_action *a);
/* Would signo do nothing when it is not blocked? */
bool signal_is_ignored(const struct sighand *h, int signo);

/* Removes what is pending of the signals in `which` for p or any of its threads. The entries go to `out`. */
void signal_unqueue_all(struct process *p, u64 which, struct signal_list *out);
/* Empties a queue of p; the entries go to `out`. */
void signal_queue_drain(struct process *p, struct signal_queue *q, struct signal_list *out);
/*
 * As signal_send, or with a thread signal_send_thread, for who has a right to an entry whatever the limit on them: *holder,
 * NULL before, is the entry as long as it is queued. Table locked.
 */
int signal_send_held(struct process *p, struct thread *only, const siginfo_t *info,
		     struct queued_signal **holder);
/* Takes a held entry off q, where it is; the caller frees it. */
void signal_unqueue_held(struct process *p, struct signal_queue *q, struct queued_signal *entry);
/* Frees entries; no lock needed. */
void signal_free_list(struct signal_list *list);
/*
 * Takes the next signal of q that is in `wanted`, which is not empty: faults first, then by number. Its entry, to be freed
 * by the caller, in *entry, or NULL when there was no memory for one.
 */
int signal_take(struct process *p, struct signal_queue *q, u64 wanted, struct queued_signal **entry);

/* signal_dequeue for SIGKILL and SIGSTOP too. No lock held. (signal.c) */
int signal_dequeue_any(u64 wanted, siginfo_t *info);
/* What t, the current thread, does about signo, which it has taken: SA_RESETHAND counts from now on. No lock held. */
void signal_use_action(struct thread *t, int signo, struct signal_action *a);
/* The process is stopped by signo from now on, or (0) runs. */
void signal_set_stopped(struct process *p, int signo);

/* Lets every thread of p look at what is pending: the one that was to take it does not. No lock held. */
void signal_retarget(struct process *p);

/* --- stopping (signal_stop.c) --- */

/* The current process stops because of signo, unless something speaks against it. No lock held. */
void signal_stop(struct process *p, int signo);
/* The current thread stands still as long as its process is stopped. No lock held. */
void signal_stand(struct process *p);
/* Counts t as one that stands, or will do nothing any more. True: it was the last one, and the parent is to be told. */
bool signal_count_standing(struct process *p, struct thread *t);

/* --- calls that start again (restart.c) --- */

/*
 * Starts the interrupted call of f again if it should: flags are those of the handler that is about to run; handled false:
 * none is.
 */
void restart_call(struct trap_frame *f, bool handled, u64 flags);
/*
 * The result of f's call as a tracer sees it: what is to start again has an error of its own, by which tracers know it. The
 * other one takes that back.
 */
s64 restart_shown(const struct trap_frame *f);
void restart_hide(struct trap_frame *f);

#endif
