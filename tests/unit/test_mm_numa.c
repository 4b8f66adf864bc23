/* SPDX-License-Identifier: MIT */
/* Frames of several nodes: the own node first, then the nearest; frames return home; sums hold. */
#include "mm_fixture.h"

/*
 * Two nodes, the boundary in the middle of a unit of 2 MiB, which belongs to node 0 as a whole:
 *     RAM      3 MiB                  16 MiB + 4 KiB              35 MiB
 *     nodes     |0000000000000000000000|1111111111111111111111111111|
 *     CPUs      0, 2                    1, 3
 */
#define BOUNDARY  MIB(18) /* where node 1 begins in truth */
#define NODE_0	  ((BOUNDARY - FAKE_RAM_BASE) / P)
#define ALL_PAGES (TEST_RAM / P)

static const u8 cpu_nodes[] = {0, 1, 0, 1};

static int two_nodes_setup(void **state)
{
	struct numa_topology t;

	(void)state;
	numa_init(&t, 2);
	t.distance[0][1] = t.distance[1][0] = 31; /* farther than nodes that are not there */
	assert_int_equal(numa_add_range(&t, FAKE_RAM_BASE, MIB(16) + P - FAKE_RAM_BASE, 0), 0);
	assert_int_equal(numa_add_range(&t, MIB(16) + P, MIB(64), 1), 0);
	frames_set_topology(&t, cpu_nodes, 4);
	fake_start(TEST_RAM);
	return 0;
}

static int teardown(void **state)
{
	fake_set_cpu(0);
	return machine_teardown(state);
}

#define NUMA_TEST(f) cmocka_unit_test_setup_teardown(f, two_nodes_setup, teardown)

static unsigned true_node(const struct page *p)
{
	return page_to_pfn(p).raw << PAGE_SHIFT >= BOUNDARY;
}

/* The figures of the nodes add up to those of the machine. */
static void check_sums(void)
{
	struct frame_stats all, node;
	u64 owned[FRAME_OWNERS] = {0}, total = 0;

	frame_stats_read(&all);
	for (unsigned n = 0; n < numa.nodes; n++) {
		node_frames_read(n, &node);
		total += node.total;
		for (unsigned o = 0; o < FRAME_OWNERS; o++)
			owned[o] += node.owned[o];
	}
	assert_int_equal(total, all.total);
	for (unsigned o = 0; o < FRAME_OWNERS; o++)
		assert_int_equal(owned[o], all.owned[o]);
}

static struct page *take(void)
{
	struct page *p = frame_alloc(0, 0, FRAME_ANON);

	if (p)
		assert_int_equal(p->node, true_node(p));
	return p;
}

static void test_own_node_first(void **state)
{
	struct page *p[200];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		fake_set_cpu(i % 4);
		p[i] = i % 3 ? take() : frame_alloc(3, 0, FRAME_KERNEL);
		assert_non_null(p[i]);
		assert_int_equal(p[i]->node, cpu_nodes[i % 4]);
		assert_int_equal(p[i]->node, true_node(p[i]));
	}
	check_sums();
	for (unsigned i = 0; i < 200; i++)
		frame_put(p[i]);
	check_sums();
}

/* All of the own node, then the other one's, and counted so. */
static void test_fallback(void **state)
{
	static struct page *p[ALL_PAGES + 1];
	struct node_stats s0, s1;
	u64 n = 0;

	(void)state;
	while ((p[n] = take()) != NULL) {
		assert_int_equal(p[n]->node, n >= NODE_0);
		n++;
	}
	assert_int_equal(n, ALL_PAGES);
	check_sums();
	node_stats_read(0, &s0);
	node_stats_read(1, &s1);
	assert_int_equal(s0.hit, NODE_0);
	assert_int_equal(s0.local, NODE_0);
	assert_int_equal(s0.foreign, ALL_PAGES - NODE_0);
	assert_int_equal(s0.miss + s0.other, 0);
	assert_int_equal(s1.miss, ALL_PAGES - NODE_0);
	assert_int_equal(s1.other, ALL_PAGES - NODE_0);
	assert_int_equal(s1.hit + s1.local + s1.foreign, 0);
	/* What is freed on the own node is the next to be had. */
	frame_put(p[3]);
	p[3] = take();
	assert_int_equal(p[3]->node, 0);
	for (u64 i = 0; i < n; i++)
		frame_put(p[i]);
	check_sums();
}

