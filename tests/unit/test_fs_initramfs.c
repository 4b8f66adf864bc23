/* SPDX-License-Identifier: MIT */
/* Unpacking an archive into the root file system: kinds, parents, replacing, hard links, the run spec, bad archives. */
#include "cpio_make.h"
#include "fs_fixture.h"

static struct cpio_make m;
static char spec[64];
static size_t spec_len;

static void take_spec(const void *bytes, size_t len, void *arg)
{
	assert_ptr_equal(arg, &m);
	assert_true(len <= sizeof(spec));
	memcpy(spec, bytes, len);
	spec_len = len;
}

static int unpack(void)
{
	return initramfs_unpack(m.bytes, m.len, take_spec, &m);
}

static void add(const char *name, u32 mode, const char *data)
{
	cpio_add(&m, &(struct cpio_file){.name = name, .mode = mode, .data = data});
}

static void start(void)
{
	memset(&m, 0, sizeof(m));
	spec_len = 0;
}

static void test_kinds(void **state)
{
	(void)state;
	start();
	add("t/dir", S_IFDIR | 0750, NULL);
	cpio_add(&m, &(struct cpio_file){.name = "t/dir/file",
					 .mode = S_IFREG | 04755,
					 .data = "hello",
					 .uid = 3,
					 .gid = 4,
					 .mtime = 1000});
	add("./t/dir/link", S_IFLNK | 0777, "file");
	add("/t/missing/parents/file", S_IFREG | 0600, "deep");
	cpio_add(&m, &(struct cpio_file){
			     .name = "t/null", .mode = S_IFCHR | 0666, .rdev_major = 1, .rdev_minor = 3});
	add("t/fifo", S_IFIFO | 0600, NULL);
	add("t/empty", S_IFREG | 0, NULL);
	cpio_end(&m);
	assert_int_equal(unpack(), 0);
	assert_int_equal(attr_of("/t/dir").mode, S_IFDIR | 0750);
	assert_int_equal(attr_of("/t/dir/file").mode, S_IFREG | 04755);
	assert_int_equal(attr_of("/t/dir/file").uid, 3);
	assert_int_equal(attr_of("/t/dir/file").gid, 4);
	assert_int_equal(attr_of("/t/dir/file").mtime.sec, 1000);
	assert_string_equal(text_of("/t/dir/link"), "hello");
	assert_string_equal(text_of("/t/missing/parents/file"), "deep");
	assert_int_equal(attr_of("/t/missing").mode, S_IFDIR | 0755);
	assert_int_equal(attr_of("/t/null").rdev, dev_make(1, 3));
	assert_int_equal(attr_of("/t/fifo").mode, S_IFIFO | 0600);
	assert_int_equal(attr_of("/t/empty").size_bytes, 0);
}

static void test_replacing(void **state)
{
	(void)state;
	make_file("file", "a long old text");
	assert_int_equal(vfs_mkdir(AT("dir"), 0755), 0);
	make_file("dir/stays", "x");
	assert_int_equal(vfs_mkdir(AT("was_dir"), 0755), 0);
	assert_int_equal(vfs_symlink(AT("was_link"), "file"), 0);
	start();
	add("t/file", S_IFREG | 0600, "new");
	add("t/dir", S_IFDIR | 0700, NULL);
	add("t/was_dir", S_IFREG | 0600, "now a file");
	add("t/was_link", S_IFREG | 0600, "not the link's file");
	cpio_end(&m);
	assert_int_equal(unpack(), 0);
	assert_string_equal(text_of("file"), "new");
	assert_string_equal(text_of("dir/stays"), "x");
	assert_int_equal(attr_of("dir").mode, S_IFDIR | 0700);
	assert_string_equal(text_of("was_dir"), "now a file");
	assert_string_equal(text_of("was_link"), "not the link's file");
}

static void test_hard_links(void **state)
{
	(void)state;
	start();
	/* As GNU cpio writes them: the contents with the last name. */
	cpio_add(&m, &(struct cpio_file){.name = "t/a", .mode = S_IFREG | 0644, .ino = 5, .nlink = 3});
	cpio_add(&m, &(struct cpio_file){.name = "t/b", .mode = S_IFREG | 0644, .ino = 5, .nlink = 3});
	cpio_add(&m, &(struct cpio_file){
			     .name = "t/c", .mode = S_IFREG | 0644, .ino = 5, .nlink = 3, .data = "same"});
	cpio_add(&m, &(struct cpio_file){
			     .name = "t/other", .mode = S_IFREG | 0644, .ino = 6, .nlink = 2, .data = "x"});
	cpio_end(&m);
	assert_int_equal(unpack(), 0);
	assert_string_equal(text_of("a"), "same");
	assert_int_equal(attr_of("a").nlink, 3);
	assert_int_equal(attr_of("a").ino, attr_of("b").ino);
	assert_int_equal(attr_of("a").ino, attr_of("c").ino);
	assert_int_equal(attr_of("other").nlink, 1);
}

