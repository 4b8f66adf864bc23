/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory (shmget(2), shmat(2)): a file in memory without a name, and an ID that leads to it.
 *
 *     table ──> segment ──> file <── VMA, VMA, …       a VMA holds the file: fork, unmapping and exit need no help
 *
 * So the number of attachments is the number of references to the file, less the segment's own. A segment that is
 * removed while it is attached stays in the table, without a key, until its file is released: that is the last detachment.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <moat/cred.h>
#include <moat/commit.h>
#include <moat/fs.h>
#include <moat/heap.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "sysv.h"

#define SHM_DEST      01000u /* removed, goes with the last attachment */
#define SHM_LOCKED    02000u
#define SHM_HUGETLB   04000
#define SHM_NORESERVE 010000
#define SHM_RDONLY    010000
#define SHM_RND	      020000
#define SHM_REMAP     040000
#define SHM_EXEC      0100000

struct segment {
	struct sysv sysv;
	struct file *file;		/* [I] a reference until it is removed */
	struct mobj *object;		/* [I] a reference */
	u64 size_bytes;			/* [I] */
	s64 attached_sec, detached_sec; /* [table] */
	int created_by, last_by;	/* [table] PIDs */
};

static struct segment *segment_of(struct sysv *o)
{
	return CONTAINER_OF(o, struct segment, sysv);
}

/* Nobody refers to the segment any more: it was removed, and the last attachment is gone. */
static void shm_release(struct file *f)
{
	struct segment *s = f->private;
	struct sysv_table *t = sysv_enter(SYSV_SHM);

	sysv_take_out(t, &s->sysv);
	sysv_leave(t);
	mobj_put(s->object);
	kfree(s);
}

static const struct file_ops shm_ops = {
	.release = shm_release,
};

static u64 attachments(const struct segment *s)
{
	u32 refs = ref_read(&s->file->refs), own = s->sysv.mode & SHM_DEST ? 0 : 1;

	return refs > own ? refs - own : 0;
}

/* IPC_RMID: it has no key any more; the first time, its own reference is to be dropped. */
static bool shm_gone(struct sysv *o)
{
	bool first = !(o->mode & SHM_DEST);

	o->key = IPC_PRIVATE;
	o->mode |= SHM_DEST;
	return first;
}

static void shm_destroy(struct sysv *o)
{
	file_put(segment_of(o)->file);
}

void shm_init(void)
{
	sysv_tables[SYSV_SHM].gone = shm_gone;
	sysv_tables[SYSV_SHM].destroy = shm_destroy;
}

/* A file of its own for the segment, over that of an anonymous file in memory, which names it in /proc/PID/maps. */
static int make_file(struct segment *s, s32 key, bool reserve)
{
	u64 pages = ALIGN_UP(s->size_bytes, PAGE_SIZE) >> PAGE_SHIFT;
	struct file *memory;
	char name[16];
	int err;

	if (reserve && !commit_allows(NULL, pages))
		return -ENOMEM;
	(void)ksnprintf(name, sizeof(name), "SYSV%08x", (u32)key);
	err = vfs_memfd(current_thread()->fs, name, 0, &memory);
	if (err)
		return err;
	err = vfs_ftruncate(memory, (s64)s->size_bytes, UINT64_MAX);
	s->object = err ? NULL : vfs_object(memory, &err);
	s->file = s->object ? file_create(&shm_ops, memory->inode, memory->dentry, O_RDONLY, s) : NULL;
	if (s->file) {
		inode_get(memory->inode);
		dentry_get(memory->dentry);
		if (reserve) {
			s->object->committed_pages = pages;
			commit_add((s64)pages);
		}
	} else if (s->object) {
		mobj_put(s->object);
		err = -ENOMEM;
	}
	file_put(memory);
	return err;
}

static int check_new(u64 size, int flags)
{
	u64 pages = ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;

	if (size == 0 || size > SHM_BYTES_MAX)
		return -EINVAL;
	if (flags & SHM_HUGETLB)
		return -ENOMEM; /* there is no pool of huge pages */
	return pages << PAGE_SHIFT > INT64_MAX ? -ENOSPC : 0;
}

/* A segment that no table knows yet. */
static int create(s32 key, u64 size, int flags, struct segment **out)
{
	struct segment *s;
	int err = check_new(size, flags);

	if (err)
		return err;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	ref_init(&s->sysv.refs, 1);
	s->size_bytes = size;
	s->created_by = current_process()->pid;
	err = make_file(s, key, !(flags & SHM_NORESERVE));
	if (err)
		kfree(s);
	else
		*out = s;
	return err;
}

/* The ID of what is there, or 1 for "make one". */
static int find(struct sysv_table *t, s32 key, u64 size, int flags, int *id)
{
	struct sysv *o;
	int err = sysv_get(t, key, flags, &o);

	if (err)
		return err;
	if (segment_of(o)->size_bytes < size)
		return -EINVAL;
	*id = o->id;
	return sysv_check_rights(o, (u32)flags);
}

int shm_get(s32 key, u64 size, int flags)
{
	struct sysv_table *t = sysv_enter(SYSV_SHM);
	struct segment *s = NULL;
	int id = 0, err = find(t, key, size, flags, &id);

	sysv_leave(t);
	if (err <= 0)
		return err ? err : id;
	err = create(key, size, flags, &s);
	if (err)
		return err;
	t = sysv_enter(SYSV_SHM);
	/* Somebody may have made it meanwhile. */
	err = find(t, key, size, flags, &id);
	if (err > 0) {
		err = 0;
		id = sysv_add(t, &s->sysv, key, flags);
		if (id >= 0)
			s = NULL;
	}
	sysv_leave(t);
	if (s)
		file_put(s->file);
	return err ? err : id;
}

