/* SPDX-License-Identifier: MIT */
/*
 * select(2) and pselect6(2): three sets of descriptors as bit maps, read into poll items and written back.
 *
 * An item stands for one descriptor in any of the sets; the events that a set means are those of select(2),
 * "Correspondence between select() and poll() notifications".
 */
#include <asm/poll.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_poll.h"

enum {
	SET_READ,
	SET_WRITE,
	SET_EXCEPT,
	SETS,
	WORD_BITS = 64,
	FDS_MAX = 1 << 16, /* numbers above are never open in practice and not looked at */
};

static const u32 asked[SETS] = {
	POLLIN | POLLRDNORM | POLLRDBAND,
	POLLOUT | POLLWRNORM | POLLWRBAND,
	POLLPRI,
};
static const u32 shown[SETS] = {
	POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
	POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR,
	POLLPRI,
};

struct selection {
	size_t words;	 /* of one set */
	u64 last_mask;	 /* the bits of the last word that count */
	u64 *sets[SETS]; /* NULL: not given; inside `block` */
	u64 *block;
	struct poll_item *items; /* one for each descriptor that is in a set */
	size_t count;
};

/* The descriptors of one word that are in any set. */
static u64 wanted(const struct selection *s, size_t word)
{
	u64 bits = 0;

	for (int set = 0; set < SETS; set++)
		bits |= s->sets[set] ? s->sets[set][word] : 0;
	return word + 1 == s->words ? bits & s->last_mask : bits;
}

static bool in_set(const struct selection *s, int set, int fd)
{
	return s->sets[set] && (s->sets[set][fd / WORD_BITS] >> (fd % WORD_BITS) & 1);
}

/* The item of a descriptor that is in a set; -EBADF when it is not open. */
static int take_file(struct selection *s, int fd)
{
	struct poll_item *item = &s->items[s->count];

	item->file = sys_file(fd);
	if (!item->file)
		return -EBADF;
	item->fd = fd;
	for (int set = 0; set < SETS; set++)
		item->events |= in_set(s, set, fd) ? asked[set] : 0;
	s->count++;
	return 0;
}

static int take_files(struct selection *s)
{
	size_t count = 0;
	int err = 0;

	for (size_t word = 0; word < s->words; word++) {
		for (u64 left = wanted(s, word); left; left &= left - 1)
			count++;
	}
	s->items = kcalloc(MAX(count, 1ul), sizeof(*s->items));
	if (!s->items)
		return -ENOMEM;
	for (size_t word = 0; word < s->words && !err; word++) {
		for (u64 left = wanted(s, word); left && !err; left &= left - 1)
			err = take_file(s, (int)(word * WORD_BITS) + __builtin_ctzll(left));
	}
	return err;
}

/* Leaves in each set the descriptors that are ready in its sense; how many bits that is. */
static s64 keep_ready(struct selection *s)
{
	s64 bits = 0;

	for (int set = 0; set < SETS; set++) {
		u64 *words = s->sets[set];

		for (size_t i = 0; words && i < s->count; i++) {
			const struct poll_item *item = &s->items[i];
			u64 bit = 1ull << (item->fd % WORD_BITS), *word = &words[item->fd / WORD_BITS];

			if (!(*word & bit))
				continue;
			if (item->revents & shown[set])
				bits++;
			else
				*word &= ~bit;
		}
		if (words && s->words) /* stray bits behind the last descriptor go */
			words[s->words - 1] &= s->last_mask;
	}
	return bits;
}

static void selection_free(struct selection *s)
{
	for (size_t i = 0; i < s->count; i++)
		file_put(s->items[i].file);
	kfree(s->items);
	kfree(s->block);
}

