/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs a machine has, by the number of each one's local APIC:
 *
 *     ACPI's MADT (ACPI 6.5, 5.2.12): RSDP ──> XSDT or RSDT ──> MADT
 *     Intel's MultiProcessor Specification 1.4, chapter 4: "_MP_" in the last KiB below 640 KiB ──> its table
 *
 * Pure functions of the bytes that acpi_memory.at gives; nothing in them is trusted.
 */
#include <asm/errno.h>
#include <moat/acpi.h>
#include <moat/string.h>
#include "acpi_table.h"

#define MADT_BYTES	  44u /* header, address of the APICs, flags */
#define MADT_CPU	  0
#define MADT_CPU_BYTES	  8u
#define MADT_X2APIC	  9
#define MADT_X2APIC_BYTES 16u
#define MADT_ENABLED	  1u

#define MP_PLACE       0x9fc00u
#define MP_PLACE_END   0xa0000u
#define MP_BYTES       16u
#define MP_TABLE_BYTES 44u
#define MP_CPU	       0
#define MP_CPU_BYTES   20u
#define MP_OTHER_BYTES 8u
#define MP_LAST_KIND   4
#define MP_CPU_ENABLED 1u

static void cpu_list_add(struct cpu_list *list, u32 apic_id)
{
	for (u32 i = 0; i < list->count; i++) {
		if (list->apic_ids[i] == apic_id)
			return;
	}
	if (list->count < CPU_LIST_MAX)
		list->apic_ids[list->count++] = apic_id;
}

int acpi_cpus_read(const struct acpi_memory *m, u64 rsdp, struct cpu_list *out)
{
	struct acpi_table madt;
	int err = acpi_find(m, rsdp, "APIC", MADT_BYTES, &madt);

	out->count = 0;
	for (u32 at = MADT_BYTES, len; !err && madt.len - at >= 2; at += len) {
		const u8 *e = madt.bytes + at;

		len = e[1];
		if (len < 2 || len > madt.len - at)
			err = -EINVAL;
		else if (e[0] == MADT_CPU && len >= MADT_CPU_BYTES && (read_le(e + 4, 4) & MADT_ENABLED))
			cpu_list_add(out, e[3]);
		else if (e[0] == MADT_X2APIC && len >= MADT_X2APIC_BYTES &&
			 (read_le(e + 8, 4) & MADT_ENABLED))
			cpu_list_add(out, (u32)read_le(e + 4, 4));
	}
	if (err)
		out->count = 0;
	return err;
}

/* The physical address of the table that the floating pointer leads to, or 0. */
static u64 mp_table_place(const struct acpi_memory *m)
{
	for (u64 at = MP_PLACE; at < MP_PLACE_END; at += MP_BYTES) {
		const u8 *p = m->at(m, at, MP_BYTES);

		if (p && memcmp(p, "_MP_", 4) == 0 && p[8] == 1 && sum_is_zero(p, MP_BYTES))
			return read_le(p + 4, 4);
	}
	return 0;
}

int mp_cpus_read(const struct acpi_memory *m, struct cpu_list *out)
{
	u64 place = mp_table_place(m);
	const u8 *table = place ? m->at(m, place, MP_TABLE_BYTES) : NULL;
	u32 len = 0, size;
	int err = -ENOENT;

	out->count = 0;
	if (table) {
		len = (u32)read_le(table + 4, 2);
		table = len >= MP_TABLE_BYTES ? m->at(m, place, len) : NULL;
		err = table && memcmp(table, "PCMP", 4) == 0 && sum_is_zero(table, len) ? 0 : -EINVAL;
	}
	/* Its length says where it ends: QEMU's small firmware leaves the number of entries at 0. */
	for (u32 at = MP_TABLE_BYTES; !err && at < len; at += size) {
		size = table[at] == MP_CPU ? MP_CPU_BYTES : MP_OTHER_BYTES;
		if (table[at] > MP_LAST_KIND || size > len - at)
			err = -EINVAL;
		else if (table[at] == MP_CPU && (table[at + 3] & MP_CPU_ENABLED))
			cpu_list_add(out, table[at + 1]);
	}
	if (err)
		out->count = 0;
	return err;
}
