/* SPDX-License-Identifier: MIT */
/* room: task */
/* Between sending (signal_send.c) and delivering (signal.c). */
#ifndef TASK_SIGNAL_QUEUE_H
#define TASK_SIGNAL_QUEUE_H

#include <moat/signal.h>

#define SIGNALS_STOP (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

/* What is done with signo; never NULL. Own thread, or signals.lock held. */
const struct signal_action *signal_action_of(const struct signal_state *s, int signo);
/* Takes the next signal that is not in `blocked`: faults first, then by number. 0 when there is none. */
int signal_take(struct signal_state *s, u64 blocked, siginfo_t *info);

#endif
