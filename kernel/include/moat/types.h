/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * The types that everything shares.
 *
 * Addresses are typed so that they do not mix: a physical address (paddr_t), a frame number (pfn_t) and an
 * address in the user half (uaddr_t) are structs of one field. A pointer that user space passed is
 * `T __user *`: clang and sparse refuse to dereference it, and only the user-access module takes it apart.
 */
#ifndef MOAT_TYPES_H
#define MOAT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#ifndef __ssize_t_defined
typedef long ssize_t;
#define __ssize_t_defined
#endif

#if defined(__CHECKER__)
#define __user	__attribute__((noderef, address_space(1)))
#define __force __attribute__((force))
#elif defined(__clang__) && !defined(MOAT_HOSTED)
#define __user __attribute__((noderef, address_space(1)))
#define __force
#else
#define __user
#define __force
#endif

/* The C library and libbsd have some of these too, in other words for the same. */
#undef __packed
#undef __aligned
#undef __unused
#undef __always_inline
#define __must_check	__attribute__((warn_unused_result))
#define __noreturn	__attribute__((noreturn))
#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __section(s)	__attribute__((section(s)))
#define __unused	__attribute__((unused))
#define __always_inline inline __attribute__((always_inline))
#define __noinline	__attribute__((noinline))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))
/* Powers of two only. */
#define ALIGN_DOWN(x, a)	      ((x) & ~((u64)(a)-1))
#define ALIGN_UP(x, a)		      (((x) + ((u64)(a)-1)) & ~((u64)(a)-1))
#define IS_ALIGNED(x, a)	      (((u64)(x) & ((u64)(a)-1)) == 0)
#define CONTAINER_OF(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define KIB(n)	   ((u64)(n) << 10)
#define MIB(n)	   ((u64)(n) << 20)
#define GIB(n)	   ((u64)(n) << 30)

typedef struct {
	u64 raw;
} paddr_t; /* physical address, bytes */

typedef struct {
	u64 raw;
} pfn_t; /* physical frame number: paddr >> PAGE_SHIFT */

typedef struct {
	u64 raw;
} uaddr_t; /* virtual address in the user half, bytes; never dereferenced */

static inline paddr_t paddr(u64 raw)
{
	return (paddr_t){raw};
}

static inline uaddr_t uaddr(u64 raw)
{
	return (uaddr_t){raw};
}

static inline pfn_t paddr_to_pfn(paddr_t pa)
{
	return (pfn_t){pa.raw >> PAGE_SHIFT};
}

static inline paddr_t pfn_to_paddr(pfn_t pfn)
{
	return (paddr_t){pfn.raw << PAGE_SHIFT};
}

/* A half-open range of bytes [start, end) in whatever space the context says. */
struct range {
	u64 start;
	u64 end;
};

/* Makes [start, start + len) in *r; false when the sum overflows. The one place where it is checked. */
static inline bool range_make(u64 start, u64 len, struct range *r)
{
	r->start = start;
	return !__builtin_add_overflow(start, len, &r->end);
}

static inline u64 range_len(struct range r)
{
	return r.end - r.start;
}

static inline bool range_empty(struct range r)
{
	return r.start >= r.end;
}

static inline bool range_contains(struct range r, u64 at)
{
	return at >= r.start && at < r.end;
}

/* True when `inner` lies wholly inside `outer`. */
static inline bool range_inside(struct range inner, struct range outer)
{
	return inner.start >= outer.start && inner.end <= outer.end;
}

static inline bool range_overlap(struct range a, struct range b)
{
	return a.start < b.end && b.start < a.end;
}

#endif
