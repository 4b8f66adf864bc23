/* SPDX-License-Identifier: MIT */
/* Topologies and CPUs: what ACPI's tables give, what damaged ones do not, and dividing memory by a word of the command line. */
#include "unit.h"
#include <errno.h>
#include <string.h>
#include <moat/acpi.h>

/*
 * Tables in a small physical memory:
 *     0x10 RSDP   0x40 XSDT   0x100 SRAT   0x400 SLIT
 */
#define RSDP 0x10u
#define XSDT 0x40u
#define SRAT 0x100u
#define SLIT 0x400u

static u8 ram[0x600];
static u32 srat_len;

static const void *at(const struct acpi_memory *m, u64 phys, u64 len)
{
	(void)m;
	return phys < sizeof(ram) && len <= sizeof(ram) - phys ? ram + phys : NULL;
}

static const struct acpi_memory memory = {.at = at};

static void put(u32 where, u64 value, unsigned bytes)
{
	memcpy(ram + where, &value, bytes);
}

static void fix_sum(u32 where, u32 len, u32 field)
{
	u8 sum = 0;

	ram[field] = 0;
	for (u32 i = 0; i < len; i++)
		sum = (u8)(sum + ram[where + i]);
	ram[field] = (u8)-sum;
}

static void header(u32 where, const char *name, u32 len, u8 revision)
{
	memcpy(ram + where, name, 4);
	put(where + 4, len, 4);
	ram[where + 8] = revision;
	fix_sum(where, len, where + 9);
}

static void srat_begin(void)
{
	srat_len = 48;
}

static void srat_cpu(u8 apic, u8 domain)
{
	u32 e = SRAT + srat_len;

	memset(ram + e, 0, 16);
	ram[e + 1] = 16;
	ram[e + 2] = domain;
	ram[e + 3] = apic;
	put(e + 4, 1, 4);
	srat_len += 16;
}

static void srat_x2apic(u32 apic, u32 domain)
{
	u32 e = SRAT + srat_len;

	memset(ram + e, 0, 24);
	ram[e] = 2;
	ram[e + 1] = 24;
	put(e + 4, domain, 4);
	put(e + 8, apic, 4);
	put(e + 12, 1, 4);
	srat_len += 24;
}

static void srat_memory(u64 start, u64 len, u32 domain, u32 flags)
{
	u32 e = SRAT + srat_len;

	memset(ram + e, 0, 40);
	ram[e] = 1;
	ram[e + 1] = 40;
	put(e + 2, domain, 4);
	put(e + 8, start, 8);
	put(e + 16, len, 8);
	put(e + 28, flags, 4);
	srat_len += 40;
}

static void srat_end(void)
{
	header(SRAT, "SRAT", srat_len, 3);
}

/* Two domains, 3 and 7, the higher one first in the table. */
static int setup(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	memcpy(ram + RSDP, "RSD PTR ", 8);
	ram[RSDP + 15] = 2;
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, XSDT, 8);
	fix_sum(RSDP, 20, RSDP + 8);
	fix_sum(RSDP, 36, RSDP + 32);
	put(XSDT + 36, 0xdeadbeef000, 8);
	put(XSDT + 44, SRAT, 8);
	put(XSDT + 52, SLIT, 8);
	header(XSDT, "XSDT", 60, 1);
	srat_begin();
	srat_cpu(0, 7);
	srat_x2apic(300, 3);
	srat_memory(MIB(512), MIB(256), 7, 1);
	srat_memory(0, KIB(640), 3, 1);
	srat_memory(MIB(1), MIB(511), 3, 1);
	srat_memory(GIB(4), GIB(1), 9, 0); /* not enabled */
	srat_end();
	put(SLIT + 36, 8, 8);
	memset(ram + SLIT + 44, 20, 64);
	for (unsigned i = 0; i < 8; i++)
		ram[SLIT + 44 + 9 * i] = 10;
	ram[SLIT + 44 + 3 * 8 + 7] = 31;
	ram[SLIT + 44 + 7 * 8 + 3] = 33;
	header(SLIT, "SLIT", 44 + 64, 1);
	return 0;
}

static int read_tables(struct numa_topology *t)
{
	return acpi_numa_read(&memory, RSDP, t);
}

