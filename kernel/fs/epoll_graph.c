/* SPDX-License-Identifier: MIT */
/*
 * Who watches whom. From a file one comes to the items that watch it, and from there to the epoll file that they belong to,
 * which may be watched itself:
 *
 *     pipe <── item ── epoll A <── item ── epoll B          a wake goes from left to right, a look from right to left
 *
 * A wake runs along every path with interrupts off, a look takes one lock after the other. So no file may come to watch itself,
 * paths are NESTS_MAX epoll files long at most, and not too many of one length lead away from one file: the numbers
 * are Linux's.
 *
 * When the last reference to a file goes, its items go first (epoll_forget). The epoll file that an item belongs to may go at
 * the same time: whoever comes first takes the item. `dying` says that it is epoll_forget.
 *
 * Locks: graph_lock (RANK_FILE, before the locks of epoll files) while an item is added that makes paths longer. links_lock
 * (RANK_FDTABLE) around the lists of items that stand in files. An item that is in such a list and not dying keeps its epoll's
 * file alive as long as links_lock is held: that file's release takes such items out first.
 */
#include <asm/errno.h>
#include "epoll.h"

#define NESTS_MAX 4

static struct mutex graph_lock;
static struct spinlock links_lock = SPINLOCK_INIT(RANK_FDTABLE);
static u64 walks; /* [graph_lock] */

void epoll_init(void)
{
	mutex_init(&graph_lock, RANK_FILE);
}

bool epoll_is_watched(const struct file *f)
{
	return __atomic_load_n(&f->watchers.lh_first, __ATOMIC_ACQUIRE);
}

void epoll_link(struct epoll_item *item)
{
	spin_lock(&links_lock);
	LIST_INSERT_HEAD(&item->file->watchers, item, file_link);
	spin_unlock(&links_lock);
}

bool epoll_unlink(struct epoll_item *item)
{
	bool ours;

	spin_lock(&links_lock);
	ours = !item->dying;
	if (ours)
		LIST_REMOVE(item, file_link);
	spin_unlock(&links_lock);
	return ours;
}

/* An item that nobody else takes away now, or NULL. */
static struct epoll_item *claim_first(struct file *f)
{
	struct epoll_item *item;

	spin_lock(&links_lock);
	item = LIST_FIRST(&f->watchers);
	if (item)
		item->dying = true;
	spin_unlock(&links_lock);
	return item;
}

void epoll_forget(struct file *f)
{
	struct epoll_item *item;

	while ((item = claim_first(f))) {
		struct epoll *e = item->epoll;

		mutex_lock(&e->lock);
		spin_lock(&links_lock);
		LIST_REMOVE(item, file_link);
		spin_unlock(&links_lock);
		epoll_remove(item);
		mutex_unlock(&e->lock);
		epoll_put(e);
	}
}

/* --- nesting --- */

/* Levels of epoll files below e; more than NESTS_MAX also when `wanted` is among them. Graph's lock held. */
static int height(struct epoll *e, const struct epoll *wanted, int depth)
{
	struct epoll_item *item;
	int most = 0;

	if (e->visited == walks)
		return e->height;
	mutex_lock(&e->lock);
	e->visited = walks;
	RB_FOREACH (item, epoll_items, &e->items) {
		struct epoll *below = file_is_epoll(item->file) ? epoll_of(item->file) : NULL;

		if (!below)
			continue;
		if (below == wanted || depth > NESTS_MAX)
			most = NESTS_MAX + 1;
		else
			most = MAX(most, height(below, wanted, depth + 1) + 1);
		if (most > NESTS_MAX)
			break;
	}
	e->height = most;
	mutex_unlock(&e->lock);
	return most;
}

/* Levels of epoll files above f. links_lock held. */
static int levels_above(const struct file *f, int depth)
{
	const struct epoll_item *item;
	int most = 0;

	LIST_FOREACH (item, &f->watchers, file_link) {
		if (!item->dying && depth <= NESTS_MAX)
			most = MAX(most, levels_above(item->epoll->file, depth + 1) + 1);
	}
	return most;
}

int epoll_nesting_begin(struct epoll *e, struct file *target)
{
	int levels = 0;

	mutex_lock(&graph_lock);
	if (file_is_epoll(target)) {
		walks++;
		levels = height(epoll_of(target), e, 0);
		spin_lock(&links_lock);
		levels += 1 + levels_above(e->file, 0);
		spin_unlock(&links_lock);
	}
	if (levels <= NESTS_MAX)
		return 0;
	mutex_unlock(&graph_lock);
	return -ELOOP;
}

void epoll_nesting_end(void)
{
	mutex_unlock(&graph_lock);
}

/* --- paths --- */

struct path_count {
	unsigned of_length[NESTS_MAX + 1];
};

/* Counts the paths upwards from f that end in an epoll file nobody watches. True: too many. links_lock held. */
static bool count_paths(const struct file *f, struct path_count *count, int depth)
{
	static const unsigned limits[NESTS_MAX + 1] = {UINT32_MAX, 500, 100, 50, 10};
	const struct epoll_item *item;

	if (depth > NESTS_MAX)
		return true;
	LIST_FOREACH (item, &f->watchers, file_link) {
		if (item->dying)
			continue;
		if (LIST_EMPTY(&item->epoll->file->watchers)
			    ? ++count->of_length[depth] > limits[depth]
			    : count_paths(item->epoll->file, count, depth + 1))
			return true;
	}
	return false;
}

static bool leaf_has_too_many(const struct file *f)
{
	struct path_count count = {0};
	bool many;

	spin_lock(&links_lock);
	many = count_paths(f, &count, 0);
	spin_unlock(&links_lock);
	return many;
}

/* The same for each file at the ends of paths down from e. */
static bool any_leaf_has_too_many(struct epoll *e)
{
	struct epoll_item *item;
	bool many = false;

	if (e->visited == walks)
		return false;
	e->visited = walks;
	mutex_lock(&e->lock);
	RB_FOREACH (item, epoll_items, &e->items) {
		many = file_is_epoll(item->file) ? any_leaf_has_too_many(epoll_of(item->file))
						 : leaf_has_too_many(item->file);
		if (many)
			break;
	}
	mutex_unlock(&e->lock);
	return many;
}

bool epoll_has_too_many_paths(struct file *target)
{
	walks++;
	return file_is_epoll(target) ? any_leaf_has_too_many(epoll_of(target)) : leaf_has_too_many(target);
}