/* Copies the sets in; *s is to be freed also after an error. */
static int selection_get(struct selection *s, int nfds, void __user *const user_sets[SETS])
{
	size_t fds = (size_t)MIN(nfds, FDS_MAX);

	if (nfds < 0)
		return -EINVAL;
	s->words = (fds + WORD_BITS - 1) / WORD_BITS;
	s->last_mask = fds % WORD_BITS ? (1ull << (fds % WORD_BITS)) - 1 : ~0ull;
	s->block = kcalloc(MAX(s->words, 1ul) * SETS, sizeof(u64));
	if (!s->block)
		return -ENOMEM;
	for (int set = 0; set < SETS; set++) {
		if (!user_sets[set])
			continue;
		s->sets[set] = s->block + (size_t)set * s->words;
		if (copy_from_user(s->sets[set], user_sets[set], s->words * sizeof(u64)))
			return -EFAULT;
	}
	return take_files(s);
}

static int selection_put(const struct selection *s, void __user *const user_sets[SETS])
{
	for (int set = 0; set < SETS; set++) {
		if (s->sets[set] && copy_to_user(user_sets[set], s->sets[set], s->words * sizeof(u64)))
			return -EFAULT;
	}
	return 0;
}

static s64 do_select(int nfds, void __user *const user_sets[SETS], u64 deadline_ns)
{
	struct selection s = {0};
	s64 result = selection_get(&s, nfds, user_sets);

	if (!result)
		result = poll_wait(s.items, s.count, deadline_ns);
	if (result >= 0) {
		result = keep_ready(&s);
		if (selection_put(&s, user_sets))
			result = -EFAULT;
	}
	selection_free(&s);
	return result;
}

/* struct timeval: microseconds; may exceed a second. */
static int timeval_deadline(const void __user *timeout, u64 *deadline_ns)
{
	struct __kernel_old_timeval tv;
	u64 us;

	*deadline_ns = POLL_FOREVER;
	if (!timeout)
		return 0;
	if (copy_from_user(&tv, timeout, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_sec < 0 || tv.tv_usec < 0)
		return -EINVAL;
	if (__builtin_mul_overflow((u64)tv.tv_sec, 1000000ull, &us) ||
	    __builtin_add_overflow(us, (u64)tv.tv_usec, &us) || us > INT64_MAX / 1000)
		return 0;
	*deadline_ns = clock_monotonic_ns() + us * 1000;
	return 0;
}

/* Linux writes back what is left of the time (select(2), "Linux notes"). */
static void put_timeval_left(void __user *timeout, u64 deadline_ns)
{
	u64 now = clock_monotonic_ns(), left_us = deadline_ns > now ? (deadline_ns - now) / 1000 : 0;
	struct __kernel_old_timeval tv = {.tv_sec = (s64)(left_us / 1000000),
					  .tv_usec = (s64)(left_us % 1000000)};

	if (timeout && deadline_ns != POLL_FOREVER)
		(void)!copy_to_user(timeout, &tv, sizeof(tv));
}

s64 sys_select(int nfds, void __user *readfds, void __user *writefds, void __user *exceptfds,
	       void __user *timeout)
{
	void __user *const sets[SETS] = {readfds, writefds, exceptfds};
	u64 deadline;
	s64 result = timeval_deadline(timeout, &deadline);

	if (result)
		return result;
	result = do_select(nfds, sets, deadline);
	put_timeval_left(timeout, deadline);
	return result;
}

s64 sys_pselect6(int nfds, void __user *readfds, void __user *writefds, void __user *exceptfds,
		 struct __kernel_timespec __user *timeout, const void __user *sig)
{
	void __user *const sets[SETS] = {readfds, writefds, exceptfds};
	struct {
		u64 mask, size; /* a pointer to a signal set, and its size: six arguments are all there are */
	} mask = {0};
	u64 deadline;
	s64 result;

	if (sig && copy_from_user(&mask, sig, sizeof(mask)))
		return -EFAULT;
	result = poll_deadline(timeout, &deadline);
	if (!result)
		result = poll_mask_begin((const void __user *)mask.mask, mask.size);
	if (result)
		return result;
	result = do_select(nfds, sets, deadline);
	poll_mask_end((const void __user *)mask.mask, result);
	poll_put_left(timeout, deadline);
	return result;
}
