/* SPDX-License-Identifier: MIT */
/* Path text to components and back. */
#include "unit.h"
#include <errno.h>
#include "fs/path.h"

/* The components of a path as text: "name" N, "." D, ".." U; '/' after one with a slash behind it, '!' after the last. */
static const char *spell(const char *path)
{
	static char out[256];
	struct path_part part;
	size_t at = 0;

	while (path_next(&path, &part)) {
		memcpy(out + at, part.name, part.len);
		at += part.len;
		out[at++] = "NDU"[part.kind];
		if (part.slash)
			out[at++] = '/';
		if (part.last)
			out[at++] = '!';
		out[at++] = ' ';
	}
	out[at ? at - 1 : 0] = '\0';
	assert_int_equal(*path, 0);
	return out;
}

static void test_parts(void **state)
{
	(void)state;
	assert_string_equal(spell(""), "");
	assert_string_equal(spell("/"), "");
	assert_string_equal(spell("////"), "");
	assert_string_equal(spell("a"), "aN!");
	assert_string_equal(spell("/a"), "aN!");
	assert_string_equal(spell("a/"), "aN/!");
	assert_string_equal(spell("//a///b//"), "aN/ bN/!");
	assert_string_equal(spell("."), ".D!");
	assert_string_equal(spell(".."), "..U!");
	assert_string_equal(spell("..."), "...N!");
	assert_string_equal(spell(".a"), ".aN!");
	assert_string_equal(spell("..a"), "..aN!");
	assert_string_equal(spell("./../x/."), ".D/ ..U/ xN/ .D!");
	assert_string_equal(spell("\xff\n /\x01"), "\xff\n N/ \x01N!");
}

static void test_long_names_are_whole(void **state)
{
	char path[5000];
	const char *pos = path;
	struct path_part part;

	(void)state;
	memset(path, 'n', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_true(path_next(&pos, &part));
	assert_int_equal(part.len, sizeof(path) - 1);
	assert_true(part.last && !part.slash);
	assert_false(path_next(&pos, &part));
	assert_false(path_next(&pos, &part));
}

static ssize_t build(char *buf, size_t size, const char *const *names)
{
	struct path_builder b;

	path_builder_init(&b, buf, size);
	for (; *names; names++)
		path_builder_prepend(&b, *names, strlen(*names));
	return path_builder_finish(&b);
}

static void test_builder(void **state)
{
	static const char *const usr_lib[] = {"lib", "usr", NULL}, *const nothing[] = {NULL};
	char *buf;

	(void)state;
	/* "/usr/lib" and its terminator take nine bytes: every smaller buffer is refused, and nothing is overrun. */
	for (size_t size = 1; size <= 12; size++) {
		buf = malloc(size);
		assert_int_equal(build(buf, size, usr_lib), size < 9 ? -ENAMETOOLONG : 8);
		if (size >= 9)
			assert_string_equal(buf, "/usr/lib");
		free(buf);
	}
	for (size_t size = 1; size <= 3; size++) {
		buf = malloc(size);
		assert_int_equal(build(buf, size, nothing), size < 2 ? -ENAMETOOLONG : 1);
		if (size >= 2)
			assert_string_equal(buf, "/");
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_long_names_are_whole),
		cmocka_unit_test(test_builder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
