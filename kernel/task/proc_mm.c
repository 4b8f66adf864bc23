/* SPDX-License-Identifier: MIT */
/*
 * The memory of a process as /proc shows it: maps, smaps, smaps_rollup, pagemap, clear_refs, and the sums in status.
 * This is the only file of /proc that looks at VMAs and page tables.
 *
 * A mapping is copied while the address space's lock is held and printed after, since names lie under a lock that
 * comes before it. The place in a listing is the address reached, so that what is unmapped meanwhile does no harm.
 */
#include <linux/limits.h>
#include <arch/mmu.h>
#include <moat/heap.h>
#include <moat/huge.h>
#include <moat/string.h>
#include <moat/usage.h>
#include "proc_internal.h"

#define NAME_COLUMN   73   /* of a line of maps */
#define ENTRIES_A_GO  4096 /* page-table entries looked at in one go, with the pmap locked */
#define KIB_OF(pages) ((ull)(pages) << (PAGE_SHIFT - 10))

/* One line of maps. */
struct mapping {
	struct range range;
	u32 flags;	   /* enum vma_flags */
	u64 offset;	   /* in its file, bytes */
	const char *name;  /* for what is no file; NULL: none */
	struct file *file; /* a reference, or NULL */
	bool object;	   /* it shows a memory object */
};

/* The name that Linux gives to a mapping without file. as->lock held. */
static const char *name_of(const struct aspace *as, const struct vma *v)
{
	if (v->flags & VMA_SPECIAL)
		return v->name;
	if (v->object)
		return "/dev/zero (deleted)";
	if (v->range.start < as->heap.end && v->range.end > as->heap.start)
		return "[heap]";
	if (v->range.start <= as->stack_start && v->range.end >= as->stack_start)
		return "[stack]";
	return NULL;
}

/* The first mapping that ends above addr; false: there is none. */
static bool mapping_next(struct aspace *as, u64 addr, struct mapping *out)
{
	struct vma *v;

	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	if (v) {
		*out = (struct mapping){
			.range = v->range,
			.flags = v->flags,
			.file = v->file,
			.object = v->object != NULL,
			.offset = v->object && !(v->flags & VMA_SPECIAL) ? v->object_offset : 0,
		};
		if (v->file)
			file_get(v->file);
		else
			out->name = name_of(as, v);
	}
	rwlock_read_done(&as->lock);
	return v != NULL;
}

static void put_file_name(struct proc_text *t, struct file *f)
{
	char *path = kmalloc(PATH_MAX);

	if (!path) {
		t->no_memory = true;
		return;
	}
	if (file_describe(f, path, PATH_MAX) >= 0)
		proc_put_escaped(t, path, "\n");
	kfree(path);
}

/* "start-end rights offset device inode   name", and gives the file's reference back. */
static void put_mapping(struct proc_text *t, const struct mapping *m)
{
	struct file_attr attr = {0};
	size_t line = t->len;

	if (m->file)
		inode_attr(m->file->inode, &attr);
	else if (m->object && !(m->flags & VMA_SPECIAL))
		attr.dev = dev_make(0, 1); /* the file system inside Linux that holds shared memory */
	proc_printf(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (ull)m->range.start,
		    (ull)m->range.end, m->flags & VMA_READ ? 'r' : '-', m->flags & VMA_WRITE ? 'w' : '-',
		    m->flags & VMA_EXEC ? 'x' : '-', m->flags & VMA_SHARED ? 's' : 'p', (ull)m->offset,
		    attr.dev >> 20, attr.dev & 0xfffff, (ull)attr.ino);
	if (m->file || m->name)
		proc_pad(t, line, NAME_COLUMN);
	if (m->file) {
		put_file_name(t, m->file);
		file_put(m->file);
	} else if (m->name) {
		proc_put(t, m->name, strlen(m->name));
	}
	proc_put(t, "\n", 1);
}

