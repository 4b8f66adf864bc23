/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a family of address spaces against a model (mm_model.h): map, unmap, protect, brk, remap, advise,
 * lock, touch, fork, exit.
 *
 * After each operation aspace_check looks at every invariant, the TLB is checked for stale entries, and rights and flags
 * are compared with the model; every few operations every page of every address space is.
 *
 * Each operation is also run with each of its allocations failing in turn. It must then say so, and have
 * changed nothing: same VMAs, same counts, same frames. At the end no frame and no cell of the heap may be missing.
 */
#include <signal.h>
#include "mm_model_remap.h"

#define ROUNDS 6000u
#define ALONE  1000u /* rounds before the first fork: until then frames are counted too */
#define WORLDS 4u

static struct world worlds[WORLDS];
static unsigned world_count;

static void world_init(struct aspace *as, u64 seed)
{
	const u64 low = AT - USER_MIN, high = USER_TOP - addr_of(PAGES);

	rng = seed;
	object_count = cell_count = forks = 0;
	world_count = 1;
	worlds[0] = (struct world){.as = as};
	file = mobj_create(NULL, NULL);
	assert_int_equal(mobj_resize(file, FILE_PAGES * P), 0);
	assert_int_equal(new_object(FILE_PAGES), 0);
	map_at(as, USER_MIN, low, BLOCKER);
	map_at(as, addr_of(PAGES), high, BLOCKER);
	as->heap = (struct range){AT, AT};
	as->mmap_top = addr_of(PAGES);
	as->limit_as_bytes = low + high + LIMIT_PAGES * P;
	as->limit_lock_bytes = UINT64_MAX;
}

static struct aspace *forked;

static s64 run_fork(struct world *w, struct operation *op)
{
	(void)op;
	return aspace_fork(w->as, &forked);
}

/* What a child has of a page. */
static struct model_page inherited(struct model_page p)
{
	if (p.flags & VMA_NO_FORK)
		return (struct model_page){.kind = NOTHING};
	p.flags &= ~(u32)VMA_LOCKED;
	if (p.flags & VMA_WIPE_ON_FORK) {
		model_drop(&p);
		p.guard = false;
	}
	return p;
}

static void do_fork(struct world *w, struct operation op)
{
	struct world *child = &worlds[world_count];

	if (world_count == WORLDS)
		return;
	op.run = run_fork;
	assert_int_equal(run_with_failures(w, &op, 0, -ENOMEM), 0);
	forks++;
	world_count++;
	*child = *w;
	child->as = forked;
	for (unsigned i = 0; i < PAGES; i++)
		child->page[i] = inherited(w->page[i]);
	aspace_check(child->as);
	compare_rights(child);
}

/* Ends any but the last: the first, whom all others come from, as well. */
static void do_exit(void)
{
	unsigned which = (unsigned)below(world_count);

	if (world_count == 1)
		return;
	fake_use_aspace(NULL);
	aspace_put(worlds[which].as);
	worlds[which] = worlds[--world_count];
}

static void random_step(unsigned round)
{
	static void (*const operations[])(struct world *, struct operation) = {
		do_map,	  do_map,  do_unmap, do_protect, do_protect, do_advise, do_advise, do_brk,   do_remap,
		do_remap, do_lock, do_touch, do_touch,	 do_touch,   do_touch,	do_touch,  do_touch,
	};
	static const u32 prots[] = {0, VMA_READ, RW, RW, RW, VMA_READ | VMA_EXEC, VMA_PROT};
	struct world *w = &worlds[below(world_count)];
	const struct operation op = {.at = random_extent(w), .prot = prots[below(ARRAY_SIZE(prots))]};

	fake_use_aspace(w->as);
	if (round > ALONE && below(20) == 0) {
		do_fork(w, op);
	} else if (below(40) == 0) {
		do_exit();
		return;
	} else {
		operations[below(ARRAY_SIZE(operations))](w, op);
	}
	compare_rights(w);
}

static void run_model(void **state, u64 seed)
{
	world_init(*state, seed);
	*state = NULL;
	for (unsigned round = 0; round < ROUNDS; round++) {
		random_step(round);
		for (unsigned i = 0; round % 16 == 0 && i < world_count; i++)
			compare_contents(&worlds[i]);
	}
	while (world_count > 1)
		do_exit();
	*state = worlds[0].as;
	fake_use_aspace(*state);
	assert_int_equal(aspace_unmap(*state, AT, PAGES * P), 0);
	assert_int_equal(pmap_resident_pages(&worlds[0].as->pmap), 0);
	mobj_put(file);
}

static void test_model_1(void **state)
{
	run_model(state, 1);
}

static void test_model_2(void **state)
{
	run_model(state, 20);
}

static void test_model_3(void **state)
{
	run_model(state, 300);
}

/* Any seed: MODEL_SEED=N, as a failure of a longer search prints it. */
static void test_model_given(void **state)
{
	const char *seed = getenv("MODEL_SEED");

	run_model(state, seed ? strtoull(seed, NULL, 0) : 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_model_1),
		ASPACE_TEST(test_model_2),
		ASPACE_TEST(test_model_3),
		ASPACE_TEST(test_model_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
