/* SPDX-License-Identifier: MIT */
/*
 * What is done with each signal (sigaction(2)). The actions belong to a process, or to several that share them; with
 * them comes the lock of all their signals.
 *
 * Lock: sighand.lock (RANK_SIGNAL), interrupts off: interrupts send signals. A process gets other actions at execve only,
 * under the table's lock, which therefore keeps them in place for whoever looks at another process.
 */
#include <moat/heap.h>
#include <moat/string.h>
#include <moat/task.h>
#include "signal_names.h"
#include "signal_queue.h"

struct sighand *sighand_create(void)
{
	struct sighand *h = kmalloc(sizeof(*h));

	if (!h)
		return NULL;
	ref_init(&h->refs, 1);
	spin_init(&h->lock, RANK_SIGNAL);
	h->action_set = 0;
	return h;
}

struct sighand *sighand_copy(struct sighand *from)
{
	struct sighand *h = sighand_create();
	u64 irq;

	if (!h)
		return NULL;
	irq = spin_lock_irqsave(&from->lock);
	h->action_set = from->action_set;
	for (u64 left = from->action_set; left; left &= left - 1) {
		int i = __builtin_ctzll(left);

		h->actions[i] = from->actions[i];
		h->flags[i] = from->flags[i];
	}
	spin_unlock_irqrestore(&from->lock, irq);
	return h;
}

void sighand_put(struct sighand *h)
{
	if (h && ref_put(&h->refs))
		kfree(h);
}

void sighand_reset(struct sighand *h)
{
	u64 irq = spin_lock_irqsave(&h->lock);

	for (u64 left = h->action_set; left; left &= left - 1) {
		int i = __builtin_ctzll(left);

		if (h->actions[i].handler == (u64)SIG_IGN) {
			h->actions[i].restorer = h->actions[i].mask = 0;
			h->flags[i] = 0;
		} else {
			h->action_set &= ~SIGNAL_BIT(i + 1);
		}
	}
	spin_unlock_irqrestore(&h->lock, irq);
}

u64 signal_handler(const struct sighand *h, int signo)
{
	return h->action_set & SIGNAL_BIT(signo) ? h->actions[signo - 1].handler : (u64)SIG_DFL;
}

struct signal_action sighand_action(const struct sighand *h, int signo)
{
	int i = signo - 1;

	if (!(h->action_set & SIGNAL_BIT(signo)))
		return (struct signal_action){.handler = (u64)SIG_DFL};
	return (struct signal_action){h->actions[i].handler, h->flags[i], h->actions[i].restorer,
				      h->actions[i].mask};
}

void sighand_set_action(struct sighand *h, int signo, const struct signal_action *a)
{
	int i = signo - 1;

	h->actions[i].handler = a->handler;
	h->actions[i].restorer = a->restorer;
	h->actions[i].mask = a->mask;
	h->flags[i] = (u32)a->flags;
	h->action_set |= SIGNAL_BIT(signo);
}

struct signal_action signal_get_action(struct process *p, int signo)
{
	struct sighand *h = p->signals.hand;
	u64 irq = spin_lock_irqsave(&h->lock);
	struct signal_action a = sighand_action(h, signo);

	spin_unlock_irqrestore(&h->lock, irq);
	return a;
}

bool signal_is_ignored(const struct sighand *h, int signo)
{
	u64 handler = signal_handler(h, signo);

	if (signo == SIGKILL || signo == SIGSTOP)
		return false;
	return handler == (u64)SIG_IGN ||
	       (handler == (u64)SIG_DFL && signal_default(signo) == SIGNAL_DEFAULT_IGNORE);
}

void signal_set_action(int signo, const struct signal_action *a)
{
	struct signal_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct process *p = current_process();
	struct sighand *h = p->signals.hand;
	u64 irq = spin_lock_irqsave(&h->lock);

	sighand_set_action(h, signo, a);
	if (signal_is_ignored(h, signo))
		signal_unqueue_all(p, SIGNAL_BIT(signo), &dropped);
	spin_unlock_irqrestore(&h->lock, irq);
	signal_free_list(&dropped);
}
