/* SPDX-License-Identifier: MIT */
/* mount(2), umount2(2), pivot_root(2): what they take they give back, also when memory is out at any step. */
#include "fs_fixture.h"
#include <linux/mount.h>

#define DETACH 2u /* MNT_DETACH */
#define EXPIRE 4u

static int mount_tmpfs(const char *at)
{
	struct mount_request r = {.type = "tmpfs", .source = "mine"};

	return vfs_mount(AT_FOLLOW(at), &r);
}

static int mount_flags(const char *from, const char *at, u64 flags)
{
	struct mount_request r = {.source = from, .flags = flags};

	return vfs_mount(AT_FOLLOW(at), &r);
}

static int umount(const char *at, u32 flags)
{
	return vfs_umount(AT_FOLLOW(at), flags);
}

static void make_dirs(const char *const *names)
{
	for (; *names; names++)
		assert_int_equal(vfs_mkdir(AT(*names), 0755), 0);
}

static void test_bind(void **state)
{
	struct file *f;
	char path[64];

	(void)state;
	make_dirs((const char *const[]){"a", "b", "a/in", NULL});
	make_file("a/f", "x");
	assert_int_equal(mount_flags("a", "b", MS_BIND), 0);
	assert_string_equal(text_of("b/f"), "x");
	assert_int_equal(attr_of("b/in/..").ino, attr_of("a").ino);
	assert_int_equal(attr_of("b/..").ino, attr_of(".").ino);
	assert_int_equal(vfs_rename(AT("b/f"), AT("a/g"), 0), -EXDEV);
	assert_int_equal(vfs_rename(AT("b/f"), AT("b/in/g"), 0), 0);
	assert_string_equal(text_of("a/in/g"), "x");
	assert_int_equal(vfs_rmdir(AT("b")), -EBUSY);
	f = open_file("b/in/new", O_RDWR | O_CREAT);
	assert_int_equal(vfs_path(f, path, sizeof(path)), 11);
	assert_string_equal(path, "/t/b/in/new");
	assert_int_equal(umount("b", 0), -EBUSY);
	assert_int_equal(umount("b", DETACH), 0);
	assert_int_equal(put_text(f, "kept"), 4);
	file_put(f);
	assert_string_equal(text_of("a/in/new"), "kept");
	assert_int_equal(find("b/in"), -ENOENT);
}

static void test_flags(void **state)
{
	struct file *f;

	(void)state;
	make_dirs((const char *const[]){"a", "b", NULL});
	make_file("a/f", "x");
	assert_int_equal(mount_flags("a", "b", MS_BIND), 0);
	f = open_file("b/f", O_RDWR);
	assert_int_equal(mount_flags(NULL, "b", MS_REMOUNT | MS_BIND | MS_RDONLY), -EBUSY);
	file_put(f);
	assert_int_equal(mount_flags(NULL, "b", MS_REMOUNT | MS_BIND | MS_RDONLY), 0);
	assert_int_equal(try_open("b/f", O_RDWR), -EROFS);
	assert_int_equal(try_open("b/new", O_RDWR | O_CREAT), -EROFS);
	assert_int_equal(vfs_unlink(AT("b/f")), -EROFS);
	assert_int_equal(vfs_truncate(AT("b/f"), 0, UINT64_MAX), -EROFS);
	assert_int_equal(try_open("a/f", O_RDWR), 0);
	assert_int_equal(mount_flags(NULL, "b", MS_UNBINDABLE), 0);
	assert_int_equal(mount_flags("b", "a", MS_BIND), -EINVAL);
	assert_int_equal(umount("b", EXPIRE), -EAGAIN);
	assert_int_equal(find("b/f"), 0);
	assert_int_equal(umount("b", EXPIRE), -EAGAIN);
	assert_int_equal(umount("b", EXPIRE), 0);
}

static void make_tree(void)
{
	make_dirs((const char *const[]){"a", "b", NULL});
	assert_int_equal(mount_tmpfs("a"), 0);
	make_dirs((const char *const[]){"a/x", "a/x/y", NULL});
	assert_int_equal(mount_tmpfs("a/x/y"), 0);
	make_dirs((const char *const[]){"a/x/y/z", NULL});
	assert_int_equal(mount_tmpfs("a/x/y/z"), 0);
	make_file("a/x/y/z/f", "deep");
}

