/* SPDX-License-Identifier: MIT */
/* What a program is called with: scripts and their interpreters, many strings, strings of another program. */
#include "load_fixture.h"

static void test_script(void **state)
{
	static const char *const expected[] = {"/bin/i", "-x y", "/s", "one", "two", NULL};
	static const char text[] = "#! /bin/i -x y\nrest of the script";
	struct exec_image image;
	struct exec_request req;

	(void)state;
	add_program("/bin/i", ET_EXEC, 0x400000, NULL);
	req = request(add_file("/s", text, strlen(text)));
	assert_int_equal(load(&req, "/s", &image), 0);
	check_args(&image, expected);
	assert_string_at(auxv_value(&image, AT_EXECFN), "/s");
	assert_string_equal(image.name, "s");
	assert_ptr_equal(image.file, &files[0].file);
	unload(&image);
}

/* `depth` scripts in a row: "/s1" is interpreted by "/s2" and so on, the last one by a program. */
static int load_script_chain(unsigned depth, struct exec_image *image)
{
	static const char *const names[] = {"/s1", "/s2", "/s3", "/s4", "/s5", "/s6", "/i"};
	struct exec_request req;

	file_count = 0;
	add_program("/i", ET_EXEC, 0x400000, NULL);
	for (unsigned i = 0; i < depth; i++) {
		char text[32];

		snprintf(text, sizeof(text), "#!%s\n", i + 1 < depth ? names[i + 1] : "/i");
		add_file(names[i], text, strlen(text));
	}
	req = request(&files[1].file);
	return load(&req, "/s1", image);
}

static void test_scripts_of_scripts(void **state)
{
	static const char *const expected[] = {"/i", "/s5", "/s4", "/s3", "/s2", "/s1", "one", "two", NULL};
	struct exec_image image;

	(void)state;
	assert_int_equal(load_script_chain(5, &image), 0);
	check_args(&image, expected);
	unload(&image);
	drop_files();
	assert_int_equal(load_script_chain(6, &image), -ELOOP);
}

/* Many strings: more pages than the first list of frames holds. */
static void test_many_strings(void **state)
{
	static char big[KIB(128)];
	const char *argv[] = {"prog", big, big, big, "end", NULL};
	struct exec_request req = request(add_program("/p", ET_EXEC, 0x400000, NULL));
	struct exec_image image;

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	assert_int_equal(exec_args_from_kernel("/p", argv, envp_default, MIB(8), &req.args), 0);
	assert_int_equal(exec_load(&req, &image), 0);
	exec_args_destroy(req.args);
	aspace_check(image.aspace);
	fake_use_aspace(image.aspace);
	check_args(&image, argv);
	assert_true(pmap_resident_pages(&image.aspace->pmap) > 96);
	unload(&image);
	assert_int_equal(exec_args_from_kernel("/p", argv, envp_default, KIB(512), &req.args), -E2BIG);
}

static void user_write(u64 addr, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		poke(addr + i, ((const u8 *)bytes)[i]);
}

/* Strings that another program hands over: execve's own case. */
static void test_strings_from_user(void **state)
{
	const u64 list[] = {AT + 0x100, AT + P - 3, 0}, bad[] = {AT + 0x100, AT + 2 * P, 0};
	const u64 endless[] = {AT + 3 * P - 4, 0};
	static const char *const expected[] = {"first", "across pages", NULL};
	struct exec_request req = request(add_program("/p", ET_EXEC, 0x400000, NULL));
	struct aspace *caller = aspace_create();
	struct exec_image image;

	(void)state;
	fake_use_aspace(caller);
	map_at(caller, AT, 2 * P, RW);
	user_write(AT + 0x100, "first", 6);
	user_write(AT + P - 3, "across pages", 13);
	user_write(AT + 0x200, list, sizeof(list));
	user_write(AT + 0x300, bad, sizeof(bad));
	user_write(AT + 0x400, endless, sizeof(endless));
	user_write(AT + 2 * P - 4, "xxxx", 4);
#define USER_LIST(at) ((const char __user *const __user *)(at))
	assert_int_equal(exec_args_from_user("/p", USER_LIST(AT + 0x200), NULL, MIB(8), &req.args), 0);
	assert_int_equal(exec_load(&req, &image), 0);
	exec_args_destroy(req.args);
	fake_use_aspace(image.aspace);
	for (unsigned i = 0; expected[i]; i++)
		assert_string_at(word_at(image.rsp + 8 * (i + 1)), expected[i]);
	assert_int_equal(word_at(image.rsp), 2);
	unload(&image);

	fake_use_aspace(caller);
	assert_int_equal(exec_args_from_user("/p", NULL, NULL, MIB(8), &req.args), 0);
	exec_args_destroy(req.args);
	assert_int_equal(exec_args_from_user("/p", USER_LIST(AT + 0x300), NULL, MIB(8), &req.args), -EFAULT);
	assert_int_equal(exec_args_from_user("/p", USER_LIST(AT + 2 * P), NULL, MIB(8), &req.args), -EFAULT);
	assert_int_equal(exec_args_from_user("/p", NULL, USER_LIST(AT + 0x400), MIB(8), &req.args), -EFAULT);
	assert_int_equal(exec_args_from_user("/p", USER_LIST(USER_TOP), NULL, MIB(8), &req.args), -EFAULT);
	fake_use_aspace(NULL);
	aspace_put(caller);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LOAD_TEST(test_script),
		LOAD_TEST(test_scripts_of_scripts),
		LOAD_TEST(test_many_strings),
		LOAD_TEST(test_strings_from_user),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
