/* SPDX-License-Identifier: MIT */
/*
 * The initial stack: its bytes, its limits, and what happens when memory ends. The oracle is Linux: this
 * process's own initial stack is built again from its own strings and must come out the same, byte for byte.
 */
#include "unit.h"
#include <errno.h>
#include <linux/auxvec.h>
#include <task/stack_image.h>

#define TOP	    0x7ffffffff000ul
#define PAGES_MAX   2048
#define STACK_LIMIT MIB(8)

/* Pages in plain memory, each an allocation of its own so that the sanitizer sees a step over its edge. */
struct memory {
	u8 *pages[PAGES_MAX];
	u32 count;
	u32 fail_at; /* no page with this index or above */
	struct stack_image img;
};

static u8 *memory_page(void *arg, u32 index)
{
	struct memory *m = arg;

	assert_true(index <= m->count && index < PAGES_MAX);
	if (index == m->count) {
		if (index >= m->fail_at)
			return NULL;
		m->pages[m->count++] = calloc(1, PAGE_SIZE);
	}
	return m->pages[index];
}

static struct memory *memory_new(void)
{
	struct memory *m = calloc(1, sizeof(*m));

	m->fail_at = PAGES_MAX;
	return m;
}

static void memory_free(struct memory *m)
{
	for (u32 i = 0; i < m->count; i++)
		free(m->pages[i]);
	free(m);
}

static int begin(struct memory *m, u64 limit, const char *execfn, u32 argc, u32 envc)
{
	return stack_begin(&m->img, memory_page, m, limit, execfn, argc, envc);
}

static int push_list(struct memory *m, const char *const *list, u32 count)
{
	int err = 0;

	while (!err && count-- > 0)
		err = stack_push(&m->img, list[count]);
	return err;
}

/* `len` bytes of the image from address `at`. */
static void read_at(struct memory *m, u64 at, void *out, u64 len)
{
	for (u8 *to = out; len > 0; len--, at++) {
		u64 depth = TOP - at;
		u64 index = (depth - 1) / PAGE_SIZE;

		assert_true(index < m->count);
		*to++ = m->pages[index][PAGE_SIZE - (depth - index * PAGE_SIZE)];
	}
}

static u64 word_at(struct memory *m, u64 at)
{
	u64 word;

	read_at(m, at, &word, sizeof(word));
	return word;
}

static void assert_string_at(struct memory *m, u64 at, const char *expected)
{
	char *got = calloc(1, strlen(expected) + 1);

	read_at(m, at, got, strlen(expected) + 1);
	assert_memory_equal(got, expected, strlen(expected) + 1);
	free(got);
}

static const u8 random_bytes_16[STACK_RANDOM_BYTES] = "0123456789abcdef";
static const struct auxv_pair auxv_few[] = {
	{AT_PAGESZ, 4096},
	{AT_RANDOM, 0},
	{AT_EXECFN, 0},
	{AT_PLATFORM, 0},
};

static struct stack_tail tail_of(u64 drop)
{
	return (struct stack_tail){
		.top = TOP,
		.drop_bytes = drop,
		.platform = "x86_64",
		.random = random_bytes_16,
		.auxv = auxv_few,
		.auxv_count = ARRAY_SIZE(auxv_few),
	};
}

/* Follows every pointer of a finished image. */
static void check_finished(struct memory *m, u64 sp, const char *execfn, const char *const *argv, u32 argc,
			   const char *const *envp, u32 envc)
{
	u8 random[STACK_RANDOM_BYTES];
	u64 at = sp;

	assert_true(IS_ALIGNED(sp, 16));
	assert_int_equal(word_at(m, TOP - 8), 0);
	assert_int_equal(word_at(m, at), argc);
	for (u32 i = 0; i < argc; i++)
		assert_string_at(m, word_at(m, at += 8), argv[i]);
	assert_int_equal(word_at(m, at += 8), 0);
	for (u32 i = 0; i < envc; i++)
		assert_string_at(m, word_at(m, at += 8), envp[i]);
	assert_int_equal(word_at(m, at += 8), 0);
	at += 8;
	assert_int_equal(word_at(m, at), AT_PAGESZ);
	assert_int_equal(word_at(m, at + 8), 4096);
	assert_int_equal(word_at(m, at + 16), AT_RANDOM);
	read_at(m, word_at(m, at + 24), random, sizeof(random));
	assert_memory_equal(random, random_bytes_16, sizeof(random));
	assert_int_equal(word_at(m, at + 32), AT_EXECFN);
	assert_string_at(m, word_at(m, at + 40), execfn);
	assert_int_equal(word_at(m, at + 48), AT_PLATFORM);
	assert_string_at(m, word_at(m, at + 56), "x86_64");
	assert_int_equal(word_at(m, at + 64), AT_NULL);
	assert_int_equal(word_at(m, at + 72), 0);
}

