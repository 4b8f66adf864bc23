/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: numbers to open file descriptions.
 *
 * Two bitmaps and an array, in one allocation that doubles: a number is taken when its bit in `used` is set;
 * it is reserved as long as its file is still NULL, which readers see as "not open". All of it is under one
 * spinlock; files are put, and memory is allocated and freed, outside of it.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/heap.h>
#include <moat/inotify.h>
#include <moat/string.h>
#include "inode.h"

enum {
	FD_FIRST_CAPACITY = 64,
	FD_MAX = 1 << 20, /* whatever the limit says */
	WORD_BITS = 64,
};

/* The part that is replaced when the table grows. */
struct slots {
	u32 capacity; /* a multiple of WORD_BITS */
	u64 *used, *cloexec;
	struct file **files;
};

struct fd_table {
	struct refcount refs;
	struct spinlock lock; /* RANK_FDTABLE */
	struct slots slots;   /* [lock] */
	u32 lowest;	      /* [lock] no number below it is free */
};

/* One block: files, then the two bitmaps; all zero. */
static int slots_create(struct slots *s, u32 capacity)
{
	size_t words = capacity / WORD_BITS;
	u8 *block = kzalloc(capacity * sizeof(struct file *) + 2 * words * sizeof(u64));

	if (!block)
		return -ENOMEM;
	s->capacity = capacity;
	s->files = (struct file **)block;
	s->used = (u64 *)(block + capacity * sizeof(struct file *));
	s->cloexec = s->used + words;
	return 0;
}

static void slots_destroy(struct slots *s)
{
	kfree(s->files);
}

static void slots_copy(struct slots *to, const struct slots *from)
{
	size_t words = from->capacity / WORD_BITS;

	memcpy(to->files, from->files, from->capacity * sizeof(struct file *));
	memcpy(to->used, from->used, words * sizeof(u64));
	memcpy(to->cloexec, from->cloexec, words * sizeof(u64));
}

static bool bit_get(const u64 *map, u32 n)
{
	return map[n / WORD_BITS] >> (n % WORD_BITS) & 1;
}

static void bit_set(u64 *map, u32 n, bool on)
{
	u64 bit = 1ull << (n % WORD_BITS);

	map[n / WORD_BITS] = on ? map[n / WORD_BITS] | bit : map[n / WORD_BITS] & ~bit;
}

struct fd_table *fd_table_create(void)
{
	struct fd_table *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	ref_init(&t->refs, 1);
	spin_init(&t->lock, RANK_FDTABLE);
	if (slots_create(&t->slots, FD_FIRST_CAPACITY)) {
		kfree(t);
		return NULL;
	}
	return t;
}

void fd_table_get(struct fd_table *t)
{
	ref_get(&t->refs);
}

bool fd_table_is_shared(const struct fd_table *t)
{
	return ref_read(&t->refs) > 1;
}

/* The file is no longer in the table: POSIX record locks of this owner go with any of its descriptors
 * (fcntl(2)). */
static void finish_close(struct fd_table *t, struct file *f)
{
	if (f->inode)
		file_locks_release(f->inode, t);
	if (unlikely(f->dnotify))
		dnotify_close(f, t);
	file_put(f);
}

/* Takes a file out; NULL when fd is not open. Table lock held. */
static struct file *take_locked(struct fd_table *t, u32 fd)
{
	struct file *f = fd < t->slots.capacity ? t->slots.files[fd] : NULL;

	if (!f)
		return NULL;
	t->slots.files[fd] = NULL;
	bit_set(t->slots.used, fd, false);
	bit_set(t->slots.cloexec, fd, false);
	t->lowest = MIN(t->lowest, fd);
	return f;
}

static struct file *take(struct fd_table *t, u32 fd)
{
	struct file *f;

	spin_lock(&t->lock);
	f = take_locked(t, fd);
	spin_unlock(&t->lock);
	return f;
}

/* Nobody else has the table: no lock is needed. */
void fd_table_put(struct fd_table *t)
{
	if (!t || !ref_put(&t->refs))
		return;
	for (u32 word = 0; word < t->slots.capacity / WORD_BITS; word++) {
		for (u64 left = t->slots.used[word]; left; left &= left - 1) {
			struct file *f = take_locked(t, word * WORD_BITS + (u32)__builtin_ctzll(left));

			if (f)
				finish_close(t, f);
		}
	}
	slots_destroy(&t->slots);
	kfree(t);
}