static void test_two_nodes(void **state)
{
	struct numa_topology t;

	(void)state;
	assert_int_equal(read_tables(&t), 0);
	assert_int_equal(t.nodes, 2);
	assert_int_equal(t.range_count, 3);
	assert_int_equal(numa_node_of_phys(&t, 0), 0);
	assert_int_equal(numa_node_of_phys(&t, MIB(512) - 1), 0);
	assert_int_equal(numa_node_of_phys(&t, MIB(512)), 1);
	assert_int_equal(numa_node_of_phys(&t, MIB(768)), 0);
	assert_int_equal(numa_node_of_apic(&t, 0), 1);
	assert_int_equal(numa_node_of_apic(&t, 300), 0);
	assert_int_equal(t.distance[0][1], 31);
	assert_int_equal(t.distance[1][0], 33);
	assert_int_equal(t.distance[1][1], 10);
}

static void test_first_revision(void **state)
{
	struct numa_topology t;

	(void)state;
	ram[RSDP + 15] = 0;
	put(RSDP + 16, XSDT, 4);
	fix_sum(RSDP, 20, RSDP + 8);
	put(XSDT + 36, SRAT, 4);
	header(XSDT, "RSDT", 40, 1);
	assert_int_equal(read_tables(&t), 0);
	assert_int_equal(t.nodes, 2);
	assert_int_equal(t.distance[0][1], DISTANCE_DEFAULT);
}

static void assert_one_node(int expected)
{
	struct numa_topology t;

	assert_int_equal(read_tables(&t), expected);
	assert_int_equal(t.nodes, 1);
	assert_int_equal(t.range_count, 0);
	assert_int_equal(t.distance[0][0], DISTANCE_LOCAL);
}

static void test_no_srat(void **state)
{
	(void)state;
	memcpy(ram + SRAT, "TARS", 4);
	assert_one_node(-ENOENT);
}

static void test_damage(void **state)
{
	(void)state;
	ram[SRAT + 60]++;
	assert_one_node(-EINVAL); /* sum */
	setup(NULL);
	ram[XSDT + 40]++;
	assert_one_node(-EINVAL);
	setup(NULL);
	ram[RSDP + 33]++;
	assert_one_node(-EINVAL);
	setup(NULL);
	put(SRAT + 4, 0xfffff, 4); /* beyond memory: the sum is not even asked for */
	assert_one_node(-EINVAL);
	setup(NULL);
	header(SRAT, "SRAT", 40, 3);
	assert_one_node(-EINVAL);
	setup(NULL);
	put(RSDP + 24, UINT64_MAX - 8, 8);
	fix_sum(RSDP, 36, RSDP + 32);
	assert_one_node(-EINVAL);
}

static void test_bad_entries(void **state)
{
	(void)state;
	ram[SRAT + 48 + 1] = 0; /* an entry without length */
	srat_end();
	assert_one_node(-EINVAL);
	setup(NULL);
	ram[SRAT + 48 + 1] = 8; /* too short for its kind */
	srat_end();
	assert_one_node(-EINVAL);
	setup(NULL);
	srat_memory(MIB(600), MIB(1), 3, 1); /* inside another node's memory */
	srat_end();
	assert_one_node(-EINVAL);
	setup(NULL);
	srat_memory(UINT64_MAX - 5, 10, 3, 1);
	srat_end();
	assert_one_node(-EINVAL);
	setup(NULL);
	srat_begin();
	srat_end();
	assert_one_node(-EINVAL);
}

static void test_too_many_domains(void **state)
{
	(void)state;
	srat_cpu(5, 11);
	srat_cpu(6, 12);
	srat_cpu(7, 1);
	srat_end();
	assert_one_node(-E2BIG);
}

static void test_bad_distances(void **state)
{
	struct numa_topology t;

	(void)state;
	ram[SLIT + 44] = 11;
	header(SLIT, "SLIT", 44 + 64, 1);
	assert_int_equal(read_tables(&t), 0);
	assert_int_equal(t.distance[0][1], DISTANCE_DEFAULT);
	setup(NULL);
	put(SLIT + 36, 1ull << 32, 8); /* its square is 0 in 64 bits */
	header(SLIT, "SLIT", 44 + 64, 1);
	assert_int_equal(read_tables(&t), 0);
	assert_int_equal(t.distance[0][1], DISTANCE_DEFAULT);
}