static void test_small_image(void **state)
{
	static const char *const argv[] = {"prog", "", "two words"};
	static const char *const envp[] = {"A=1", "PATH=/bin"};

	(void)state;
	for (u64 drop = 0; drop < 8192; drop += 16) {
		struct memory *m = memory_new();
		struct stack_tail tail = tail_of(drop);
		struct stack_places places;

		assert_int_equal(begin(m, STACK_LIMIT, "/bin/prog", 3, 2), 0);
		assert_int_equal(push_list(m, envp, 2), 0);
		assert_int_equal(push_list(m, argv, 3), 0);
		assert_int_equal(stack_finish(&m->img, &tail, &places), 0);
		check_finished(m, places.sp, "/bin/prog", argv, 3, envp, 2);
		assert_int_equal(places.args.start, word_at(m, places.sp + 8));
		assert_int_equal(places.args.end, places.args.start + 5 + 1 + 10);
		assert_int_equal(places.env.start, places.args.end);
		assert_int_equal(places.env.end, TOP - 8 - sizeof("/bin/prog"));
		memory_free(m);
	}
}

/* The order of everything below the top, written out. */
static void test_exact_bytes(void **state)
{
	static const char *const argv[] = {"a"}, *const envp[] = {"E=x"};
	struct memory *m = memory_new();
	struct stack_tail tail = tail_of(0);
	struct stack_places places;
	char got[64];

	(void)state;
	assert_int_equal(begin(m, STACK_LIMIT, "/p", 1, 1), 0);
	assert_int_equal(push_list(m, envp, 1), 0);
	assert_int_equal(push_list(m, argv, 1), 0);
	assert_int_equal(stack_finish(&m->img, &tail, &places), 0);
	/* 8 + 3 + 4 + 2 = 17 bytes of strings, so the platform name ends 32 below the top. */
	read_at(m, TOP - 17, got, 17);
	assert_memory_equal(got, "a\0E=x\0/p\0\0\0\0\0\0\0\0\0", 17);
	read_at(m, TOP - 39, got, 7);
	assert_memory_equal(got, "x86_64\0", 7);
	read_at(m, TOP - 55, got, 16);
	assert_memory_equal(got, random_bytes_16, 16);
	/* argc, argv[1], NULL, envp[1], NULL, 4 pairs and AT_NULL: 15 words, down to a multiple of 16. */
	assert_int_equal(places.sp, ALIGN_DOWN(TOP - 55 - 15 * 8, 16));
	memory_free(m);
}

static void test_no_strings(void **state)
{
	struct memory *m = memory_new();
	struct stack_tail tail = tail_of(0);
	struct stack_places places;

	(void)state;
	assert_int_equal(begin(m, STACK_LIMIT, "", 0, 0), 0);
	assert_int_equal(stack_finish(&m->img, &tail, &places), 0);
	check_finished(m, places.sp, "", NULL, 0, NULL, 0);
	memory_free(m);
}

/* Strings that begin, end and cross at every offset of a page. */
static void test_page_edges(void **state)
{
	char *pad = calloc(1, PAGE_SIZE + 64);
	const char *argv[3] = {"first", pad, "last"};

	(void)state;
	for (u64 len = PAGE_SIZE - 64; len < PAGE_SIZE + 63; len++) {
		struct memory *m = memory_new();
		struct stack_tail tail = tail_of(0);
		struct stack_places places;

		memset(pad, 'x', len);
		pad[len] = 0;
		assert_int_equal(begin(m, STACK_LIMIT, "/p", 3, 0), 0);
		assert_int_equal(push_list(m, argv, 3), 0);
		assert_int_equal(stack_finish(&m->img, &tail, &places), 0);
		check_finished(m, places.sp, "/p", argv, 3, NULL, 0);
		memory_free(m);
	}
	free(pad);
}

