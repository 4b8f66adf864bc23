/* SPDX-License-Identifier: MIT */
/*
 * From the root pointer of ACPI to the topology of the machine:
 *
 *     RSDP ──> XSDT or RSDT ──> SRAT: proximity domain of each run of memory and each CPU
 *                           └─> SLIT: distances between domains
 *
 * Domains are numbers of the firmware's choice; nodes are numbered from 0 in ascending order of their domains. So the SRAT is
 * read twice: for the domains, and for what is in them.
 * Tables need not be aligned, so fields are read byte by byte. A pure function of the bytes that acpi_memory.at gives.
 */
#include <asm/errno.h>
#include <moat/acpi.h>
#include <moat/string.h>
#include "acpi_table.h"

#define RSDP_BYTES	20u /* of revision 0; what its checksum covers */
#define RSDP_BYTES_2	36u
#define SRAT_BYTES	48u /* header and 12 reserved bytes */
#define SLIT_BYTES	44u /* header and the number of localities */
#define TABLE_BYTES_MAX (1u << 20)

#define SRAT_ENABLED	  1u
#define SRAT_CPU_BYTES	  16u
#define SRAT_MEM_BYTES	  40u
#define SRAT_X2APIC_BYTES 24u
enum { SRAT_CPU = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

/* The domains, ascending; their index is the node. */
struct domains {
	u32 ids[NODES_MAX];
	unsigned count;
};

u64 read_le(const u8 *p, unsigned bytes)
{
	u64 v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (u64)p[i] << (8 * i);
	return v;
}

bool sum_is_zero(const u8 *p, u32 len)
{
	u8 sum = 0;

	for (u32 i = 0; i < len; i++)
		sum = (u8)(sum + p[i]);
	return sum == 0;
}

/* The whole table at phys, if it is one and says `signature` (NULL: any). */
static bool table_at(const struct acpi_memory *m, u64 phys, const char *signature, u32 least,
		     struct acpi_table *out)
{
	const u8 *header = m->at(m, phys, HEADER_BYTES);

