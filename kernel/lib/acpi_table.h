/* SPDX-License-Identifier: MIT */
/* room: lib */
/* Finding a table of ACPI, and reading bytes that nobody has aligned. */
#ifndef LIB_ACPI_TABLE_H
#define LIB_ACPI_TABLE_H

#include <moat/acpi.h>

#define HEADER_BYTES 36u /* that every table begins with */

struct acpi_table {
	const u8 *bytes;
	u32 len;
};

/*
 * The first table with this signature below the root pointer at rsdp, whole, of at least `least` bytes and with a right
 * sum. 0, -ENOENT, or -EINVAL: it, or what leads to it, is damaged.
 */
int __must_check acpi_find(const struct acpi_memory *m, u64 rsdp, const char *signature, u32 least,
			   struct acpi_table *out);
u64 read_le(const u8 *p, unsigned bytes);
bool sum_is_zero(const u8 *p, u32 len);

#endif