/* A script's interpreter in place of argv[0]; the bytes of the old one must be gone. */
static void test_pop(void **state)
{
	static const char *const before[] = {"a long name that is taken away again", "x"};
	static const char *const after[] = {"/i", "/s", "x"};
	struct memory *m = memory_new();
	struct stack_tail tail = tail_of(0);
	struct stack_places places;
	u64 low;

	(void)state;
	assert_int_equal(begin(m, STACK_LIMIT, "/s", 2, 0), 0);
	assert_int_equal(push_list(m, before, 2), 0);
	low = m->img.used;
	stack_pop(&m->img);
	assert_int_equal(m->img.argc, 1);
	for (u64 at = TOP - low; at < TOP - m->img.used; at++) {
		u8 byte;

		read_at(m, at, &byte, 1);
		assert_int_equal(byte, 0);
	}
	assert_int_equal(push_list(m, after, 2), 0);
	m->img.argc += 2;
	assert_int_equal(stack_finish(&m->img, &tail, &places), 0);
	check_finished(m, places.sp, "/s", after, 3, NULL, 0);
	memory_free(m);
}

/* A string over several pages is read again, and taken away again, whole. */
static void test_pop_large(void **state)
{
	struct memory *m = memory_new();
	char *big = malloc(ARG_STRING_BYTES_MAX);
	u64 before;

	(void)state;
	memset(big, 'b', ARG_STRING_BYTES_MAX - 1);
	big[ARG_STRING_BYTES_MAX - 1] = 0;
	assert_int_equal(begin(m, STACK_LIMIT, "/s", 1, 0), 0);
	before = m->img.used;
	assert_int_equal(stack_push(&m->img, big), 0);
	assert_int_equal(m->img.used, before + ARG_STRING_BYTES_MAX);
	stack_pop(&m->img);
	assert_int_equal(m->img.used, before);
	memory_free(m);
	free(big);
}

static void test_longest_string(void **state)
{
	struct memory *m = memory_new();
	char *s = malloc(ARG_STRING_BYTES_MAX + 1);

	(void)state;
	memset(s, 's', ARG_STRING_BYTES_MAX);
	s[ARG_STRING_BYTES_MAX] = 0;
	assert_int_equal(begin(m, STACK_LIMIT, "/s", 1, 0), 0);
	assert_int_equal(stack_push(&m->img, s), -E2BIG);
	s[ARG_STRING_BYTES_MAX - 1] = 0;
	assert_int_equal(stack_push(&m->img, s), 0);
	memory_free(m);
	free(s);
}

/* How many bytes of strings fit under a stack limit, to the byte. */
static void assert_room(u64 stack_limit, u32 argc, u32 envc, u64 room)
{
	struct memory *m = memory_new();

	assert_int_equal(begin(m, stack_limit, "", argc, envc), 0);
	/* The empty file name took its NUL. */
	assert_int_equal(stack_reserve(&m->img, room), -E2BIG);
	assert_int_equal(stack_reserve(&m->img, room - 1), 0);
	assert_int_equal(stack_reserve(&m->img, 1), -E2BIG);
	memory_free(m);
}

static void test_limits(void **state)
{
	struct memory *m = memory_new();

	(void)state;
	assert_room(MIB(8), 1, 0, MIB(2) - 8);
	assert_room(MIB(8), 0, 0, MIB(2) - 8); /* one pointer is counted all the same */
	assert_room(MIB(8), 3, 5, MIB(2) - 64);
	assert_room(UINT64_MAX, 1, 0, MIB(6) - 8);
	assert_room(0, 1, 0, KIB(128) - 8);
	assert_room(KIB(512), 1, 0, KIB(128) - 8);
	/* Pointers alone can be too many. */
	assert_int_equal(begin(m, 0, "", KIB(16), 0), -E2BIG);
	assert_int_equal(begin(m, 0, "", UINT32_MAX, UINT32_MAX), -E2BIG);
	/* … or leave eight bytes, which the file name needs too. */
	assert_int_equal(begin(m, 0, "12345678", KIB(16) - 1, 0), -E2BIG);
	assert_int_equal(begin(m, 0, "1234567", KIB(16) - 1, 0), 0);
	memory_free(m);
}

