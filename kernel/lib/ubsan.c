/* SPDX-License-Identifier: MIT */
/*
 * What code built with -fsanitize=undefined calls when C says that its behaviour is undefined: the debug
 * kernel stops, with the place. Hosted builds have the compiler's own runtime, and the release kernel has no
 * such calls.
 *
 * The names and arguments are the compilers' (gcc and clang agree): first a description that begins with the
 * place in the source, then the operands.
 */
#include <moat/panic.h>
#include <moat/types.h>

#if CONFIG_DEBUG && !defined(MOAT_HOSTED)

struct ubsan_place {
	const char *file;
	u32 line;
	u32 column;
};

#define HANDLER __attribute__((no_sanitize("undefined"))) void

HANDLER __ubsan_handle_type_mismatch_v1(const struct ubsan_place *at, u64 pointer);
HANDLER __ubsan_handle_out_of_bounds(const struct ubsan_place *at, u64 index);
HANDLER __ubsan_handle_shift_out_of_bounds(const struct ubsan_place *at, u64 value, u64 count);
HANDLER __ubsan_handle_add_overflow(const struct ubsan_place *at, u64 a, u64 b);
HANDLER __ubsan_handle_sub_overflow(const struct ubsan_place *at, u64 a, u64 b);
HANDLER __ubsan_handle_mul_overflow(const struct ubsan_place *at, u64 a, u64 b);
HANDLER __ubsan_handle_divrem_overflow(const struct ubsan_place *at, u64 a, u64 b);
HANDLER __ubsan_handle_negate_overflow(const struct ubsan_place *at, u64 value);
HANDLER __ubsan_handle_load_invalid_value(const struct ubsan_place *at, u64 value);
HANDLER __ubsan_handle_invalid_builtin(const struct ubsan_place *at);
HANDLER __ubsan_handle_nonnull_arg(const struct ubsan_place *at);
HANDLER __ubsan_handle_nonnull_return_v1(const void *data, const struct ubsan_place *at);
HANDLER __ubsan_handle_vla_bound_not_positive(const struct ubsan_place *at, u64 bound);
HANDLER __ubsan_handle_builtin_unreachable(const struct ubsan_place *at);
HANDLER __ubsan_handle_missing_return(const struct ubsan_place *at);

static __noreturn void undefined(const struct ubsan_place *at, const char *what, u64 a, u64 b)
{
	panic("undefined behaviour: %s (%#lx, %#lx) at %s:%u:%u", what, a, b, at->file, at->line, at->column);
}

HANDLER __ubsan_handle_type_mismatch_v1(const struct ubsan_place *at, u64 pointer)
{
	undefined(at, pointer ? "access to too small an object" : "access through a null pointer", pointer,
		  0);
}

HANDLER __ubsan_handle_out_of_bounds(const struct ubsan_place *at, u64 index)
{
	undefined(at, "index out of bounds", index, 0);
}

HANDLER __ubsan_handle_shift_out_of_bounds(const struct ubsan_place *at, u64 value, u64 count)
{
	undefined(at, "shift out of bounds", value, count);
}

HANDLER __ubsan_handle_add_overflow(const struct ubsan_place *at, u64 a, u64 b)
{
	undefined(at, "overflow of +", a, b);
}

HANDLER __ubsan_handle_sub_overflow(const struct ubsan_place *at, u64 a, u64 b)
{
	undefined(at, "overflow of -", a, b);
}

HANDLER __ubsan_handle_mul_overflow(const struct ubsan_place *at, u64 a, u64 b)
{
	undefined(at, "overflow of *", a, b);
}

HANDLER __ubsan_handle_divrem_overflow(const struct ubsan_place *at, u64 a, u64 b)
{
	undefined(at, "division by zero or its overflow", a, b);
}

HANDLER __ubsan_handle_negate_overflow(const struct ubsan_place *at, u64 value)
{
	undefined(at, "overflow of a sign change", value, 0);
}

HANDLER __ubsan_handle_load_invalid_value(const struct ubsan_place *at, u64 value)
{
	undefined(at, "a value that its type does not have", value, 0);
}

HANDLER __ubsan_handle_invalid_builtin(const struct ubsan_place *at)
{
	undefined(at, "zero passed to a bit count", 0, 0);
}

HANDLER __ubsan_handle_nonnull_arg(const struct ubsan_place *at)
{
	undefined(at, "null passed as an argument that may not be", 0, 0);
}

HANDLER __ubsan_handle_nonnull_return_v1(const void *data, const struct ubsan_place *at)
{
	undefined(at, "null returned where it may not be", (uintptr_t)data, 0);
}

HANDLER __ubsan_handle_vla_bound_not_positive(const struct ubsan_place *at, u64 bound)
{
	undefined(at, "array of no positive length", bound, 0);
}

HANDLER __ubsan_handle_builtin_unreachable(const struct ubsan_place *at)
{
	undefined(at, "the end of the unreachable", 0, 0);
}

HANDLER __ubsan_handle_missing_return(const struct ubsan_place *at)
{
	undefined(at, "a function without its return", 0, 0);
}

#endif
