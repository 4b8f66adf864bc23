/* SPDX-License-Identifier: MIT */
/* Names and texts that are made when somebody asks: walks, links to files themselves, records, no memory. */
#include "fs_fixture.h"
#include <moat/procfs.h>

#define RECORDS 50

static u32 alive = 7; /* the only process */
static struct file *linked;

static int show_records(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	proc_printf(t, "record %d of process %d, ", (int)*pos, o->key.pid);
	for (u64 i = 0; i < *pos * 40; i++)
		proc_put(t, "x", 1);
	proc_put_escaped(t, "\na b\\", " \n");
	return ++*pos < RECORDS;
}

static char stored[64];

static int store_text(const struct proc_open *o, char *text, size_t len)
{
	(void)o;
	if (len >= sizeof(stored))
		return -EINVAL;
	memcpy(stored, text, len + 1);
	return 0;
}

static ssize_t link_text(const struct proc_key *key, char *buf, size_t size)
{
	return snprintf(buf, size, "%d/sub", key->pid ? key->pid : 7);
}

static ssize_t self_text(const struct proc_key *key, char *buf, size_t size)
{
	(void)key;
	return snprintf(buf, size, "%u", alive);
}

static ssize_t jump_text(const struct proc_key *key, char *buf, size_t size)
{
	(void)key;
	return file_describe(linked, buf, size);
}

static int jump(const struct proc_key *key, struct dentry **to)
{
	(void)key;
	*to = linked ? file_place(linked) : NULL;
	return 0;
}

static bool next_process(const struct proc_key *dir, u32 from, u32 *number, struct proc_key *child)
{
	*child = *dir;
	child->pid = (int)alive;
	*number = alive;
	return alive && from <= alive;
}

static bool owner(const struct proc_key *key, u32 *uid, u32 *gid)
{
	*uid = *gid = 5;
	return key->pid == (int)alive;
}

static const struct proc_entry sub[] = {
	{.name = "records", .mode = 0100444, .show = show_records},
	{.name = "jump", .mode = 0120777, .readlink = jump_text, .jump = jump},
	{0},
};
static const struct proc_entry process_table[] = {
	{.name = "records", .mode = 0100444, .show = show_records},
	{.name = "private", .mode = 0100400, .show = show_records},
	{.name = "sub", .mode = 0040555, .table = sub},
	{.name = "mounts", .mode = 0100444, .show = proc_show_mounts},
	{.name = "mountinfo", .mode = 0100444, .show = proc_show_mountinfo},
	{0},
};
static const struct proc_entry process = {.mode = 0040555, .table = process_table};
static const struct proc_entry root[] = {
	{.name = "setting", .mode = 0100644, .show = proc_show_text, .store = store_text, .data = "seven"},
	{.name = "link", .mode = 0120777, .readlink = link_text},
	{.name = "self", .mode = 0120777, .readlink = self_text},
	{0},
};

static int group_setup(void **state)
{
	static struct proc_table table = {.entries = root};
	static const struct proc_task_ops ops = {{next_process, &process}, owner};

	fs_group_setup(state);
	proc_register(&table);
	proc_register_tasks(&ops);
	return 0;
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(find("/proc"), 0);
	assert_int_equal(find("/proc/7/sub/records"), 0);
	assert_int_equal(find("/proc/link/records"), 0);
	assert_int_equal(find("/proc/7/sub/../../setting"), 0);
	assert_int_equal(find("/proc/7/sub/../../../t"), 0);
	assert_int_equal(find("/proc/07"), -ENOENT);
	assert_int_equal(find("/proc/8"), -ENOENT);
	assert_int_equal(find("/proc/99999999999"), -ENOENT);
	assert_int_equal(find("/proc/7/nothing"), -ENOENT);
	assert_int_equal(find("/proc/setting/x"), -ENOTDIR);
	assert_int_equal(find("/proc/setting/"), -ENOTDIR);
	assert_int_equal(vfs_mkdir(AT("/proc/new"), 0755), -ENOENT);
	assert_int_equal(vfs_unlink(AT("/proc/setting")), -EPERM);
	assert_int_equal(vfs_rename(AT("/proc/setting"), AT("/t/x"), 0), -EXDEV);
	assert_int_equal(vfs_link(AT("/proc/setting"), AT("/t/x")), -EXDEV);
	assert_int_equal(attr_of("/proc/7").uid, 5);
	assert_int_equal(attr_of("/proc/7").ino, attr_of("/proc/link/..").ino);
	assert_int_not_equal(attr_of("/proc/7/records").ino, attr_of("/proc/7/sub/records").ino);
}