/* The next mapping at *pos, which moves behind it: 1, 0 at the end, -errno. *as gets a reference with 1. */
static int next_mapping(const struct proc_open *o, u64 *pos, struct aspace **as, struct mapping *m)
{
	int found = proc_opened_aspace(o, as);

	if (found || !*as)
		return found;
	found = mapping_next(*as, *pos, m);
	if (found)
		*pos = m->range.end;
	else
		aspace_put(*as);
	return found;
}

int proc_show_maps(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct mapping m;
	struct aspace *as;
	int more = next_mapping(o, pos, &as, &m);

	if (more > 0) {
		aspace_put(as);
		put_mapping(t, &m);
	}
	return more;
}

/* --- smaps --- */

/* What of a range is resident, in bytes. */
struct resident {
	u64 rss, pss_anon, pss_file, pss_shmem, pss_dirty;
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 referenced, anonymous, lazily_free, huge;
	/* of the walk */
	u64 at;
	unsigned left;
};

/* Each entry has one reference to the frame, and counts for all who have the entry's table; an object's own is none. */
u64 proc_page_users(const struct pmap_leaf *leaf)
{
	const struct page *page = pfn_to_page(leaf->pfn);
	u64 refs;

	if (leaf->size_bytes > PAGE_SIZE)
		page = pfn_to_page((pfn_t){ALIGN_DOWN(leaf->pfn.raw, HUGE_PAGES)});
	refs = frame_refs(page);
	if (page->owner != FRAME_ANON && refs > 1)
		refs--;
	return MAX(refs, 1u) + MAX(leaf->owners, 1u) - 1;
}

static bool count_entry(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	const struct page *page = pfn_to_page(leaf->pfn);
	u64 size = leaf->pages << PAGE_SHIFT, users, pss;
	bool anon = page->owner == FRAME_ANON, dirty = leaf->prot & PMAP_DIRTY;
	struct resident *r = arg;

	r->at = addr;
	if (r->left-- == 0)
		return false;
	if (frame_is_zero(page) || frame_is_guard(page))
		return true;
	/* Without rights an entry keeps no dirty bit; what was written stays written. */
	if (anon && !(leaf->prot & (PMAP_READ | PMAP_WRITE | PMAP_EXEC)))
		dirty = true;
	users = proc_page_users(leaf);
	pss = size / users;
	r->rss += size;
	*(anon ? &r->pss_anon : page->owner == FRAME_SHMEM ? &r->pss_shmem : &r->pss_file) += pss;
	if (dirty)
		r->pss_dirty += pss;
	if (users > 1)
		*(dirty ? &r->shared_dirty : &r->shared_clean) += size;
	else
		*(dirty ? &r->private_dirty : &r->private_clean) += size;
	if (anon)
		r->anonymous += size;
	if (anon && !dirty)
		r->lazily_free += size;
	if (anon && leaf->size_bytes == HUGE_BYTES)
		r->huge += size;
	if (leaf->prot & PMAP_ACCESSED)
		r->referenced += size;
	return true;
}

/* Adds what is resident in the range, some entries at a time. */
static void count_resident(struct aspace *as, struct range range, struct resident *r)
{
	do {
		r->left = ENTRIES_A_GO;
		r->at = range.end;
		rwlock_read(&as->lock);
		pmap_for_each(&as->pmap, range, count_entry, r);
		rwlock_read_done(&as->lock);
		range.start = r->left == UINT32_MAX ? r->at : range.end;
	} while (range.start < range.end);
}

static void put_kib(struct proc_text *t, const char *name, u64 bytes)
{
	size_t line = t->len;

	proc_put(t, name, strlen(name));
	proc_pad(t, line, 16);
	/* The longest name takes a column of the number's. */
	if (t->len - line > 16)
		proc_printf(t, "%7llu kB\n", (ull)bytes >> 10);
	else
		proc_printf(t, "%8llu kB\n", (ull)bytes >> 10);
}