	if (!header || (signature && memcmp(header, signature, 4) != 0))
		return false;
	out->len = (u32)read_le(header + 4, 4);
	if (out->len < least || out->len > TABLE_BYTES_MAX)
		return false;
	out->bytes = m->at(m, phys, out->len);
	return out->bytes && sum_is_zero(out->bytes, out->len);
}

/* The table of tables, and the size of its entries. */
static int root_table(const struct acpi_memory *m, u64 rsdp, struct acpi_table *out, unsigned *entry_bytes)
{
	const u8 *p = m->at(m, rsdp, RSDP_BYTES);
	u64 xsdt;

	if (!p || memcmp(p, "RSD PTR ", 8) != 0 || !sum_is_zero(p, RSDP_BYTES))
		return -EINVAL;
	if (p[15] >= 2) {
		p = m->at(m, rsdp, RSDP_BYTES_2);
		if (!p || !sum_is_zero(p, RSDP_BYTES_2))
			return -EINVAL;
		xsdt = read_le(p + 24, 8);
		*entry_bytes = 8;
		if (xsdt)
			return table_at(m, xsdt, "XSDT", HEADER_BYTES, out) ? 0 : -EINVAL;
	}
	*entry_bytes = 4;
	return table_at(m, read_le(p + 16, 4), "RSDT", HEADER_BYTES, out) ? 0 : -EINVAL;
}

static int find_table(const struct acpi_memory *m, const struct acpi_table *root, unsigned entry_bytes,
		      const char *signature, u32 least, struct acpi_table *out)
{
	for (u32 at = HEADER_BYTES; at + entry_bytes <= root->len; at += entry_bytes) {
		u64 phys = read_le(root->bytes + at, entry_bytes);
		const u8 *header = m->at(m, phys, HEADER_BYTES);

		if (header && memcmp(header, signature, 4) == 0)
			return table_at(m, phys, signature, least, out) ? 0 : -EINVAL;
	}
	return -ENOENT;
}

int acpi_find(const struct acpi_memory *m, u64 rsdp, const char *signature, u32 least, struct acpi_table *out)
{
	struct acpi_table root;
	unsigned entry_bytes;
	int err = root_table(m, rsdp, &root, &entry_bytes);

	return err ? err : find_table(m, &root, entry_bytes, signature, least, out);
}

static unsigned domain_index(const struct domains *d, u32 id)
{
	unsigned i = 0;

	while (i < d->count && d->ids[i] < id)
		i++;
	return i;
}

static int domain_add(struct domains *d, u32 id)
{
	unsigned at = domain_index(d, id);

	if (at < d->count && d->ids[at] == id)
		return 0;
	if (d->count == NODES_MAX)
		return -E2BIG;
	for (unsigned i = d->count++; i > at; i--)
		d->ids[i] = d->ids[i - 1];
	d->ids[at] = id;
	return 0;
}

/* One entry of the SRAT, taken apart. */
struct affinity {
	enum {
		AFFINITY_NONE,
		AFFINITY_CPU,
		AFFINITY_MEMORY
	} kind; /* NONE: not enabled, or of a later kind */
	u32 domain, apic_id;
	u64 start, len;
};

/* The first revision had domains of 8 bits. -EINVAL: the entry is too short. */
static int affinity_read(const u8 *e, unsigned len, bool wide, struct affinity *out)
{
	u32 flags;

	*out = (struct affinity){.kind = AFFINITY_NONE};
	if (e[0] == SRAT_CPU && len >= SRAT_CPU_BYTES) {
		out->domain = e[2] | (wide ? (u32)read_le(e + 9, 3) << 8 : 0);
		out->apic_id = e[3];
		flags = (u32)read_le(e + 4, 4);
	} else if (e[0] == SRAT_X2APIC && len >= SRAT_X2APIC_BYTES) {
		out->domain = (u32)read_le(e + 4, 4);
		out->apic_id = (u32)read_le(e + 8, 4);
		flags = (u32)read_le(e + 12, 4);
	} else if (e[0] == SRAT_MEMORY && len >= SRAT_MEM_BYTES) {
		out->domain = (u32)read_le(e + 2, wide ? 4 : 1);
		out->start = read_le(e + 8, 8);
		out->len = read_le(e + 16, 8);
		flags = out->len ? (u32)read_le(e + 28, 4) : 0;
	} else {
		return e[0] <= SRAT_X2APIC ? -EINVAL : 0;
	}
	if (flags & SRAT_ENABLED)
		out->kind = e[0] == SRAT_MEMORY ? AFFINITY_MEMORY : AFFINITY_CPU;
	return 0;
}

/* The entry at *at, which moves behind it: 1, 0 at the end, -EINVAL. */
static int affinity_next(const struct acpi_table *srat, u32 *at, struct affinity *out)
{
	const u8 *p = srat->bytes + *at;
	unsigned len;
	int err;

	if (srat->len - *at < 2)
		return 0;
	len = p[1];
	if (len < 2 || len > srat->len - *at)
		return -EINVAL;
	*at += len;
	err = affinity_read(p, len, srat->bytes[8] >= 2, out);
	return err ? err : 1;
}

static int read_domains(const struct acpi_table *srat, struct domains *d)
{
	struct affinity a;
	u32 at = SRAT_BYTES;
	int more, err = 0;

	while (!err && (more = affinity_next(srat, &at, &a)) != 0) {
		if (more < 0)
			return more;
		if (a.kind != AFFINITY_NONE)
			err = domain_add(d, a.domain);
	}
	return err ? err : d->count ? 0 : -EINVAL;
}

static int read_srat(const struct acpi_table *srat, const struct domains *d, struct numa_topology *t)
{
	struct affinity a;
	u32 at = SRAT_BYTES;
	int err = 0;

	while (!err && affinity_next(srat, &at, &a) > 0) {
		if (a.kind == AFFINITY_MEMORY)
			err = numa_add_range(t, a.start, a.len, domain_index(d, a.domain));
		else if (a.kind == AFFINITY_CPU)
			err = numa_add_cpu(t, a.apic_id, domain_index(d, a.domain));
	}
	return err;
}

/* Distances, if the table is sane: 10 on the diagonal, more elsewhere; else they stay as they are. */
static void read_slit(const struct acpi_table *slit, const struct domains *d, struct numa_topology *t)
{
	u64 n = read_le(slit->bytes + HEADER_BYTES, 8);
	const u8 *matrix = slit->bytes + SLIT_BYTES;

	if (n == 0 || n > 0xff || n * n > slit->len - SLIT_BYTES)
		return;
	for (u64 a = 0; a < n; a++)
		for (u64 b = 0; b < n; b++)
			if (a == b ? matrix[a * n + b] != DISTANCE_LOCAL
				   : matrix[a * n + b] <= DISTANCE_LOCAL)
				return;
	for (unsigned a = 0; a < d->count; a++)
		for (unsigned b = 0; b < d->count; b++)
			if (d->ids[a] < n && d->ids[b] < n)
				t->distance[a][b] = matrix[d->ids[a] * n + d->ids[b]];
}

int acpi_numa_read(const struct acpi_memory *m, u64 rsdp, struct numa_topology *t)
{
	struct domains d = {.count = 0};
	struct acpi_table table;
	int err = acpi_find(m, rsdp, "SRAT", SRAT_BYTES, &table);

	if (!err)
		err = read_domains(&table, &d);
	if (!err) {
		numa_init(t, d.count);
		err = read_srat(&table, &d, t);
	}
	if (err) {
		numa_one_node(t);
		return err;
	}
	if (!acpi_find(m, rsdp, "SLIT", SLIT_BYTES, &table))
		read_slit(&table, &d, t);
	return 0;
}
