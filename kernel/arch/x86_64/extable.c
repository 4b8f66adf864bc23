/* SPDX-License-Identifier: MIT */
/* The table is a dozen entries of offsets relative to themselves (usercopy.S); a linear look costs less than a search. */
#include "extable.h"

struct extable_entry {
	s32 insn, fixup;
};

extern const struct extable_entry exception_table_start[], exception_table_end[];

u64 extable_find(u64 rip)
{
	for (const struct extable_entry *e = exception_table_start; e < exception_table_end; e++) {
		if ((u64)&e->insn + e->insn == rip)
			return (u64)&e->fixup + e->fixup;
	}
	return 0;
}