/* What smaps and smaps_rollup have in common, from Shared_Clean on. */
static void put_resident(struct proc_text *t, const struct resident *r, u64 locked)
{
	put_kib(t, "Shared_Clean:", r->shared_clean);
	put_kib(t, "Shared_Dirty:", r->shared_dirty);
	put_kib(t, "Private_Clean:", r->private_clean);
	put_kib(t, "Private_Dirty:", r->private_dirty);
	put_kib(t, "Referenced:", r->referenced);
	put_kib(t, "Anonymous:", r->anonymous);
	put_kib(t, "KSM:", 0);
	put_kib(t, "LazyFree:", r->lazily_free);
	put_kib(t, "AnonHugePages:", r->huge);
	put_kib(t, "ShmemPmdMapped:", 0);
	put_kib(t, "FilePmdMapped:", 0);
	put_kib(t, "Shared_Hugetlb:", 0);
	put_kib(t, "Private_Hugetlb:", 0);
	put_kib(t, "Swap:", 0);
	put_kib(t, "SwapPss:", 0);
	put_kib(t, "Locked:", locked);
}

/* Linux's flags that follow from ours; bits that enum vma_flags does not have. */
enum {
	MAY_SHARE = 1 << 29,	   /* a shared mapping; one that cannot be written to is not "sh", though */
	MAY_WRITE_LATER = 1 << 30, /* mprotect(2) may add these */
	NOT_IO = 1 << 28,
};

static u32 with_derived_flags(u32 flags)
{
	u32 all = flags | (flags & VMA_IO ? 0 : (u32)NOT_IO);

	if (flags & VMA_SHARED)
		all |= MAY_SHARE;
	if (!(flags & VMA_NO_WRITE))
		return all | MAY_WRITE_LATER;
	return all & ~(u32)VMA_SHARED;
}

/* In the order of Linux's bits. */
static void put_vm_flags(struct proc_text *t, u32 vma_flags)
{
	const u32 flags = with_derived_flags(vma_flags);
	static const struct {
		u32 flag;
		char name[4];
	} names[] = {
		{VMA_READ, "rd "},
		{VMA_WRITE, "wr "},
		{VMA_EXEC, "ex "},
		{VMA_SHARED, "sh "},
		{0, "mr "},
		{MAY_WRITE_LATER, "mw "},
		{NOT_IO, "me "},
		{MAY_SHARE, "ms "},
		{VMA_GROWSDOWN, "gd "},
		{VMA_IO, "pf "},
		{VMA_MAY_GUARD, "gu "},
		{VMA_LOCKED, "lo "},
		{VMA_IO, "io "},
		{VMA_SEQUENTIAL, "sr "},
		{VMA_RANDOM, "rr "},
		{VMA_NO_FORK, "dc "},
		{VMA_SPECIAL, "de "},
		{VMA_LOCK_ON_FAULT, "lf "},
		{VMA_ACCOUNT, "ac "},
		{VMA_NORESERVE, "nr "},
		{VMA_WIPE_ON_FORK, "wf "},
		{VMA_NO_DUMP, "dd "},
		{VMA_HUGE, "hg "},
		{VMA_NO_HUGE, "nh "},
		{VMA_MERGEABLE, "mg "},
		{VMA_DROPPABLE, "dp "},
		{VMA_SEALED, "sl "},
	};

	proc_printf(t, "VmFlags: ");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!names[i].flag || (flags & names[i].flag))
			proc_put(t, names[i].name, 3);
	}
	proc_put(t, "\n", 1);
}

static u64 pss_of(const struct resident *r)
{
	return r->pss_anon + r->pss_file + r->pss_shmem;
}

int proc_show_smaps(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct resident r = {0};
	struct mapping m;
	struct aspace *as;
	bool huge;
	int more = next_mapping(o, pos, &as, &m);

	if (more <= 0)
		return more;
	count_resident(as, m.range, &r);
	huge = !m.object && huge_is_wanted(as, m.flags) &&
	       ALIGN_UP(m.range.start, HUGE_BYTES) + HUGE_BYTES <= m.range.end;
	aspace_put(as);
	put_mapping(t, &m);
	put_kib(t, "Size:", range_len(m.range));
	put_kib(t, "KernelPageSize:", PAGE_SIZE);
	put_kib(t, "MMUPageSize:", PAGE_SIZE);
	put_kib(t, "Rss:", r.rss);
	put_kib(t, "Pss:", pss_of(&r));
	put_kib(t, "Pss_Dirty:", r.pss_dirty);
	put_resident(t, &r, m.flags & VMA_LOCKED ? pss_of(&r) : 0);
	proc_printf(t, "THPeligible:           %d\n", huge);
	put_vm_flags(t, m.flags);
	return 1;
}

