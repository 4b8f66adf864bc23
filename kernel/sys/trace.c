/* SPDX-License-Identifier: MIT */
/* The system-call trace: one call with its arguments as text, in the manner of strace(1). */
#include <linux/fcntl.h>
#include <arch/uaccess.h>
#include <moat/printf.h>
#include "syscall_table.h"

#define STRING_SHOWN 48

typedef unsigned long long ull;

struct text {
	char *buf;
	size_t size, len;
};

#define PUT(t, ...)                                                                                        \
	do {                                                                                               \
		if ((t)->len < (t)->size)                                                                  \
			(t)->len +=                                                                        \
				(size_t)ksnprintf((t)->buf + (t)->len, (t)->size - (t)->len, __VA_ARGS__); \
	} while (0)

/* A user string in quotes, escaped, cut at STRING_SHOWN; its address when it cannot be read. */
static void put_string(struct text *t, u64 addr)
{
	char s[STRING_SHOWN + 1];
	ssize_t n = strncpy_from_user(s, (const char __user *)addr, sizeof(s));

	if (n < 0 && s[0] == 0) {
		PUT(t, "%#llx", (ull)addr);
		return;
	}
	PUT(t, "\"");
	for (const char *p = s; *p; p++) {
		if (*p == '"' || *p == '\\')
			PUT(t, "\\%c", *p);
		else if (*p >= ' ' && *p < 127)
			PUT(t, "%c", *p);
		else
			PUT(t, "\\x%02x", (unsigned char)*p);
	}
	PUT(t, n < 0 ? "\"..." : "\"");
}

static void put_arg(struct text *t, enum syscall_kind kind, u64 v)
{
	switch (kind) {
	case KIND_INT:
		PUT(t, "%d", (int)v);
		break;
	case KIND_FD:
		if ((int)v == AT_FDCWD)
			PUT(t, "AT_FDCWD");
		else
			PUT(t, "%d", (int)v);
		break;
	case KIND_HEX:
		PUT(t, "%#llx", (ull)v);
		break;
	case KIND_UNSIGNED:
		PUT(t, "%lld", (long long)v);
		break;
	case KIND_OCTAL:
		PUT(t, "0%o", (unsigned)v);
		break;
	case KIND_STRING:
		put_string(t, v);
		break;
	case KIND_POINTER:
		if (v)
			PUT(t, "%#llx", (ull)v);
		else
			PUT(t, "NULL");
		break;
	}
}

void syscall_trace_format(const struct syscall_entry *e, u64 nr, const struct trap_frame *f, char *buf,
			  size_t size)
{
	struct text t = {buf, size, 0};

	if (e) {
		PUT(&t, "%s(", e->name);
		for (unsigned i = 0; i < e->args; i++) {
			PUT(&t, "%s", i ? ", " : "");
			put_arg(&t, e->kinds[i], frame_arg(f, i));
		}
	} else {
		PUT(&t, "syscall_%llu(%#llx, %#llx, %#llx", (ull)nr, (ull)f->rdi, (ull)f->rsi, (ull)f->rdx);
	}
	PUT(&t, ")");
}
