/* SPDX-License-Identifier: MIT */
/* /proc/PID/numa_maps: for each mapping its memory policy, and how many of its pages are on which node (numa(7)). */
#include <linux/limits.h>
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/mempolicy.h>
#include <moat/string.h>
#include "proc_internal.h"

#define ENTRIES_A_GO 4096 /* page-table entries looked at in one go, with the pmap locked */

/* One line. */
struct numa_line {
	struct range range;
	struct mempolicy policy; /* of the VMA */
	struct file *file;	 /* a reference, or NULL */
	const char *word;	 /* " heap", " stack" or nothing */
	u64 pages, anon, dirty, most_users, on[NODES_MAX];
	/* of the walk */
	u64 at;
	unsigned left;
};

static bool count_entry(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	const struct page *page = pfn_to_page(leaf->pfn);
	struct numa_line *l = arg;

	l->at = addr;
	if (l->left-- == 0)
		return false;
	if (frame_is_zero(page) || frame_is_guard(page))
		return true;
	l->pages += leaf->pages;
	l->on[page->node] += leaf->pages;
	if (page->owner == FRAME_ANON)
		l->anon += leaf->pages;
	if (leaf->prot & PMAP_DIRTY)
		l->dirty += leaf->pages;
	l->most_users = MAX(l->most_users, proc_page_users(leaf));
	return true;
}

static void count_pages(struct aspace *as, struct numa_line *l)
{
	struct range r = l->range;

	do {
		l->left = ENTRIES_A_GO;
		l->at = r.end;
		rwlock_read(&as->lock);
		pmap_for_each(&as->pmap, r, count_entry, l);
		rwlock_read_done(&as->lock);
		r.start = l->left == UINT32_MAX ? l->at : r.end;
	} while (r.start < r.end);
}

static const char *word_of(const struct aspace *as, const struct vma *v)
{
	if (v->file || v->object)
		return "";
	if (v->range.start < as->heap.end && v->range.end > as->heap.start)
		return " heap";
	return v->range.start <= as->stack_start && v->range.end >= as->stack_start ? " stack" : "";
}

/* The first mapping that ends above addr; false: there is none. */
static bool line_next(struct aspace *as, u64 addr, struct numa_line *l)
{
	struct vma *v;

	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	if (v) {
		*l = (struct numa_line){
			.range = v->range, .policy = v->policy, .file = v->file, .word = word_of(as, v)};
		if (v->file)
			file_get(v->file);
	}
	rwlock_read_done(&as->lock);
	return v != NULL;
}

static void put_policy(struct proc_text *t, struct mempolicy p)
{
	static const char modes[MPOL_MAX][16] = {
		[MPOL_DEFAULT] = "default", [MPOL_PREFERRED] = "prefer",
		[MPOL_BIND] = "bind",	    [MPOL_INTERLEAVE] = "interleave",
		[MPOL_LOCAL] = "local",	    [MPOL_PREFERRED_MANY] = "prefer (many)",
	};

	proc_printf(t, "%s", modes[p.mode]);
	if (p.flags & MPOL_F_STATIC_NODES)
		proc_printf(t, "=static");
	else if (p.flags & MPOL_F_RELATIVE_NODES)
		proc_printf(t, "=relative");
	if (p.nodes) {
		proc_put(t, ":", 1);
		proc_put_set(t, p.nodes);
	}
}

static void put_file(struct proc_text *t, struct file *f)
{
	char *path = kmalloc(PATH_MAX);

	if (!path) {
		t->no_memory = true;
		return;
	}
	proc_put(t, " file=", 6);
	if (file_describe(f, path, PATH_MAX) >= 0)
		proc_put_escaped(t, path, "\n\t= ");
	kfree(path);
}

static void put_line(struct proc_text *t, const struct numa_line *l, struct mempolicy of_thread)
{
	proc_printf(t, "%08llx ", (ull)l->range.start);
	put_policy(t, mempolicy_is_default(l->policy) ? of_thread : l->policy);
	if (l->file)
		put_file(t, l->file);
	else
		proc_printf(t, "%s", l->word);
	if (l->anon)
		proc_printf(t, " anon=%llu", (ull)l->anon);
	if (l->dirty)
		proc_printf(t, " dirty=%llu", (ull)l->dirty);
	if (l->pages && l->pages != l->anon && l->pages != l->dirty)
		proc_printf(t, " mapped=%llu", (ull)l->pages);
	if (l->most_users > 1)
		proc_printf(t, " mapmax=%llu", (ull)l->most_users);
	for (unsigned node = 0; node < numa.nodes; node++) {
		if (l->on[node])
			proc_printf(t, " N%u=%llu", node, (ull)l->on[node]);
	}
	proc_printf(t, l->pages ? " kernelpagesize_kB=4\n" : "\n");
}

int proc_show_numa_maps(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct subject *s;
	struct aspace *as;
	struct numa_line l;
	int err = proc_opened_aspace(o, &as);

	if (err || !as)
		return err;
	err = subject_get(&o->key, &s);
	if (!err && line_next(as, *pos, &l)) {
		count_pages(as, &l);
		put_line(t, &l, s->policy);
		if (l.file)
			file_put(l.file);
		*pos = l.range.end;
		err = 1;
	}
	if (err >= 0)
		subject_put(s);
	aspace_put(as);
	return err;
}
