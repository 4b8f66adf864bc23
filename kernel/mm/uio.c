/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes through a uio cursor.
 *
 *     segs     |------|    |--|   |-------------|
 *     cursor             at ─┘ └ seg_offset          left = all bytes behind the cursor
 *
 * Each mover goes piece by piece, a piece being what is left of one segment. A piece in user memory may end
 * early; then the cursor stands behind the last byte that was moved, and the mover stops. The one piece in user
 * memory that most calls have goes a short way of its own.
 */
#include <arch/uaccess.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/uio.h>

void uio_init_user_segs(struct uio *u, const struct uio_seg *segs, unsigned count)
{
	u->segs = segs;
	u->count = count;
	u->at = 0;
	u->seg_offset = 0;
	u->left = 0;
	u->peer_gone = u->no_signal = false;
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

size_t uio_user_piece(struct uio *u, u64 *base)
{
	return u->kernel ? 0 : next_piece(u, u->left, base);
}

/* True when all that is left is one piece in user memory; sets its address and cuts *n to what is left. */
static inline bool single_user_piece(const struct uio *u, size_t *n, u64 *base)
{
	*n = MIN(*n, u->left);
	*base = u->segs[0].base + u->seg_offset;
	return u->count == 1 && !u->kernel;
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

static __noinline size_t copy_out_pieces(struct uio *u, const void *src, size_t n)
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

size_t uio_copy_out(struct uio *u, const void *src, size_t n)
{
	u64 base;

	if (unlikely(!single_user_piece(u, &n, &base)))
		return copy_out_pieces(u, src, n);
	n -= copy_to_user(user_pointer(base), src, n);
	advance(u, n);
	return n;
}

static __noinline size_t copy_in_pieces(struct uio *u, void *dst, size_t n)
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

size_t uio_copy_in(struct uio *u, void *dst, size_t n)
{
	u64 base;

	if (unlikely(!single_user_piece(u, &n, &base)))
		return copy_in_pieces(u, dst, n);
	n -= copy_from_user(dst, user_pointer(base), n);
	advance(u, n);
	return n;
}

static __noinline size_t zero_out_pieces(struct uio *u, size_t n)
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

size_t uio_zero_out(struct uio *u, size_t n)
{
	u64 base;

	if (unlikely(!single_user_piece(u, &n, &base)))
		return zero_out_pieces(u, n);
	n -= clear_user(user_pointer(base), n);
	advance(u, n);
	return n;
}

void uio_skip(struct uio *u, size_t n)
{
	size_t piece;
	u64 base;

	if (likely(u->count == 1)) {
		advance(u, MIN(n, u->left));
		return;
	}
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