/* A CPU does not keep frames of the other node: the next that it hands out is its own. */
static void test_frames_return_home(void **state)
{
	struct page *p[100];

	(void)state;
	fake_set_cpu(1);
	for (unsigned i = 0; i < 100; i++)
		p[i] = take();
	fake_set_cpu(0);
	for (unsigned i = 0; i < 100; i++)
		frame_put(p[i]);
	p[0] = take();
	assert_int_equal(p[0]->node, 0);
	frame_put(p[0]);
	check_sums();
	/* Node 1 is whole again, but for what CPU 1 may keep: 17 MiB of it in blocks of 2 MiB. */
	for (unsigned i = 0; i < 7; i++) {
		p[i] = frame_alloc_from(1, 1u << 1, FRAME_ORDERS - 1, 0, FRAME_KERNEL);
		assert_non_null(p[i]);
		assert_int_equal(true_node(p[i]), 1);
	}
	for (unsigned i = 0; i < 7; i++)
		frame_put(p[i]);
}

static void test_chosen_nodes(void **state)
{
	static struct page *p[ALL_PAGES + 1];
	u64 n = 0;

	(void)state;
	/* Strictly: the other node's memory is not touched, though this CPU's list holds some of the wanted one. */
	p[n++] = take();
	while ((p[n] = frame_alloc_from(0, 1u << 0, 0, FRAME_ZERO, FRAME_ANON)) != NULL)
		assert_int_equal(p[n++]->node, 0);
	assert_int_equal(n, NODE_0);
	p[n] = frame_alloc_from(0, 3, 0, 0, FRAME_ANON);
	assert_int_equal(p[n++]->node, 1);
	check_sums();
	for (u64 i = 0; i < n; i++)
		frame_put(p[i]);
	p[0] = frame_alloc_from(1, 3, 0, 0, FRAME_ANON);
	assert_int_equal(p[0]->node, 1);
	frame_put(p[0]);
}

/* Any mixture of CPUs, sizes and nodes. */
static void test_random(void **state)
{
	enum { HELD = 400 };
	static struct page *held[HELD];
	u64 rng = 7;

	(void)state;
	memset(held, 0, sizeof(held));
	for (u32 round = 0; round < 30000; round++) {
		unsigned i = (unsigned)unit_random_below(&rng, HELD);
		unsigned order = (unsigned)(unit_random_below(&rng, 4) * unit_random_below(&rng, 3));

		fake_set_cpu((u32)unit_random_below(&rng, 4));
		if (held[i]) {
			frame_put(held[i]);
			held[i] = NULL;
		} else if (round % 5) {
			held[i] = frame_alloc(order, 0, FRAME_ANON);
		} else {
			held[i] = frame_alloc_from(1, 1u << 1, order, 0, FRAME_TABLE);
		}
		if (held[i])
			assert_int_equal(held[i]->node, true_node(held[i]));
		if (round % 1000 == 0)
			check_sums();
	}
	for (unsigned i = 0; i < HELD; i++)
		if (held[i])
			frame_put(held[i]);
	check_sums();
}

/* A span over the boundary, boot memory given back on both sides. */
static void test_spans_over_the_boundary(void **state)
{
	struct frame_stats s;

	(void)state;
	fake_stop();
	two_nodes_setup(NULL);
	fake_stop();
	struct numa_topology t;

	numa_init(&t, 2);
	assert_int_equal(numa_add_range(&t, BOUNDARY, MIB(64), 1), 0);
	frames_set_topology(&t, cpu_nodes, 4);
	fake_start_bare(TEST_RAM, 30);
	frames_add_span((struct range){BOUNDARY - MIB(1), BOUNDARY + MIB(3)});
	frames_release_boot((struct range){BOUNDARY - MIB(1) - 10 * P, BOUNDARY - MIB(1)});
	frames_release_boot((struct range){BOUNDARY + MIB(3), BOUNDARY + MIB(3) + 20 * P});
	node_frames_read(0, &s);
	assert_int_equal(s.total, MIB(1) / P + 10);
	assert_int_equal(s.owned[FRAME_FREE], s.total);
	node_frames_read(1, &s);
	assert_int_equal(s.total, MIB(3) / P + 20);
	check_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NUMA_TEST(test_own_node_first),
		NUMA_TEST(test_fallback),
		NUMA_TEST(test_frames_return_home),
		NUMA_TEST(test_chosen_nodes),
		NUMA_TEST(test_random),
		NUMA_TEST(test_spans_over_the_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