static void test_trees(void **state)
{
	(void)state;
	make_tree();
	assert_int_equal(mount_flags("a/x", "b", MS_BIND | MS_REC), 0);
	assert_string_equal(text_of("b/y/z/f"), "deep");
	assert_int_equal(mount_flags("b/y", "b/y/z", MS_MOVE), -ELOOP);
	assert_int_equal(mount_flags("b/y/z", "b/y", MS_MOVE), 0);
	assert_string_equal(text_of("b/y/f"), "deep");
	assert_int_equal(umount("b", DETACH), 0);
	/* The first mounts go, what was bound from them stays. */
	assert_int_equal(mount_flags("a/x", "b", MS_BIND | MS_REC), 0);
	assert_int_equal(umount("a", DETACH), 0);
	assert_string_equal(text_of("b/y/z/f"), "deep");
	assert_int_equal(umount("b", DETACH), 0);
	/* A mount in itself. */
	assert_int_equal(mount_tmpfs("a"), 0);
	make_dirs((const char *const[]){"a/x", NULL});
	assert_int_equal(mount_flags("a", "a/x", MS_BIND), 0);
	assert_int_equal(mount_flags("a", "a/x/x", MS_BIND | MS_REC), 0);
	assert_int_equal(find("a/x/x/x"), 0);
	assert_int_equal(umount("a", DETACH), 0);
}

static void test_pivot(void **state)
{
	char path[64];

	(void)state;
	make_dirs((const char *const[]){"a", NULL});
	assert_int_equal(mount_tmpfs("a"), 0);
	make_dirs((const char *const[]){"a/old", "a/back", NULL});
	assert_int_equal(vfs_pivot_root(AT_FOLLOW("a/old"), AT_FOLLOW("a/back")), -EINVAL);
	assert_int_equal(vfs_pivot_root(AT_FOLLOW("a"), AT_FOLLOW("/")), -EBUSY);
	assert_int_equal(vfs_pivot_root(AT_FOLLOW("a"), AT_FOLLOW("a/old")), 0);
	assert_int_equal(find("/old/t/a"), 0);
	assert_int_equal(vfs_getcwd(ctx, path, sizeof(path)), 6);
	assert_string_equal(path, "/old/t");
	assert_int_equal(umount("/old", 0), -EBUSY);
	/* And back. */
	assert_int_equal(vfs_chdir(ctx, "/"), 0);
	assert_int_equal(vfs_pivot_root(AT_FOLLOW("/old"), AT_FOLLOW("/old/t/a")), 0);
	assert_int_equal(find("/t/a/back"), 0);
	assert_int_equal(vfs_chdir(ctx, "/t"), 0);
	assert_int_equal(umount("/t/a", 0), 0);
}

/* Memory is out at the first, the second… allocation: nothing is half done, and nothing is lost. */
static void test_no_memory(void **state)
{
	int err = -ENOMEM;

	(void)state;
	make_tree();
	for (u64 n = 1; err; n++) {
		heap_fail_after(n);
		err = mount_flags("a/x", "b", MS_BIND | MS_REC);
		heap_fail_after(0);
		assert_true(err == 0 || err == -ENOMEM);
		assert_int_equal(find("b/y"), err ? -ENOENT : 0);
	}
	err = -ENOMEM;
	for (u64 n = 1; err; n++) {
		heap_fail_after(n);
		err = try_open("b/y/z/new", O_RDWR | O_CREAT);
		heap_fail_after(0);
		assert_true(err == 0 || err == -ENOMEM);
	}
	assert_int_equal(umount("b", DETACH), 0);
	assert_int_equal(umount("a", DETACH), 0);
}

static void test_limit(void **state)
{
	int err = 0, n = 0;

	(void)state;
	make_dirs((const char *const[]){"a", "b", NULL});
	while (!err && n < 2000) {
		err = mount_flags("a", "b", MS_BIND);
		n += !err;
	}
	assert_int_equal(err, -ENOSPC);
	while (n--)
		assert_int_equal(umount("b", 0), 0);
	assert_int_equal(umount("b", 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_bind),  FS_TEST(test_flags),     FS_TEST(test_trees),
		FS_TEST(test_pivot), FS_TEST(test_no_memory), FS_TEST(test_limit),
	};

	return cmocka_run_group_tests(tests, fs_group_setup, NULL);
}