static void test_spec(void **state)
{
	static const char *const names[] = {".moat/spec", "./.moat/spec", "/.moat/spec"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		start();
		cpio_add(&m,
			 &(struct cpio_file){
				 .name = names[i], .mode = S_IFREG, .data = "exe=/x\0arg=y", .data_len = 13});
		cpio_end(&m);
		assert_int_equal(unpack(), 0);
		assert_int_equal(spec_len, 13);
		assert_memory_equal(spec, "exe=/x\0arg=y", 13);
		assert_int_equal(find("/.moat"), -ENOENT);
	}
}

static void test_bad_entries(void **state)
{
	static char long_target[5000];

	(void)state;
	memset(long_target, 'x', sizeof(long_target) - 1);
	start();
	add("t/../../escape", S_IFREG | 0600, "x");
	assert_int_equal(unpack(), -EINVAL);
	start();
	add("t/link", S_IFLNK | 0777, NULL);
	assert_int_equal(unpack(), -EINVAL);
	start();
	add("t/link", S_IFLNK | 0777, long_target);
	assert_int_equal(unpack(), -EINVAL);
	start();
	add(long_target, S_IFREG | 0600, NULL);
	assert_int_equal(unpack(), -EINVAL);
	start();
	add("t/odd", 0150000, NULL);
	assert_int_equal(unpack(), -EINVAL);
	/* What came before the bad entry is kept. */
	start();
	add("t/good", S_IFREG | 0600, "kept");
	add("t/good/below", S_IFREG | 0600, "x");
	assert_int_equal(unpack(), -ENOTDIR);
	assert_string_equal(text_of("good"), "kept");
}

static void test_out_of_memory(void **state)
{
	(void)state;
	start();
	cpio_add(&m, &(struct cpio_file){
			     .name = "t/a/b", .mode = S_IFREG | 0644, .ino = 5, .nlink = 2, .data = "data"});
	cpio_add(&m, &(struct cpio_file){.name = "t/c", .mode = S_IFREG | 0644, .ino = 5, .nlink = 2});
	add("t/l", S_IFLNK | 0777, "c");
	cpio_end(&m);
	for (u64 n = 1;; n++) {
		int err;

		heap_fail_after(n);
		err = unpack();
		heap_fail_after(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		fs_clear("/t");
	}
	assert_string_equal(text_of("l"), "data");
	frame_fail_after(1);
	assert_int_equal(unpack(), -ENOMEM);
}

/* Random damage: whatever comes of it, nothing leaks and nothing outside /t is touched by these names. */
static void test_random_damage(void **state)
{
	static struct cpio_make good;
	u64 random = 3;

	(void)state;
	start();
	add("t/d", S_IFDIR | 0755, NULL);
	cpio_add(&m, &(struct cpio_file){
			     .name = "t/d/f", .mode = S_IFREG | 0644, .ino = 5, .nlink = 2, .data = "data"});
	cpio_add(&m, &(struct cpio_file){.name = "t/d/g", .mode = S_IFREG | 0644, .ino = 5, .nlink = 2});
	add("t/l", S_IFLNK | 0777, "d");
	good = m;
	for (int round = 0; round < 2000; round++) {
		m = good;
		/* Fields only, so that the names stay below /t. */
		for (u64 n = unit_random_below(&random, 3) + 1; n > 0; n--)
			m.bytes[6 + unit_random_below(&random, 104)] =
				"01248fF "[unit_random_below(&random, 8)];
		(void)unpack();
		fs_clear("/t");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_kinds),	     FS_TEST(test_replacing),	FS_TEST(test_hard_links),
		FS_TEST(test_spec),	     FS_TEST(test_bad_entries), FS_TEST(test_out_of_memory),
		FS_TEST(test_random_damage),
	};

	return cmocka_run_group_tests(tests, fs_group_setup, NULL);
}