/* Makes room for number fd. 0 or -ENOMEM. */
static int grow(struct fd_table *t, u32 fd)
{
	u32 capacity = FD_FIRST_CAPACITY;
	struct slots new, old;

	while (capacity <= fd)
		capacity *= 2;
	if (slots_create(&new, capacity))
		return -ENOMEM;
	spin_lock(&t->lock);
	old = new;
	if (t->slots.capacity < capacity) {
		slots_copy(&new, &t->slots);
		old = t->slots;
		t->slots = new;
	}
	spin_unlock(&t->lock);
	slots_destroy(&old);
	return 0;
}

/* Shares every open file with a fresh, empty table of the same capacity. Lock of `from` held. */
static void share_files(struct fd_table *to, const struct fd_table *from)
{
	to->lowest = from->lowest;
	for (u32 word = 0; word < to->slots.capacity / WORD_BITS; word++) {
		u64 used = from->slots.used[word];

		for (u64 left = used; left; left &= left - 1) {
			u32 fd = word * WORD_BITS + (u32)__builtin_ctzll(left);
			struct file *f = from->slots.files[fd];

			to->slots.files[fd] = f;
			if (f) {
				file_get(f);
			} else {
				/* A reservation belongs to a thread of the other process. */
				used &= ~(left & -left);
				to->lowest = MIN(to->lowest, fd);
			}
		}
		to->slots.used[word] = used;
		to->slots.cloexec[word] = from->slots.cloexec[word] & used;
	}
}

struct fd_table *fd_table_copy(struct fd_table *t)
{
	struct fd_table *copy = fd_table_create();

	while (copy) {
		u32 capacity;
		bool fits;

		spin_lock(&t->lock);
		capacity = t->slots.capacity;
		fits = capacity == copy->slots.capacity;
		if (fits)
			share_files(copy, t);
		spin_unlock(&t->lock);
		if (fits)
			break;
		slots_destroy(&copy->slots);
		if (slots_create(&copy->slots, capacity)) {
			kfree(copy);
			copy = NULL;
		}
	}
	return copy;
}

void fd_table_close_on_exec(struct fd_table *t)
{
	for (u32 word = 0; word < t->slots.capacity / WORD_BITS; word++) {
		/* The table is the caller's own: no bit is set meanwhile. */
		for (u64 left = t->slots.cloexec[word]; left; left &= left - 1) {
			struct file *f = take(t, word * WORD_BITS + (u32)__builtin_ctzll(left));

			if (f)
				finish_close(t, f);
		}
	}
}

struct file *fd_get_path(struct fd_table *t, int fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if ((u32)fd < t->slots.capacity)
		f = t->slots.files[fd];
	if (f)
		file_get(f);
	spin_unlock(&t->lock);
	return f;
}

static struct file *find_open(const struct fd_table *t, int fd)
{
	struct file *f = likely((u32)fd < t->slots.capacity) ? t->slots.files[fd] : NULL;

	if (unlikely(!f || (f->flags & O_PATH)))
		return NULL;
	file_get(f);
	return f;
}

static __noinline struct file *find_open_shared(struct fd_table *t, int fd)
{
	struct file *f;

	spin_lock(&t->lock);
	f = find_open(t, fd);
	spin_unlock(&t->lock);
	return f;
}

/* A table with one reference is the current process's own and nobody else looks at it: no lock is needed. */
struct file *fd_get(struct fd_table *t, int fd)
{
	return likely(ref_read(&t->refs) == 1) ? find_open(t, fd) : find_open_shared(t, fd);
}

/* The lowest number >= min that is not used; may lie beyond the capacity. Table lock held. */
static u32 find_free(const struct fd_table *t, u32 min)
{
	u32 at = MAX(min, t->lowest);
	u64 below = at % WORD_BITS ? (1ull << (at % WORD_BITS)) - 1 : 0; /* bits that do not count */

	for (u32 word = at / WORD_BITS; word < t->slots.capacity / WORD_BITS; word++, below = 0) {
		u64 free = ~(t->slots.used[word] | below);

		if (free)
			return word * WORD_BITS + (u32)__builtin_ctzll(free);
	}
	return MAX(at, t->slots.capacity);
}

