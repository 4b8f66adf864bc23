/* SPDX-License-Identifier: MIT */
/*
 * The user-access module (arch/uaccess.h): checks where a pointer points, never what is there; that is left to the
 * hardware and the exception table, so a page that another thread unmaps in between is no race.
 *
 * SMAP is opened only inside usercopy.S. Statistics are plain per-machine counters: exact on one CPU, and on several
 * good enough to read (an increment may be lost, nothing else).
 */
#include <asm/errno.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/mmu.h>
#include <arch/uaccess.h>
#include <moat/aspace.h>
#include <moat/kasan.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/string.h>

u64 user_copy(void *dst, const void *src, u64 n);
u64 user_clear(void *dst, u64 n);
u32 user_peek(const u32 *word, u32 *value);
u32 user_exchange(u32 *word, u32 *seen, u32 desired);
u32 user_try_exchange(u32 *word, u32 *seen, u32 desired);
u64 user_strcopy(char *dst, const char *src, u64 max, u64 *length);

static inline struct uaccess_stats *counted(void)
{
	return &this_cpu()->user_copies;
}

static inline bool in_user_half(u64 addr, size_t len)
{
	/* No sum that could wrap: len against the whole of it, then the start against what len leaves of it. */
	return len <= USER_TOP - USER_MIN && addr - USER_MIN <= USER_TOP - USER_MIN - len;
}

/* True when the range may be touched by a copy: counts what is refused. */
static inline bool usable(const void __user *p, size_t len)
{
	if (likely(this_cpu()->user_pmap && in_user_half((__force u64)p, len))) {
		struct uaccess_stats *stats = counted();

		stats->copies++;
		stats->bytes += len;
		return true;
	}
	counted()->bad_pointers++;
	return false;
}

int validate_user_pointer(const void __user *p, size_t len, enum user_access access)
{
	if (access != USER_READ && access != USER_WRITE)
		return -EINVAL;
	if (len == 0 || in_user_half((__force u64)p, len))
		return 0;
	counted()->bad_pointers++;
	return -EFAULT;
}

size_t copy_from_user(void *dst, const void __user *src, size_t n)
{
	size_t left = n;

	kasan_write(dst, n);
	if (likely(n && usable(src, n)))
		left = user_copy(dst, (const __force void *)src, n);
	if (unlikely(left)) {
		counted()->faults_refused++;
		memset((char *)dst + (n - left), 0, left);
	}
	return left;
}

size_t copy_to_user(void __user *dst, const void *src, size_t n)
{
	size_t left = n;

	kasan_read(src, n);
	if (likely(n && usable(dst, n)))
		left = user_copy((__force void *)dst, src, n);
	if (unlikely(left))
		counted()->faults_refused++;
	return left;
}

size_t clear_user(void __user *dst, size_t n)
{
	size_t left = n;

	if (likely(n && usable(dst, n)))
		left = user_clear((__force void *)dst, n);
	if (unlikely(left))
		counted()->faults_refused++;
	return left;
}

enum { STRING_FOUND = 0, STRING_TOO_LONG = 1, STRING_FAULT = 2 };

/* dst NULL: only measures. */
static ssize_t copy_string(char *dst, const char __user *src, size_t max)
{
	u64 addr = (__force u64)src, length = 0;
	size_t reach;

	if (max == 0)
		return -ENAMETOOLONG;
	if (!this_cpu()->user_pmap || !in_user_half(addr, 1)) {
		counted()->bad_pointers++;
		return -EFAULT;
	}
	counted()->strings++;
	reach = MIN(max, USER_TOP - addr);
	switch (user_strcopy(dst, (const __force char *)src, reach, &length)) {
	case STRING_FOUND:
		return (ssize_t)length;
	case STRING_TOO_LONG:
		/* The end of user space is not a terminator. */
		return reach < max ? -EFAULT : -ENAMETOOLONG;
	default:
		counted()->faults_refused++;
		return -EFAULT;
	}
}

ssize_t strncpy_from_user(char *dst, const char __user *src, size_t max)
{
	ssize_t n;

	kasan_write(dst, max);
	n = copy_string(dst, src, max);
	if (n == -ENAMETOOLONG && max)
		dst[max - 1] = 0;
	else if (n < 0 && max)
		dst[0] = 0;
	return n;
}

ssize_t strnlen_user(const char __user *src, size_t max)
{
	return copy_string(NULL, src, max);
}

int copy_string_to_user(char __user *dst, const char *text)
{
	return copy_to_user(dst, text, strlen(text) + 1) ? -EFAULT : 0;
}

bool user_word_peek(const u32 __user *word, u32 *value)
{
	return usable(word, sizeof(*word)) && user_peek((const __force u32 *)word, value);
}

int user_word_exchange(u32 __user *word, u32 *seen, u32 desired)
{
	return usable(word, sizeof(*word)) && user_exchange((__force u32 *)word, seen, desired) ? 0 : -EFAULT;
}

bool user_word_try_exchange(u32 __user *word, u32 *seen, u32 desired)
{
	return usable(word, sizeof(*word)) && user_try_exchange((__force u32 *)word, seen, desired);
}

int get_page_protection(const void __user *p, unsigned *prot)
{
	struct pmap *pmap = this_cpu()->user_pmap;
	struct pmap_leaf leaf;

	if (!pmap)
		return -EIO;
	if (!in_user_half((__force u64)p, 1))
		return -EINVAL;
	if (!pmap_query(pmap, (__force u64)p, &leaf))
		return -EFAULT;
	*prot = leaf.prot;
	return 0;
}

int probe_user_address(const void __user *p, enum user_access access)
{
	unsigned need = PMAP_USER | (access == USER_WRITE ? PMAP_WRITE : PMAP_READ);
	unsigned prot;
	int err = get_page_protection(p, &prot);

	if (err)
		return err;
	return (prot & need) == need ? 0 : -EACCES;
}

void uaccess_stats_read(struct uaccess_stats *out)
{
	*out = (struct uaccess_stats){0};
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++) {
		const struct uaccess_stats *s = &cpus[cpu].user_copies;

		out->copies += s->copies;
		out->bytes += s->bytes;
		out->faults_refused += s->faults_refused;
		out->bad_pointers += s->bad_pointers;
		out->strings += s->strings;
	}
}
