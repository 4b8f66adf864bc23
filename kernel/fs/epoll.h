/* SPDX-License-Identifier: MIT */
/* room: fs */
/* What the two files of epoll(7) share: see epoll.c. */
#ifndef FS_EPOLL_H
#define FS_EPOLL_H

#include <bsd/sys/tree.h>
#include <linux/eventpoll.h>
#include <moat/epoll.h>

/* One watched file: a row of what epoll_ctl(2) has set up. */
struct epoll_item {
	RB_ENTRY(epoll_item) node;	    /* [epoll's lock] */
	TAILQ_ENTRY(epoll_item) ready_link; /* [ready_lock] */
	LIST_ENTRY(epoll_item) file_link;   /* [links_lock] */
	struct epoll *epoll;		    /* [I] a reference */
	struct file *file;		    /* [I] without a reference: the item goes before the file */
	int fd;				    /* [I] */
	bool ready;			    /* [ready_lock] is on the list */
	bool dying;			    /* [links_lock] epoll_forget takes it away */
	u32 events;			    /* [epoll's lock for change, a for read] */
	u64 data;			    /* [epoll's lock] */
	u32 queues;			    /* [I once added] */
	struct waiter waiters[POLL_QUEUES];
};

RB_HEAD(epoll_items, epoll_item);
TAILQ_HEAD(epoll_ready, epoll_item);

struct epoll {
	struct refcount refs;	    /* its file, and each item */
	struct file *file;	    /* [I] without a reference */
	struct mutex lock;	    /* RANK_FILE; of several, from the one that watches to what it watches */
	struct epoll_items items;   /* [lock] */
	struct spinlock ready_lock; /* RANK_EPOLL */
	struct epoll_ready ready;   /* [ready_lock] oldest first */
	u32 ready_count;	    /* [ready_lock for change, a for read] */
	struct waitq waiters;	    /* who is in epoll_wait; RANK_EPOLL */
	struct waitq watchers;	    /* who polls its file; RANK_EPOLL */
	u64 visited;		    /* [graph_lock] the last walk that came here */
	int height;		    /* [graph_lock] what that walk found: levels of epoll files below */
};

static inline struct epoll *epoll_of(const struct file *f)
{
	return f->private;
}

/* --- epoll_graph.c --- */

void epoll_init(void); /* boot */

/* Is somebody watching this file? */
bool epoll_is_watched(const struct file *f);
/* The item is found by its file from now on, or no more. False: epoll_forget has it already, and takes it away. */
void epoll_link(struct epoll_item *item);
bool __must_check epoll_unlink(struct epoll_item *item);
/*
 * Around adding an item when epoll files watch one another. Begin checks that `target`, an epoll file, may be added: -ELOOP,
 * with nothing held; or it holds the graph's lock until epoll_nesting_end. `target` may be any file.
 */
int __must_check epoll_nesting_begin(struct epoll *e, struct file *target);
void epoll_nesting_end(void);
/* After epoll_link: whether one event may now wake too many. Graph's lock held; no epoll's. */
bool epoll_has_too_many_paths(struct file *target);

/* --- epoll.c --- */

RB_PROTOTYPE(epoll_items, epoll_item, node, item_cmp)

void epoll_put(struct epoll *e);
/* Takes an item away that was unlinked. Lock of its epoll held. */
void epoll_remove(struct epoll_item *item);

#endif