int fd_reserve(struct fd_table *t, int min, u64 limit, bool cloexec)
{
	limit = MIN(limit, (u64)FD_MAX);
	for (;;) {
		u32 fd;
		bool fits;

		spin_lock(&t->lock);
		fd = find_free(t, (u32)min);
		fits = fd < t->slots.capacity && fd < limit;
		if (fits) {
			bit_set(t->slots.used, fd, true);
			bit_set(t->slots.cloexec, fd, cloexec);
			if ((u32)min <= t->lowest)
				t->lowest = fd + 1;
		}
		spin_unlock(&t->lock);
		if (fits)
			return (int)fd;
		if (fd >= limit)
			return -EMFILE;
		if (grow(t, fd))
			return -ENOMEM;
	}
}

void fd_fill(struct fd_table *t, int fd, struct file *f)
{
	spin_lock(&t->lock);
	DEBUG_ASSERT(bit_get(t->slots.used, (u32)fd) && !t->slots.files[fd]);
	t->slots.files[fd] = f;
	spin_unlock(&t->lock);
}

void fd_unreserve(struct fd_table *t, int fd)
{
	spin_lock(&t->lock);
	DEBUG_ASSERT(bit_get(t->slots.used, (u32)fd) && !t->slots.files[fd]);
	bit_set(t->slots.used, (u32)fd, false);
	bit_set(t->slots.cloexec, (u32)fd, false);
	t->lowest = MIN(t->lowest, (u32)fd);
	spin_unlock(&t->lock);
}

int fd_install(struct fd_table *t, struct file *f, int min, u64 limit, bool cloexec)
{
	int fd = fd_reserve(t, min, limit, cloexec);

	if (fd >= 0)
		fd_fill(t, fd, f);
	return fd;
}

int fd_replace(struct fd_table *t, struct file *f, int fd, u64 limit, bool cloexec)
{
	struct file *old;
	bool busy;

	if (fd < 0 || (u64)fd >= MIN(limit, (u64)FD_MAX))
		return -EBADF;
	if ((u32)fd >= t->slots.capacity && grow(t, (u32)fd))
		return -ENOMEM;
	spin_lock(&t->lock);
	old = t->slots.files[fd];
	busy = !old && bit_get(t->slots.used, (u32)fd);
	if (!busy) {
		t->slots.files[fd] = f;
		bit_set(t->slots.used, (u32)fd, true);
		bit_set(t->slots.cloexec, (u32)fd, cloexec);
	}
	spin_unlock(&t->lock);
	if (old)
		finish_close(t, old);
	return busy ? -EBUSY : fd;
}

int fd_close(struct fd_table *t, int fd)
{
	struct file *f = take(t, (u32)fd);

	if (!f)
		return -EBADF;
	finish_close(t, f);
	return 0;
}

static void mark_cloexec(struct fd_table *t, u32 fd)
{
	spin_lock(&t->lock);
	if (fd < t->slots.capacity && t->slots.files[fd])
		bit_set(t->slots.cloexec, fd, true);
	spin_unlock(&t->lock);
}

void fd_close_range(struct fd_table *t, u32 first, u32 last, bool cloexec)
{
	for (u64 fd = first; fd <= last && fd < t->slots.capacity; fd++) {
		if (cloexec)
			mark_cloexec(t, (u32)fd);
		else
			(void)!fd_close(t, (int)fd);
	}
}

u32 fd_table_capacity(struct fd_table *t)
{
	u32 capacity;

	spin_lock(&t->lock);
	capacity = t->slots.capacity;
	spin_unlock(&t->lock);
	return capacity;
}

int fd_next(struct fd_table *t, int from)
{
	int found = -1;

	spin_lock(&t->lock);
	for (u32 fd = (u32)MAX(from, 0); fd < t->slots.capacity && found < 0; fd++) {
		if (t->slots.files[fd])
			found = (int)fd;
	}
	spin_unlock(&t->lock);
	return found;
}

int fd_get_cloexec(struct fd_table *t, int fd)
{
	int on = -EBADF;

	spin_lock(&t->lock);
	if ((u32)fd < t->slots.capacity && t->slots.files[fd])
		on = bit_get(t->slots.cloexec, (u32)fd);
	spin_unlock(&t->lock);
	return on;
}

int fd_set_cloexec(struct fd_table *t, int fd, bool cloexec)
{
	int err = -EBADF;

	spin_lock(&t->lock);
	if ((u32)fd < t->slots.capacity && t->slots.files[fd]) {
		bit_set(t->slots.cloexec, (u32)fd, cloexec);
		err = 0;
	}
	spin_unlock(&t->lock);
	return err;
}