static void test_names_go(void **state)
{
	struct file *f, *dir;
	char path[64];

	(void)state;
	f = open_file("/proc/7/records", O_RDONLY);
	dir = open_file("/proc/7/sub", O_RDONLY | O_DIRECTORY);
	assert_int_equal(vfs_chdir(ctx, "/proc/7/sub"), 0);
	assert_int_equal(vfs_path(dir, path, sizeof(path)), 11);
	assert_string_equal(path, "/proc/7/sub");
	alive = 9;
	assert_int_equal(find("/proc/7"), -ENOENT);
	assert_int_equal(find("records"), -ENOENT);
	assert_int_equal(find("../../9/records"), 0);
	assert_int_equal(vfs_iterate(dir, &(struct first_name){.emit = {fs_first}}.emit), -ENOENT);
	alive = 7;
	assert_int_equal(find("records"), 0);
	assert_int_equal(vfs_chdir(ctx, "/t"), 0);
	file_put(f);
	file_put(dir);
}

/* Everything from here on, about a page at a time; the first error. */
static ssize_t get_all(struct file *f, char *buf, size_t size)
{
	size_t at = 0;
	ssize_t n;

	while ((n = get_bytes(f, buf + at, size - at)) > 0) {
		assert_true((size_t)n < P);
		at += (size_t)n;
	}
	return n < 0 ? n : (ssize_t)at;
}

/* The same bytes whatever the size of the reads, and from anywhere. */
static void test_records(void **state)
{
	static char whole[100000], part[100000];
	struct file *f = open_file("/proc/7/records", O_RDONLY);
	ssize_t len = get_all(f, whole, sizeof(whole)), n;

	(void)state;
	assert_true(len > 40 * RECORDS * RECORDS / 2);
	assert_memory_equal(whole, "record 0 of process 7, \\012a\\040b\\record 1", 42);
	assert_int_equal(get_bytes(f, part, 10), 0);
	for (size_t step = 1; step < 5000; step = step * 3 + 1) {
		size_t at = 0;

		assert_int_equal(vfs_seek(f, 0, SEEK_SET), 0);
		while ((n = get_bytes(f, part + at, step)) > 0)
			at += (size_t)n;
		assert_int_equal(at, len);
		assert_memory_equal(whole, part, at);
	}
	for (ssize_t at = len; at >= 0; at -= 997)
		assert_int_equal(vfs_pread(f, part, 1, (u64)at), at < len);
	assert_int_equal(vfs_seek(f, 0, SEEK_END), -EINVAL);
	assert_int_equal(vfs_seek(f, -1, SEEK_SET), -EINVAL);
	file_put(f);
}

static void test_store(void **state)
{
	struct file *f = open_file("/proc/setting", O_RDWR | O_TRUNC);

	(void)state;
	assert_int_equal(put_text(f, "eight"), 5);
	assert_string_equal(stored, "eight");
	assert_int_equal(vfs_seek(f, 0, SEEK_SET), 0);
	assert_int_equal(vfs_ftruncate(f, 5, 0), 0);
	file_put(f);
	assert_string_equal(text_of("/proc/setting"), "seven\n");
	f = open_file("/proc/7/records", O_RDWR);
	assert_int_equal(put_text(f, "x"), -EINVAL);
	file_put(f);
	ctx->fsuid = 1;
	assert_int_equal(try_open("/proc/setting", O_WRONLY), -EACCES);
	assert_int_equal(try_open("/proc/7/private", O_RDONLY), -EACCES);
	ctx->fsuid = 5;
	assert_int_equal(try_open("/proc/7/private", O_RDONLY), 0);
}

