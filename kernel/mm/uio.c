/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes through a uio cursor.
 *
 *     segs     |------|    |--|   |-------------|
 *     cursor             at ─┘ └ seg_offset          left = all bytes behind the cursor
 *
 * Each mover goes piece by piece, a piece being what is left of one segment. A piece in user memory may end
 * early; then the cursor stands behind the last byte that was moved, and the mover stops.
 */
#include <arch/uaccess.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/uio.h>

static void init_one(struct uio *u, u64 base, size_t len)
{
	u->one = (struct uio_seg){.base = base, .len = len};
	u->segs = &u->one;
	u->count = 1;
	u->at = 0;
	u->seg_offset = 0;
	u->left = len;
}

void uio_init_user(struct uio *u, void __user *buf, size_t len)
{
	init_one(u, (u64)(__force uintptr_t)buf, len);
	u->kernel = false;
}

void uio_init_kernel(struct uio *u, void *buf, size_t len)
{
	init_one(u, (u64)(uintptr_t)buf, len);
	u->kernel = true;
}

void uio_init_user_segs(struct uio *u, const struct uio_seg *segs, unsigned count)
{
	u->segs = segs;
	u->count = count;
	u->at = 0;
	u->seg_offset = 0;
	u->left = 0;
	u->kernel = false;
	for (unsigned i = 0; i < count; i++)
		u->left += segs[i].len;
}

/* The next piece: its address, and its length up to n bytes. Steps over finished and empty segments. */
static size_t next_piece(struct uio *u, size_t n, u64 *base)
{
	const struct uio_seg *seg;

	n = MIN(n, u->left);
	if (n == 0)
		return 0;
	while (u->seg_offset == u->segs[u->at].len) {
		u->at++;
		u->seg_offset = 0;
		DEBUG_ASSERT(u->at < u->count);
	}
	seg = &u->segs[u->at];
	*base = seg->base + u->seg_offset;
	return MIN(n, seg->len - u->seg_offset);
}

static void advance(struct uio *u, size_t n)
{
	u->seg_offset += n;
	u->left -= n;
}

static void *kernel_pointer(u64 base)
{
	return (void *)(uintptr_t)base;
}

static void __user *user_pointer(u64 base)
{
	return (__force void __user *)(uintptr_t)base;
}

size_t uio_copy_out(struct uio *u, const void *src, size_t n)
{
	const u8 *from = src;
	size_t done = 0, piece, missing = 0;
	u64 base;

	while (missing == 0 && (piece = next_piece(u, n - done, &base)) > 0) {
		if (u->kernel)
			memcpy(kernel_pointer(base), from + done, piece);
		else
			missing = copy_to_user(user_pointer(base), from + done, piece);
		advance(u, piece - missing);
		done += piece - missing;
	}
	return done;
}

size_t uio_copy_in(struct uio *u, void *dst, size_t n)
{
	u8 *to = dst;
	size_t done = 0, piece, missing = 0;
	u64 base;

	while (missing == 0 && (piece = next_piece(u, n - done, &base)) > 0) {
		if (u->kernel)
			memcpy(to + done, kernel_pointer(base), piece);
		else
			missing = copy_from_user(to + done, user_pointer(base), piece);
		advance(u, piece - missing);
		done += piece - missing;
	}
	return done;
}

size_t uio_zero_out(struct uio *u, size_t n)
{
	size_t done = 0, piece, missing = 0;
	u64 base;

	while (missing == 0 && (piece = next_piece(u, n - done, &base)) > 0) {
		if (u->kernel)
			memset(kernel_pointer(base), 0, piece);
		else
			missing = clear_user(user_pointer(base), piece);
		advance(u, piece - missing);
		done += piece - missing;
	}
	return done;
}

void uio_skip(struct uio *u, size_t n)
{
	size_t piece;
	u64 base;

	while ((piece = next_piece(u, n, &base)) > 0) {
		advance(u, piece);
		n -= piece;
	}
}

/* How many of the n bytes at a user address can be read, looking at one byte of each page. */
static size_t readable_prefix(u64 base, size_t n)
{
	size_t done = 0;
	u8 byte;

	while (done < n) {
		if (copy_from_user(&byte, user_pointer(base + done), 1))
			return done;
		done += MIN(n - done, PAGE_SIZE - (base + done) % PAGE_SIZE);
	}
	return n;
}

size_t uio_fault_in(struct uio *u, size_t n)
{
	struct uio probe = *u;
	size_t done = 0, piece, good;
	u64 base;

	if (u->kernel)
		return MIN(n, u->left);
	if (u->segs == &u->one)
		probe.segs = &probe.one;
	while ((piece = next_piece(&probe, n - done, &base)) > 0) {
		good = readable_prefix(base, piece);
		advance(&probe, good);
		done += good;
		if (good < piece)
			break;
	}
	return done;
}