int proc_show_smaps_rollup(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct range all = {0, 0};
	u64 locked = 0;
	struct resident r = {0};
	struct mapping m;
	struct aspace *as;
	int more;

	while ((more = next_mapping(o, pos, &as, &m)) > 0) {
		u64 before = pss_of(&r);

		if (!all.end)
			all.start = m.range.start;
		all.end = m.range.end;
		count_resident(as, m.range, &r);
		locked += m.flags & VMA_LOCKED ? pss_of(&r) - before : 0;
		aspace_put(as);
		if (m.file)
			file_put(m.file);
		if (waitq_signal_due())
			return -EINTR;
	}
	if (more < 0)
		return more;
	m = (struct mapping){.range = all, .name = "[rollup]"};
	put_mapping(t, &m);
	put_kib(t, "Rss:", r.rss);
	put_kib(t, "Pss:", pss_of(&r));
	put_kib(t, "Pss_Dirty:", r.pss_dirty);
	put_kib(t, "Pss_Anon:", r.pss_anon);
	put_kib(t, "Pss_File:", r.pss_file);
	put_kib(t, "Pss_Shmem:", r.pss_shmem);
	put_resident(t, &r, locked);
	return 0;
}

/* --- pagemap --- */

#define PAGEMAP_PRESENT	  (1ull << 63)
#define PAGEMAP_SWAP	  (1ull << 62) /* so Linux keeps guards */
#define PAGEMAP_FILE	  (1ull << 61)
#define PAGEMAP_GUARD	  (1ull << 58)
#define PAGEMAP_EXCLUSIVE (1ull << 56)
#define PAGEMAP_CHUNK	  512u /* entries made at once */

struct pagemap {
	u64 first;    /* page number of entries[0] */
	u64 *entries; /* PAGEMAP_CHUNK of them */
	bool frames;  /* frame numbers are shown: to root only */
};

static bool fill_pagemap(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	const struct page *page = pfn_to_page(leaf->pfn);
	struct pagemap *p = arg;
	u64 entry = PAGEMAP_PRESENT, first = (addr >> PAGE_SHIFT) - p->first;

	if (frame_is_guard(page)) {
		p->entries[first] = PAGEMAP_SWAP | PAGEMAP_GUARD;
		return true;
	}
	if (page->owner == FRAME_CACHE || page->owner == FRAME_SHMEM)
		entry |= PAGEMAP_FILE;
	if (!frame_is_zero(page) && proc_page_users(leaf) == 1)
		entry |= PAGEMAP_EXCLUSIVE;
	for (u64 i = 0; i < leaf->pages; i++)
		p->entries[first + i] = entry | (p->frames ? leaf->pfn.raw + i : 0);
	return true;
}

/* Entries from byte *offset on; every one is 8 bytes, and nobody reads parts of one. */
static ssize_t read_pagemap(struct aspace *as, struct pagemap *p, struct uio *u, u64 *offset)
{
	const u64 pages = USER_TOP >> PAGE_SHIFT;
	u64 start = *offset;

	while (u->left && *offset / sizeof(u64) < pages && !waitq_kill_due()) {
		u64 n = MIN(MIN(u->left / sizeof(u64), (u64)PAGEMAP_CHUNK), pages - *offset / sizeof(u64));
		struct range range;
		size_t moved;

		waitq_give_way();
		p->first = *offset / sizeof(u64);
		range = (struct range){p->first << PAGE_SHIFT, (p->first + n) << PAGE_SHIFT};
		memset(p->entries, 0, n * sizeof(u64));
		rwlock_read(&as->lock);
		pmap_for_each(&as->pmap, range, fill_pagemap, p);
		rwlock_read_done(&as->lock);
		moved = uio_copy_out(u, p->entries, n * sizeof(u64));
		*offset += moved;
		if (moved < n * sizeof(u64))
			return *offset > start ? (ssize_t)(*offset - start) : -EFAULT;
	}
	return (ssize_t)(*offset - start);
}