/* A link that leads to a file that has no name any more. */
static void test_jump(void **state)
{
	char text[64];
	struct file *again;
	struct dentry *d;

	(void)state;
	make_file("gone", "still here");
	linked = open_file("gone", O_RDONLY);
	assert_string_equal(text_of("/proc/7/sub/jump"), "still here");
	assert_int_equal(vfs_unlink(AT("gone")), 0);
	assert_string_equal(text_of("/proc/7/sub/jump"), "still here");
	assert_int_equal(vfs_lookup(AT("/proc/7/sub/jump"), &d), 0);
	assert_int_equal(inode_read_link(dentry_inode(d), text, sizeof(text)), 17);
	assert_string_equal(text, "/t/gone (deleted)");
	dentry_put(d);
	again = open_file("/proc/7/sub/jump", O_RDWR | O_TRUNC);
	assert_int_equal(put_text(again, "new"), 3);
	file_put(again);
	assert_int_equal(find("/proc/7/sub/jump/x"), -ENOTDIR);
	assert_int_equal(try_open("/proc/7/sub/jump", O_RDONLY | O_NOFOLLOW), -ELOOP);
	assert_int_equal(try_open("/proc/7/sub/jump", O_PATH | O_NOFOLLOW), 0);
	file_put(linked);
	linked = NULL;
	assert_int_equal(find("/proc/7/sub/jump"), -ENXIO);
}

/* Each mount is a line, the root first; mountinfo tells the same, with numbers that lead from a mount to what holds it. */
static void test_mounts(void **state)
{
	static char mounts[4096], info[4096];
	unsigned ids[16], parent, lines = 0;
	char *line, *rest;

	(void)state;
	assert_non_null(strstr(text_of("/proc/filesystems"), "nodev\ttmpfs\n"));
	snprintf(mounts, sizeof(mounts), "%s", text_of("/proc/mounts"));
	assert_memory_equal(mounts, "tmpfs / tmpfs rw", 16);
	assert_non_null(strstr(mounts, "\nproc /proc proc rw,relatime 0 0\n"));
	snprintf(info, sizeof(info), "%s", text_of("/proc/self/mountinfo"));
	for (line = strtok_r(info, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
		unsigned above = 0;

		assert_true(lines < 16);
		assert_int_equal(sscanf(line, "%u %u ", &ids[lines], &parent), 2);
		/* The root is its own parent; all others lie on one that was mounted before. */
		while (above < lines && ids[above] != parent)
			above++;
		assert_int_equal(ids[above], parent);
		assert_non_null(strstr(line, " rw,relatime - "));
	}
	for (const char *c = mounts; *c; c++)
		lines -= *c == '\n';
	assert_int_equal(lines, 0);
}

/* Every allocation of a walk, an open and a read made to fail in turn. */
static void test_out_of_memory(void **state)
{
	static char buf[100000];
	int err = -ENOMEM;

	(void)state;
	for (u64 n = 1; err; n++) {
		struct file *f = NULL;

		assert_true(n < 1000);
		heap_fail_after(n);
		err = vfs_open(ctx, NULL, "/proc/link/records", O_RDONLY, 0, &f);
		if (!err) {
			ssize_t got = get_all(f, buf, sizeof(buf));

			assert_true(got == -ENOMEM || got > 0);
			if (got < 40 * RECORDS * RECORDS / 2)
				err = -ENOMEM;
			file_put(f);
		}
		heap_fail_after(0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_mounts), FS_TEST(test_names), FS_TEST(test_names_go),	FS_TEST(test_records),
		FS_TEST(test_store),  FS_TEST(test_jump),  FS_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