static void test_divide(void **state)
{
	const struct range ram_ranges[] = {{0, KIB(640)}, {MIB(1), MIB(101)}, {GIB(4), GIB(4) + MIB(100)}};
	struct numa_topology t;
	u64 bytes[NODES_MAX] = {0};

	(void)state;
	for (unsigned nodes = 1; nodes <= NODES_MAX; nodes++) {
		assert_int_equal(numa_divide(&t, ram_ranges, 3, nodes, MIB(2)), 0);
		assert_int_equal(t.nodes, nodes);
		memset(bytes, 0, sizeof(bytes));
		for (unsigned i = 0; i < t.range_count; i++)
			bytes[t.ranges[i].node] += range_len(t.ranges[i].phys);
		for (unsigned n = 0; n < nodes; n++)
			assert_true(bytes[n] + MIB(10) > MIB(200) / nodes &&
				    bytes[n] < MIB(200) / nodes + MIB(10));
	}
	assert_int_equal(numa_divide(&t, ram_ranges, 3, 0, MIB(2)), -EINVAL);
	assert_int_equal(numa_divide(&t, ram_ranges, 3, NODES_MAX + 1, MIB(2)), -EINVAL);
	assert_int_equal(numa_divide(&t, ram_ranges, 1, 2, MIB(2)), -EINVAL);
	assert_int_equal(t.nodes, 1);
}

static void test_nearest(void **state)
{
	struct numa_topology t;
	u8 order[NODES_MAX];

	(void)state;
	numa_init(&t, 4);
	t.distance[2][0] = 40;
	t.distance[2][1] = 30;
	t.distance[2][3] = 30;
	numa_nearest(&t, 2, order);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 3);
	assert_int_equal(order[3], 0);
}

/* --- which CPUs there are --- */

#define MADT 0x500u

static void madt_cpu(u32 *at, u8 apic, u32 flags)
{
	memset(ram + *at, 0, 8);
	ram[*at + 1] = 8;
	ram[*at + 3] = apic;
	put(*at + 4, flags, 4);
	*at += 8;
}

/* CPUs 4, 0 (twice), one that is not enabled, an I/O APIC, and one with a wide number, with the same root as above. */
static u32 madt_make(void)
{
	u32 at = MADT + 44;

	put(XSDT + 52, MADT, 8);
	header(XSDT, "XSDT", 60, 1);
	madt_cpu(&at, 4, 1);
	madt_cpu(&at, 0, 1);
	madt_cpu(&at, 9, 0);
	memset(ram + at, 0, 12);
	ram[at] = 1;
	ram[at + 1] = 12;
	at += 12;
	memset(ram + at, 0, 16);
	ram[at] = 9;
	ram[at + 1] = 16;
	put(at + 4, 0x1234, 4);
	put(at + 8, 1, 4);
	at += 16;
	madt_cpu(&at, 0, 1);
	header(MADT, "APIC", at - MADT, 4);
	return at;
}

static void test_madt(void **state)
{
	struct cpu_list list;

	(void)state;
	assert_int_equal(acpi_cpus_read(&memory, RSDP, &list), -ENOENT);
	assert_int_equal(list.count, 0);
	madt_make();
	assert_int_equal(acpi_cpus_read(&memory, RSDP, &list), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.apic_ids[0], 4);
	assert_int_equal(list.apic_ids[1], 0);
	assert_int_equal(list.apic_ids[2], 0x1234);
}

static void test_madt_is_bounded(void **state)
{
	struct cpu_list list;
	u32 at = madt_make();

	(void)state;
	for (u8 apic = 20; apic < 30; apic++)
		madt_cpu(&at, apic, 1);
	header(MADT, "APIC", at - MADT, 4);
	assert_int_equal(acpi_cpus_read(&memory, RSDP, &list), 0);
	assert_int_equal(list.count, CPU_LIST_MAX);
	ram[at - 7] = 0; /* an entry without length */
	header(MADT, "APIC", at - MADT, 4);
	assert_int_equal(acpi_cpus_read(&memory, RSDP, &list), -EINVAL);
	assert_int_equal(list.count, 0);
	ram[at - 7] = 9; /* longer than the table */
	header(MADT, "APIC", at - MADT, 4);
	assert_int_equal(acpi_cpus_read(&memory, RSDP, &list), -EINVAL);
	ram[MADT + 40]++;
	assert_int_equal(acpi_cpus_read(&memory, RSDP, &list), -EINVAL);
}

/* The MP table lies in the last KiB below 640 KiB: `ram` stands for that. */
static const void *at_mp(const struct acpi_memory *m, u64 phys, u64 len)
{
	return phys >= 0x9fc00 ? at(m, phys - 0x9fc00, len) : NULL;
}