/* Adds a reference to the file, unless the last one has gone already. */
static bool get_file(struct file *f)
{
	u32 n = ref_read(&f->refs);

	while (n) {
		if (__atomic_compare_exchange_n(&f->refs.n, &n, n + 1, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* The segment with a reference to its file, and the mapping that the flags ask for. */
static int prepare(int id, int flags, struct map_request *req, struct segment **out)
{
	u32 rights = 0444 | (flags & SHM_RDONLY ? 0 : 0222) | (flags & SHM_EXEC ? 0111 : 0);
	struct sysv_table *t = sysv_enter(SYSV_SHM);
	struct sysv *o;
	int err = sysv_find(t, id, rights, &o);

	if (!err) {
		*out = segment_of(o);
		if (get_file((*out)->file)) {
			req->len = (*out)->size_bytes;
			req->object = (*out)->object;
			req->file = (*out)->file;
		} else {
			err = -EIDRM;
		}
	}
	sysv_leave(t);
	req->vma_flags = VMA_SHARED | VMA_READ | (flags & SHM_RDONLY ? VMA_NO_WRITE : VMA_WRITE) |
			 (flags & SHM_EXEC ? VMA_EXEC : 0);
	return err;
}

/* Where the segment is to go. */
static int place(u64 addr, int flags, struct map_request *req)
{
	if (addr & (PAGE_SIZE - 1)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		addr = ALIGN_DOWN(addr, PAGE_SIZE);
	}
	if (!addr && (flags & SHM_REMAP))
		return -EINVAL;
	req->addr = addr;
	if (addr)
		req->how = flags & SHM_REMAP ? MAP_AT : MAP_AT_FREE;
	return 0;
}

static void note_attach(struct segment *s)
{
	struct sysv_table *t = sysv_enter(SYSV_SHM);

	s->attached_sec = sysv_now_sec();
	s->last_by = current_process()->pid;
	sysv_leave(t);
}

int shm_attach(int id, u64 addr, int flags, u64 *at)
{
	struct map_request req = {0};
	struct segment *s;
	int err = id < 0 ? -EINVAL : place(addr, flags, &req);

	if (!err)
		err = prepare(id, flags, &req, &s);
	if (err)
		return err;
	err = aspace_map(current_process()->aspace, &req, at);
	if (!err)
		note_attach(s);
	file_put(s->file);
	return err == -EEXIST ? -EINVAL : err;
}

static bool is_segment(const struct file *f, void *arg)
{
	const struct segment *s = f->private;

	if (f->ops != &shm_ops)
		return false;
	*(int *)arg = s->sysv.id;
	return true;
}

int shm_detach(u64 addr)
{
	struct sysv_table *t;
	struct sysv *o;
	int id, err;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	err = aspace_unmap_whole(current_process()->aspace, addr, is_segment, &id);
	if (err)
		return err;
	/* It may have gone with this attachment. */
	t = sysv_enter(SYSV_SHM);
	if (sysv_find(t, id, 0, &o) == 0) {
		segment_of(o)->detached_sec = sysv_now_sec();
		segment_of(o)->last_by = current_process()->pid;
	}
	sysv_leave(t);
	return 0;
}

int shm_stat(int id, enum sysv_look look, struct shmid64_ds *out)
{
	struct sysv_table *t = sysv_enter(SYSV_SHM);
	struct sysv *o;
	int result = sysv_find_for(t, id, look, &o);

	if (!result) {
		const struct segment *s = segment_of(o);

		memset(out, 0, sizeof(*out));
		sysv_put_perm(o, &out->shm_perm);
		out->shm_segsz = s->size_bytes;
		out->shm_atime = s->attached_sec;
		out->shm_dtime = s->detached_sec;
		out->shm_ctime = o->changed_sec;
		out->shm_cpid = s->created_by;
		out->shm_lpid = s->last_by;
		out->shm_nattch = attachments(s);
		result = look == LOOK_BY_ID ? 0 : o->id;
	}
	sysv_leave(t);
	return result;
}

/* Nothing is ever swapped out: a segment is locked in name only. */
int shm_set_locked(int id, bool locked)
{
	const struct process *p = current_process();
	struct sysv_table *t = sysv_enter(SYSV_SHM);
	struct sysv *o;
	int err = sysv_find(t, id, 0, &o);

	if (!err && !capable(CAP_IPC_LOCK) &&
	    ((current_cred()->euid != o->uid && current_cred()->euid != o->cuid) ||
	     (locked && p->limits[RLIMIT_MEMLOCK].soft == 0)))
		err = -EPERM;
	if (!err)
		o->mode = locked ? o->mode | SHM_LOCKED : o->mode & ~SHM_LOCKED;
	sysv_leave(t);
	return err;
}

u64 shm_total_pages(u64 *resident)
{
	struct sysv_table *t = sysv_enter(SYSV_SHM);
	struct sysv *o;
	u64 pages = 0;

	*resident = 0;
	for (u32 i = 0; (o = sysv_next(t, &i)); i++) {
		pages += ALIGN_UP(segment_of(o)->size_bytes, PAGE_SIZE) >> PAGE_SHIFT;
		*resident += mobj_resident_pages(segment_of(o)->object);
	}
	sysv_leave(t);
	return pages;
}

u64 shm_resident_bytes(int id)
{
	struct sysv_table *t = sysv_enter(SYSV_SHM);
	struct sysv *o;
	int err = sysv_find(t, id, 0, &o);
	u64 bytes = err ? 0 : mobj_resident_pages(segment_of(o)->object) << PAGE_SHIFT;

	sysv_leave(t);
	return bytes;
}
