/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as physical memory, the first one being the root pointer's. Sums are put right where the
 * input says so, or hardly any input would get past them. Nothing may be read outside, and what comes out is sane.
 */
#include <stdlib.h>
#include <string.h>
#include <moat/acpi.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const void *at(const struct acpi_memory *m, u64 phys, u64 len)
{
	return phys < m->len && len <= m->len - phys ? (const u8 *)m->base + phys : NULL;
}

/* Makes the sum of [start, start + len) zero through the byte at `field`, as far as it lies inside. */
static void fix(u8 *bytes, size_t size, size_t start, size_t len, size_t field)
{
	u8 sum = 0;

	if (start > size || len > size - start || field >= size)
		return;
	for (size_t i = start; i < start + len; i++)
		sum = (u8)(sum + bytes[i]);
	bytes[field] = (u8)(bytes[field] - sum);
}

static void fix_tables(u8 *bytes, size_t size)
{
	static const char names[][5] = {"APIC", "SLIT", "SRAT", "RSDT", "XSDT"};

	for (size_t i = 0; i + 36 <= size; i++) {
		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			u32 len;

			if (memcmp(bytes + i, names[n], 4) != 0)
				continue;
			memcpy(&len, bytes + i + 4, 4);
			fix(bytes, size, i, len, i + 9);
		}
	}
	fix(bytes, size, 0, 20, 8);
	fix(bytes, size, 0, 36, 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct numa_topology t;
	struct cpu_list cpus;
	u8 *bytes;

	if (size < 36)
		return 0;
	bytes = malloc(size);
	memcpy(bytes, data, size);
	memcpy(bytes, "RSD PTR ", 8);
	fix_tables(bytes, size);
	const struct acpi_memory m = {.at = at, .base = bytes, .len = size};
	if (acpi_numa_read(&m, 0, &t) && (t.nodes != 1 || t.range_count || t.cpu_count))
		abort();
	if (t.nodes < 1 || t.nodes > NODES_MAX || t.range_count > NUMA_RANGES_MAX ||
	    t.cpu_count > NUMA_CPUS_MAX)
		abort();
	for (unsigned i = 0; i < t.range_count; i++) {
		if (t.ranges[i].node >= t.nodes || range_empty(t.ranges[i].phys))
			abort();
		if (i && t.ranges[i - 1].phys.end > t.ranges[i].phys.start)
			abort();
	}
	if ((acpi_cpus_read(&m, 0, &cpus) && cpus.count) || cpus.count > CPU_LIST_MAX)
		abort();
	free(bytes);
	return 0;
}
