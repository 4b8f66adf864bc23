/* SPDX-License-Identifier: MIT */
/*
 * Looking up the kernel's own functions.
 *
 * tools/mksymbols writes the table from the linked kernel: offsets from the image's start in rising order,
 * and the names one behind the other in the same order, each with its terminator. There is no pointer in it,
 * so the relocation of the image does not touch it, and no index of the names: a backtrace is rare and may
 * walk.
 */
#include <moat/string.h>
#include <moat/symbols.h>

const char *symbol_name(u32 offset, u32 *distance)
{
	const char *name = symbol_names;
	u32 i = 0;

	*distance = offset;
	if (symbol_count == 0 || offset < symbol_offsets[0])
		return "?";
	for (; i + 1 < symbol_count && symbol_offsets[i + 1] <= offset; i++)
		name += strlen(name) + 1;
	*distance = offset - symbol_offsets[i];
	return name;
}