/* Memory may end at any page: -ENOMEM, and nothing written outside what there is. */
static void test_memory_ends(void **state)
{
	char *s = malloc(3 * PAGE_SIZE + 1);
	int err = -ENOMEM;

	(void)state;
	memset(s, 'm', 3 * PAGE_SIZE);
	s[3 * PAGE_SIZE] = 0;
	for (u32 pages = 0; err; pages++) {
		struct memory *m = memory_new();
		struct stack_tail tail = tail_of(4096);
		struct stack_places places;

		m->fail_at = pages;
		err = begin(m, STACK_LIMIT, "/p", 1, 0);
		if (!err)
			err = stack_push(&m->img, s);
		if (!err)
			err = stack_finish(&m->img, &tail, &places);
		assert_int_equal(err, pages < 5 ? -ENOMEM : 0);
		memory_free(m);
	}
	free(s);
}

static u64 stat_field(unsigned number)
{
	char text[2048], *at;
	FILE *f = fopen("/proc/self/stat", "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	at = strrchr(text, ')') + 2;
	for (unsigned i = 3; i < number; i++)
		at = strchr(at, ' ') + 1;
	return strtoull(at, NULL, 10);
}

static u64 own_stack_top(void)
{
	char line[512];
	u64 start, end = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "[stack]") && sscanf(line, "%lx-%lx", &start, &end) == 2)
			break;
	}
	fclose(f);
	return end;
}

/* Builds the stack that Linux gave this process again, from its own strings and auxiliary vector. */
static void test_same_as_linux(void **state)
{
	u64 sp = stat_field(28), top = own_stack_top(), strings = stat_field(48);
	u64 argc = *(const u64 *)sp, envc = 0, pairs = 0, platform = 0, execfn = 0, random = 0;
	const char *const *argv = (const char *const *)(sp + 8), *const *envp = argv + argc + 1;
	const struct auxv_pair *auxv;
	struct stack_places places;
	struct memory *m = memory_new();
	u8 *image;

	(void)state;
	if (!sp || !top || !strings)
		skip();
	while (envp[envc])
		envc++;
	auxv = (const struct auxv_pair *)(envp + envc + 1);
	for (; auxv[pairs].type != AT_NULL; pairs++) {
		if (auxv[pairs].type == AT_PLATFORM)
			platform = auxv[pairs].value;
		if (auxv[pairs].type == AT_EXECFN)
			execfn = auxv[pairs].value;
		if (auxv[pairs].type == AT_RANDOM)
			random = auxv[pairs].value;
	}
	assert_int_equal(begin(m, STACK_LIMIT, (const char *)execfn, (u32)argc, (u32)envc), 0);
	assert_int_equal(push_list(m, envp, (u32)envc), 0);
	assert_int_equal(push_list(m, argv, (u32)argc), 0);
	assert_int_equal(top - m->img.used, strings);

	const struct stack_tail tail = {
		.top = top,
		.drop_bytes = ALIGN_DOWN(strings, 16) - ALIGN_UP(platform + 7, 16),
		.platform = (const char *)platform,
		.random = (const u8 *)random,
		.auxv = auxv,
		.auxv_count = (u32)pairs,
	};
	assert_int_equal(stack_finish(&m->img, &tail, &places), 0);
	assert_int_equal(places.sp, sp);
	assert_int_equal(places.args.end, stat_field(49));
	assert_int_equal(places.env.start, stat_field(50));
	assert_int_equal(places.env.end, stat_field(51));

	image = malloc(top - sp);
	read_at(m, TOP - m->img.used, image, top - sp);
	assert_memory_equal(image, (const void *)sp, top - sp);
	free(image);
	memory_free(m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_image),
		cmocka_unit_test(test_exact_bytes),
		cmocka_unit_test(test_no_strings),
		cmocka_unit_test(test_page_edges),
		cmocka_unit_test(test_pop),
		cmocka_unit_test(test_pop_large),
		cmocka_unit_test(test_longest_string),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_memory_ends),
		cmocka_unit_test(test_same_as_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
