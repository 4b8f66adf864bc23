/* SPDX-License-Identifier: MIT */
/*
 * User memory on the fake machine: every access translates through the TLB and the tables, and faults as
 * hardware would.
 */
#include <asm/errno.h>
#include <string.h>
#include <arch/impl/fake.h>
#include <arch/uaccess.h>
#include <moat/panic.h>

#define FAULT_TRIES 4 /* of one access; more means that a fault says "served" and is not */

static struct aspace *current_aspace;
u64 fake_faults;
static struct uaccess_stats stats;

void fake_use_aspace(struct aspace *as)
{
	current_aspace = as;
	fake_faults = 0;
}

static unsigned wanted_prot(unsigned access)
{
	if (access & FAULT_WRITE)
		return PMAP_READ | PMAP_WRITE;
	return access & FAULT_EXEC ? PMAP_READ | PMAP_EXEC : PMAP_READ;
}

/* The byte at addr, faulting it in; NULL with *result set when that cannot be served. */
static u8 *user_byte(u64 addr, unsigned access, enum fault_result *result)
{
	u64 page = ALIGN_DOWN(addr, PAGE_SIZE);
	bool present = false;
	pfn_t pfn;

	for (unsigned i = 0; i < FAULT_TRIES; i++) {
		if (fake_tlb_translate(&current_aspace->pmap, page, wanted_prot(access), &pfn, &present))
			return (u8 *)page_address(pfn_to_page(pfn)) + addr % PAGE_SIZE;
		*result = aspace_fault(current_aspace, addr, access | (present ? FAULT_PRESENT : 0));
		if (*result != FAULT_DONE)
			return NULL;
		fake_faults++;
	}
	panic("page fault at %#lx is served again and again", (unsigned long)addr);
}

enum fault_result fake_access(u64 addr, unsigned access, u8 *byte)
{
	enum fault_result result = FAULT_DONE;
	u8 *p = user_byte(addr, access | FAULT_USER, &result);

	if (!p)
		return result;
	if (access & FAULT_WRITE)
		*p = *byte;
	else
		*byte = *p;
	return FAULT_DONE;
}

int validate_user_pointer(const void __user *p, size_t len, enum user_access access)
{
	struct range r;

	if (access != USER_READ && access != USER_WRITE)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!range_make((u64)(uintptr_t)p, len, &r) || r.start < USER_MIN || r.end > USER_TOP)
		return -EFAULT;
	return 0;
}

/* The longest piece of [addr, addr + n) in one page, made accessible; NULL when it cannot be. */
static u8 *user_piece(u64 addr, size_t n, unsigned access, size_t *len)
{
	enum fault_result result;

	*len = MIN(n, PAGE_SIZE - addr % PAGE_SIZE);
	if (!current_aspace || addr < USER_MIN || addr >= USER_TOP)
		return NULL;
	return user_byte(addr, access, &result);
}

size_t copy_from_user(void *dst, const void __user *src, size_t n)
{
	u64 addr = (u64)(uintptr_t)src;
	u8 *to = dst, *from;
	size_t len;

	stats.copies++;
	while (n > 0 && (from = user_piece(addr, n, FAULT_READ, &len)) != NULL) {
		memcpy(to, from, len);
		to += len;
		addr += len;
		n -= len;
	}
	memset(to, 0, n);
	return n;
}

size_t copy_to_user(void __user *dst, const void *src, size_t n)
{
	u64 addr = (u64)(uintptr_t)dst;
	const u8 *from = src;
	size_t len;
	u8 *to;

	stats.copies++;
	while (n > 0 && (to = user_piece(addr, n, FAULT_WRITE, &len)) != NULL) {
		memcpy(to, from, len);
		from += len;
		addr += len;
		n -= len;
	}
	return n;
}

size_t clear_user(void __user *dst, size_t n)
{
	u64 addr = (u64)(uintptr_t)dst;
	size_t len;
	u8 *to;

	while (n > 0 && (to = user_piece(addr, n, FAULT_WRITE, &len)) != NULL) {
		memset(to, 0, len);
		addr += len;
		n -= len;
	}
	return n;
}

ssize_t strncpy_from_user(char *dst, const char __user *src, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		if (copy_from_user(&dst[i], src + i, 1))
			return -EFAULT;
		if (!dst[i])
			return (ssize_t)i;
	}
	if (max)
		dst[max - 1] = '\0';
	return -ENAMETOOLONG;
}

ssize_t strnlen_user(const char __user *src, size_t max)
{
	char c;

	for (size_t i = 0; i < max; i++) {
		if (copy_from_user(&c, src + i, 1))
			return -EFAULT;
		if (!c)
			return (ssize_t)i;
	}
	return -ENAMETOOLONG;
}

int copy_string_to_user(char __user *dst, const char *text)
{
	return copy_to_user(dst, text, strlen(text) + 1) ? -EFAULT : 0;
}

int get_page_protection(const void __user *p, unsigned *prot)
{
	u64 addr = (u64)(uintptr_t)p;
	struct pmap_leaf leaf;

	if (!current_aspace)
		return -EIO;
	if (addr < USER_MIN || addr >= USER_TOP)
		return -EINVAL;
	if (!pmap_query(&current_aspace->pmap, addr, &leaf))
		return -EFAULT;
	*prot = leaf.prot;
	return 0;
}

int probe_user_address(const void __user *p, enum user_access access)
{
	unsigned need = access == USER_WRITE ? PMAP_WRITE : PMAP_READ, prot;
	int err = get_page_protection(p, &prot);

	if (err)
		return err;
	return prot & need ? 0 : -EACCES;
}

void uaccess_stats_read(struct uaccess_stats *out)
{
	*out = stats;
}