static const struct acpi_memory mp_memory = {.at = at_mp};

#define MP_POINTER 0x20u
#define MP_TABLE   0x40u

static void mp_make(void)
{
	memset(ram, 0, sizeof(ram));
	memcpy(ram + MP_POINTER, "_MP_", 4);
	put(MP_POINTER + 4, 0x9fc00 + MP_TABLE, 4);
	ram[MP_POINTER + 8] = 1;
	fix_sum(MP_POINTER, 16, MP_POINTER + 10);
	memcpy(ram + MP_TABLE, "PCMP", 4);
	put(MP_TABLE + 4, 44 + 20 + 8 + 20 + 20, 2);
	ram[MP_TABLE + 44 + 1] = 2;
	ram[MP_TABLE + 44 + 3] = 3;  /* the one that boots */
	ram[MP_TABLE + 44 + 20] = 1; /* a bus */
	ram[MP_TABLE + 44 + 28 + 1] = 7;
	ram[MP_TABLE + 44 + 28 + 3] = 1;
	ram[MP_TABLE + 44 + 48 + 1] = 8; /* not enabled */
	fix_sum(MP_TABLE, 44 + 68, MP_TABLE + 7);
}

static void test_mp_table(void **state)
{
	struct cpu_list list;

	(void)state;
	mp_make();
	assert_int_equal(mp_cpus_read(&mp_memory, &list), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.apic_ids[0], 2);
	assert_int_equal(list.apic_ids[1], 7);
	put(MP_TABLE + 4, 44 + 20 + 8 + 20 + 10, 2); /* the last one does not fit */
	fix_sum(MP_TABLE, 44 + 58, MP_TABLE + 7);
	assert_int_equal(mp_cpus_read(&mp_memory, &list), -EINVAL);
	assert_int_equal(list.count, 0);
	mp_make();
	ram[MP_TABLE + 44] = 5; /* there is no such kind */
	fix_sum(MP_TABLE, 44 + 68, MP_TABLE + 7);
	assert_int_equal(mp_cpus_read(&mp_memory, &list), -EINVAL);
	mp_make();
	ram[MP_TABLE + 50]++;
	assert_int_equal(mp_cpus_read(&mp_memory, &list), -EINVAL);
	mp_make();
	ram[MP_POINTER + 11]++;
	assert_int_equal(mp_cpus_read(&mp_memory, &list), -ENOENT);
}

static void test_each_byte_of_cpus_changed(void **state)
{
	struct cpu_list list;

	(void)state;
	for (int mp = 0; mp < 2; mp++) {
		if (mp)
			mp_make();
		else
			madt_make();
		for (u32 i = 0; i < sizeof(ram) * 8; i++) {
			int err;
			ram[i / 8] ^= (u8)(1u << i % 8);
			err = mp ? mp_cpus_read(&mp_memory, &list) : acpi_cpus_read(&memory, RSDP, &list);
			assert_true(list.count <= CPU_LIST_MAX && (!err || list.count == 0));
			ram[i / 8] ^= (u8)(1u << i % 8);
		}
	}
}

/* Nothing that one changed byte can do may crash; most of it is found. */
static void test_each_byte_changed(void **state)
{
	struct numa_topology t;

	(void)state;
	for (u32 i = 0; i < sizeof(ram); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			ram[i] ^= (u8)(1u << bit);
			if (read_tables(&t))
				assert_int_equal(t.range_count, 0);
			assert_true(t.nodes >= 1 && t.nodes <= NODES_MAX);
			ram[i] ^= (u8)(1u << bit);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_two_nodes, setup),
		cmocka_unit_test_setup(test_first_revision, setup),
		cmocka_unit_test_setup(test_no_srat, setup),
		cmocka_unit_test_setup(test_damage, setup),
		cmocka_unit_test_setup(test_bad_entries, setup),
		cmocka_unit_test_setup(test_too_many_domains, setup),
		cmocka_unit_test_setup(test_bad_distances, setup),
		cmocka_unit_test_setup(test_each_byte_changed, setup),
		cmocka_unit_test_setup(test_madt, setup),
		cmocka_unit_test_setup(test_madt_is_bounded, setup),
		cmocka_unit_test_setup(test_mp_table, setup),
		cmocka_unit_test_setup(test_each_byte_of_cpus_changed, setup),
		cmocka_unit_test(test_divide),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
