/* SPDX-License-Identifier: MIT */
/*
 * What was asked for and refused because it is not there: a short list of texts, each once, for the report. In a strict
 * run the first one ends the program, with the text as the reason.
 */
#include <arch/timer.h>
#include <moat/log.h>
#include <moat/printf.h>
#include <moat/run.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/task.h>

#define ITEMS_MAX 64
#define ITEM_MAX  48

struct run_policy run_policy;

static char items[ITEMS_MAX][ITEM_MAX]; /* [items_lock] */
static unsigned item_count;		/* [items_lock] */
static struct spinlock items_lock = SPINLOCK_INIT(RANK_TASKS);

static bool add(const char *text)
{
	u64 irq = spin_lock_irqsave(&items_lock);
	bool fresh = item_count < ITEMS_MAX;

	for (unsigned i = 0; i < item_count; i++)
		fresh &= strcmp(items[i], text) != 0;
	if (fresh)
		(void)str_copy(items[item_count++], text, ITEM_MAX);
	spin_unlock_irqrestore(&items_lock, irq);
	return fresh;
}

void unsupported_flag(const char *call, const char *what)
{
	struct process *p = current_process();
	char text[ITEM_MAX];

	(void)ksnprintf(text, sizeof(text), what[0] ? "%s: %s" : "%s%s", call, what);
	if (add(text))
		log_printf("sys: PID %d (%s) asked for %s, which is not supported\n", p->pid, p->name, text);
	if (run_policy.strict && p->aspace) {
		p->explain[0] = 0;
		process_explain(p, "strict run: %s is not supported", text);
		signal_force(SIGSYS, SI_KERNEL, 0);
	}
}

const char *unsupported_item(unsigned i)
{
	return i < item_count ? items[i] : NULL;
}
