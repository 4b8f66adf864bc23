/* SPDX-License-Identifier: MIT */
/*
 * The radix tree against a model: a plain array of (index, entry) pairs. Indexes are drawn so that trees of
 * every height come and go; the allocator fails now and then, and counts what it gave out.
 */
#include "unit.h"
#include <errno.h>
#include <moat/radix.h>

#define MODEL_MAX 400

static struct {
	u64 index;
	void *entry;
} model[MODEL_MAX];
static size_t model_count;

static long nodes_live;
static long nodes_until_failure; /* < 0: never */

static void *node_alloc(size_t bytes)
{
	if (nodes_until_failure == 0)
		return NULL;
	if (nodes_until_failure > 0)
		nodes_until_failure--;
	nodes_live++;
	return calloc(1, bytes);
}

static void node_free(void *node, size_t bytes)
{
	memset(node, 0xa5, bytes);
	nodes_live--;
	free(node);
}

static int setup(void **state)
{
	(void)state;
	model_count = 0;
	nodes_live = 0;
	nodes_until_failure = -1;
	return 0;
}

static size_t model_find(u64 index)
{
	size_t i = 0;

	while (i < model_count && model[i].index != index)
		i++;
	return i;
}

static void model_set(u64 index, void *entry)
{
	size_t i = model_find(index);

	if (i == model_count)
		model_count++;
	model[i].index = index;
	model[i].entry = entry;
}

static void *model_remove(u64 index)
{
	size_t i = model_find(index);
	void *entry;

	if (i == model_count)
		return NULL;
	entry = model[i].entry;
	model[i] = model[--model_count];
	return entry;
}

/* The model's answer to radix_next. */
static void *model_next(u64 *index)
{
	size_t best = model_count;

	for (size_t i = 0; i < model_count; i++) {
		if (model[i].index >= *index && (best == model_count || model[i].index < model[best].index))
			best = i;
	}
	if (best == model_count)
		return NULL;
	*index = model[best].index;
	return model[best].entry;
}

/* Walks the whole tree beside the model. */
static void check_equal(const struct radix *r)
{
	u64 at = 0, model_at = 0;
	void *entry;

	assert_int_equal(r->count, model_count);
	assert_int_equal(model_count == 0, r->root == NULL);
	assert_int_equal(model_count == 0, nodes_live == 0);
	while ((entry = radix_next(r, &at)) != NULL) {
		assert_ptr_equal(entry, model_next(&model_at));
		assert_true(at == model_at);
		assert_ptr_equal(radix_get(r, at), entry);
		if (at == UINT64_MAX)
			return;
		at++;
		model_at++;
	}
	assert_null(model_next(&model_at));
}

static u64 random_index(u64 *seed)
{
	static const u64 edges[] = {0,
				    1,
				    63,
				    64,
				    65,
				    4095,
				    4096,
				    UINT64_MAX,
				    UINT64_MAX - 63,
				    UINT64_MAX - 64,
				    (u64)1 << 60,
				    ((u64)1 << 60) - 1};

	if (unit_random_below(seed, 4) == 0)
		return edges[unit_random_below(seed, ARRAY_SIZE(edges))];
	return unit_random(seed) >> unit_random_below(seed, 64) & 0xfffffffffffff0ff;
}

static void test_random_operations(void **state)
{
	(void)state;
	struct radix r;
	u64 seed = 1;

	radix_init(&r, node_alloc, node_free);
	for (int step = 0; step < 20000; step++) {
		u64 index = random_index(&seed);
		void *entry = (void *)(uintptr_t)(step + 1);
		bool grow = (step / 400) % 2 == 0;

		nodes_until_failure = unit_random_below(&seed, 3) ? -1 : (long)unit_random_below(&seed, 6);
		if (!grow && model_count > 0 && unit_random_below(&seed, 3) > 0)
			index = model[unit_random_below(&seed, model_count)].index;
		if (grow && model_count < MODEL_MAX) {
			int err = radix_set(&r, index, entry);
			assert_true(err == 0 || (err == -ENOMEM && nodes_until_failure == 0));
			if (!err)
				model_set(index, entry);
		} else {
			assert_ptr_equal(radix_remove(&r, index), model_remove(index));
		}
		if (step % 16 == 0)
			check_equal(&r);
	}
	while (model_count > 0) {
		u64 index = model[0].index;
		assert_ptr_equal(radix_remove(&r, index), model_remove(index));
	}
	check_equal(&r);
	assert_int_equal(r.height, 0);
}

/* Each allocation of one radix_set fails in turn: nothing changes, nothing leaks. */
static void test_allocation_failure(void **state)
{
	(void)state;
	static int x, y;
	struct radix r;
	long before;

	radix_init(&r, node_alloc, node_free);
	assert_int_equal(radix_set(&r, 5, &x), 0);
	before = nodes_live;
	for (long n = 0;; n++) {
		nodes_until_failure = n;
		int err = radix_set(&r, UINT64_MAX, &y);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(nodes_live, before);
		assert_int_equal(r.height, 1);
		assert_int_equal(r.count, 1);
		assert_ptr_equal(radix_get(&r, 5), &x);
		assert_null(radix_get(&r, UINT64_MAX));
		assert_true(n < 100);
	}
	assert_int_equal(r.height, 11);
	assert_ptr_equal(radix_get(&r, 5), &x);
	assert_ptr_equal(radix_get(&r, UINT64_MAX), &y);
	/* Replacing needs no memory. */
	nodes_until_failure = 0;
	assert_int_equal(radix_set(&r, UINT64_MAX, &x), 0);
	assert_int_equal(r.count, 2);
	/* Without the far entry the tree is as low as it was. */
	assert_ptr_equal(radix_remove(&r, UINT64_MAX), &x);
	assert_int_equal(r.height, 1);
	assert_int_equal(nodes_live, 1);
	assert_ptr_equal(radix_remove(&r, 5), &x);
	assert_int_equal(nodes_live, 0);
}

static void test_empty(void **state)
{
	(void)state;
	struct radix r;
	void *entry = &r;
	u64 at = 0;

	radix_init(&r, node_alloc, node_free);
	assert_null(radix_get(&r, 0));
	assert_null(radix_remove(&r, 0));
	assert_null(radix_next(&r, &at));
	radix_get_run(&r, 60, 1, &entry);
	assert_null(entry);
	assert_int_equal(at, 0);
}

/* Runs that begin in one node and end in the next one, which may be missing; and behind what the height reaches. */
static void test_runs(void **state)
{
	static char things[200];
	void *run[RADIX_SLOTS];
	struct radix r;
	u64 at;

	(void)state;
	radix_init(&r, node_alloc, node_free);
	for (at = 0; at < 150; at += 3)
		assert_int_equal(radix_set(&r, at, &things[at]), 0);
	for (u64 first = 0; first < 5000; first += first < 300 ? 1 : 997) {
		radix_get_run(&r, first, 40, run);
		for (unsigned i = 0; i < 40; i++)
			assert_ptr_equal(run[i], radix_get(&r, first + i));
	}
	at = 0;
	while (radix_next(&r, &at))
		radix_remove(&r, at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_random_operations, setup),
		cmocka_unit_test_setup(test_allocation_failure, setup),
		cmocka_unit_test_setup(test_empty, setup),
		cmocka_unit_test_setup(test_runs, setup),
	};

	return cmocka_run_group_tests_name("lib_radix", tests, NULL, NULL);
}