ssize_t proc_read_pagemap(struct proc_open *o, struct uio *u, u64 *offset)
{
	struct pagemap p = {.frames = capable(CAP_SYS_ADMIN)};
	struct aspace *as;
	ssize_t n = proc_opened_aspace(o, &as);

	if (n || !as)
		return n;
	n = -ENOMEM;
	p.entries = kmalloc(PAGEMAP_CHUNK * sizeof(u64));
	if (*offset % sizeof(u64) || u->left % sizeof(u64))
		n = -EINVAL;
	else if (p.entries)
		n = read_pagemap(as, &p, u, offset);
	kfree(p.entries);
	aspace_put(as);
	return n;
}

/* What is written to clear_refs (proc(5)). */
enum {
	CLEAR_REFS_ALL = 1,
	CLEAR_REFS_PRIVATE,
	CLEAR_REFS_OBJECTS,
	CLEAR_REFS_SOFT_DIRTY, /* a bit that is not kept here */
	CLEAR_REFS_PEAK,
};

static int clear_refs(struct aspace *as, s64 what)
{
	switch (what) {
	case CLEAR_REFS_ALL:
		return aspace_forget_accessed(as, ASPACE_PRIVATE | ASPACE_OBJECTS);
	case CLEAR_REFS_PRIVATE:
		return aspace_forget_accessed(as, ASPACE_PRIVATE);
	case CLEAR_REFS_OBJECTS:
		return aspace_forget_accessed(as, ASPACE_OBJECTS);
	case CLEAR_REFS_PEAK:
		aspace_reset_peak(as);
		return 0;
	default:
		return 0;
	}
}

int proc_store_clear_refs(const struct proc_open *o, char *text, size_t len)
{
	struct aspace *as;
	s64 what;
	int err;

	(void)len;
	if (proc_parse(text, &what) || what < CLEAR_REFS_ALL || what > CLEAR_REFS_PEAK)
		return -EINVAL;
	err = proc_opened_aspace(o, &as);
	if (err || !as)
		return err;
	err = clear_refs(as, what);
	aspace_put(as);
	return err;
}

/* --- sums --- */

void mm_facts_read(struct aspace *as, const struct exec_facts *facts, struct mm_facts *out)
{
	u64 code = 0;

	*out = (struct mm_facts){0};
	rwlock_read(&as->lock);
	out->size = as->mapped_pages;
	out->peak_size = MAX(as->mapped_pages, as->mapped_peak);
	out->data = as->data_pages;
	out->stack = as->stack_pages;
	out->library = as->exec_pages;
	out->locked = as->locked_pages;
	out->heap = as->heap;
	rwlock_read_done(&as->lock);
	out->tables = pmap_table_pages(&as->pmap);
	out->anon = pmap_resident(&as->pmap, FRAME_ANON);
	out->file = pmap_resident(&as->pmap, FRAME_CACHE);
	out->shmem = pmap_resident(&as->pmap, FRAME_SHMEM);
	out->rss = out->anon + out->file + out->shmem;
	out->peak_rss = MAX(pmap_peak_pages(&as->pmap), out->rss);
	out->major = as->faults.major;
	out->refused = as->faults.refused;
	if (facts->code.end > facts->code.start)
		code = (ALIGN_UP(facts->code.end, PAGE_SIZE) - ALIGN_DOWN(facts->code.start, PAGE_SIZE)) >>
		       PAGE_SHIFT;
	out->code = MIN(code, out->library);
	out->library -= out->code;
}
