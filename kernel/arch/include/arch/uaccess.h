/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * The one way to user memory. Nothing else in the kernel dereferences an address that a program gave.
 *
 * SMAP is open only around the copy instruction. A fault inside it goes first to the ordinary fault handler (so demand
 * paging and copy-on-write work from inside a copy) and, when that cannot serve it, to the exception
 * table, which ends the copy with an exact count.
 *
 * All of them refuse to run without a user address space, and must not be called with a spinlock held.
 */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include <moat/types.h>

enum user_access {
	USER_READ,
	USER_WRITE,
};

/*
 * Is [p, p + len) a range that a program could own at all (U3)? 0; -EFAULT for overflow, the kernel half, the
 * non-canonical hole, the null region below 64 KiB; -EINVAL for an unknown access. Looks at no page.
 * len 0 is valid for any p.
 */
int __must_check validate_user_pointer(const void __user *p, size_t len, enum user_access access);

/*
 * Each returns the bytes NOT copied: 0 is success. copy_from_user clears what it did not fill.
 */
size_t __must_check copy_from_user(void *dst, const void __user *src, size_t n);
size_t __must_check copy_to_user(void __user *dst, const void *src, size_t n);
size_t __must_check clear_user(void __user *dst, size_t n);

/*
 * Copies a string with its terminator. Length without the terminator, -EFAULT when memory ends first, or
 * -ENAMETOOLONG when there is no terminator within max bytes (dst then ends in a terminator at max - 1).
 */
ssize_t __must_check strncpy_from_user(char *dst, const char __user *src, size_t max);
/* Length without the terminator; -EFAULT, or -ENAMETOOLONG as above. */
ssize_t __must_check strnlen_user(const char __user *src, size_t max);
/* Writes text with its terminator; 0 or -EFAULT. */
int __must_check copy_string_to_user(char __user *dst, const char *text);

/*
 * Could the program read (or write) the byte at p now, without a fault being served first? A walk of the page
 * tables: 0, -EFAULT not mapped, -EACCES mapped without that right, -EINVAL not a user address,
 * -EIO no address space (U4, U8).
 */
int __must_check probe_user_address(const void __user *p, enum user_access access);
/* The rights (enum pmap_prot) of the page at p over all levels in *prot; errors as above. */
int __must_check get_page_protection(const void __user *p, unsigned *prot);

/*
 * Words of 32 bits at aligned addresses, for futexes. user_word_peek reads without serving a fault, so also under a spinlock:
 * false when the page is not there now. user_word_exchange is one atomic step: stores `desired` if the word is *seen, and
 * *seen becomes what it was; 0 or -EFAULT (14).
 */
bool __must_check user_word_peek(const u32 __user *word, u32 *value);
int __must_check user_word_exchange(u32 __user *word, u32 *seen, u32 desired);
/* The same without serving a fault: false when the page cannot be written now. */
bool __must_check user_word_try_exchange(u32 __user *word, u32 *seen, u32 desired);

/* One variable x, which has the type that p points to; 0 or -EFAULT (14). */
#define get_user(x, p) (copy_from_user(&(x), (p), sizeof(x)) ? -14 : 0)
#define put_user(x, p) (copy_to_user((p), &(x), sizeof(x)) ? -14 : 0)

/* U9: counted for each process (through uaccess_counters) and for the machine. */
struct uaccess_stats {
	u64 copies, bytes, faults_refused, bad_pointers, strings;
};
void uaccess_stats_read(struct uaccess_stats *out);

#endif
