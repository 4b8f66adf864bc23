/* SPDX-License-Identifier: MIT */
/* Open files: flags of open, offsets, limits, sizes, times, locks; and descriptor tables. */
#include <arch/timer.h>
#include "fs_fixture.h"
#include <linux/falloc.h>

static const struct write_rights all = {UINT64_MAX, true};

static ssize_t put_at(struct file *f, const char *text, u64 offset, struct write_rights rights)
{
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)text, strlen(text));
	return vfs_write(f, &u, &offset, rights);
}

static void test_open_flags(void **state)
{
	(void)state;
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	assert_int_equal(try_open("none", O_RDONLY), -ENOENT);
	assert_int_equal(try_open("f", O_RDWR | O_CREAT | O_EXCL), 0);
	assert_int_equal(try_open("f", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(try_open("f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(try_open("d", O_RDWR), -EISDIR);
	assert_int_equal(try_open("d", O_RDONLY | O_TRUNC), -EISDIR);
	assert_int_equal(try_open("d", O_RDONLY | O_CREAT), -EISDIR);
	assert_int_equal(try_open(".", O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(try_open("new/", O_RDWR | O_CREAT), -EISDIR);
	assert_int_equal(try_open("d", O_RDONLY | O_CREAT | O_DIRECTORY), -EINVAL);
	assert_int_equal(vfs_symlink(AT("l"), "made"), 0);
	assert_int_equal(try_open("l", O_RDONLY | O_NOFOLLOW), -ELOOP);
	assert_int_equal(try_open("l", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(try_open("l", O_PATH | O_NOFOLLOW), 0);
	assert_int_equal(try_open("l", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(try_open("l", O_RDWR | O_CREAT | O_NOFOLLOW), -ELOOP);
	assert_int_equal(try_open("l", O_RDWR | O_CREAT), 0);
	assert_int_equal(find("made"), 0);
	assert_int_equal(try_open(".", O_TMPFILE | O_RDONLY), -EINVAL);
	assert_int_equal(try_open("f", O_TMPFILE | O_RDWR), -ENOTDIR);
	assert_int_equal(try_open(".", O_TMPFILE | O_RDWR), 0);
}

static void test_access_modes(void **state)
{
	struct file *f;
	char c;

	(void)state;
	make_file("f", "text");
	f = open_file("f", O_WRONLY);
	assert_int_equal(get_bytes(f, &c, 1), -EBADF);
	file_put(f);
	f = open_file("f", O_RDONLY);
	assert_int_equal(put_text(f, "x"), -EBADF);
	assert_int_equal(vfs_ftruncate(f, 0, UINT64_MAX), -EINVAL);
	file_put(f);
	f = open_file("f", O_ACCMODE);
	assert_int_equal(get_bytes(f, &c, 1), -EBADF);
	assert_int_equal(put_text(f, "x"), -EBADF);
	file_put(f);
	f = open_file("f", O_PATH | O_RDWR);
	assert_int_equal(get_bytes(f, &c, 1), -EBADF);
	assert_int_equal(put_text(f, "x"), -EBADF);
	file_put(f);
	f = open_file(".", O_RDONLY);
	assert_int_equal(get_bytes(f, &c, 1), -EISDIR);
	file_put(f);
}

static void test_append(void **state)
{
	struct file *f, *g;

	(void)state;
	make_file("f", "abc");
	f = open_file("f", O_RDWR | O_APPEND);
	g = open_file("f", O_RDWR | O_APPEND);
	assert_int_equal(put_text(f, "1"), 1);
	assert_int_equal(put_text(g, "2"), 1);
	assert_int_equal(put_at(f, "3", 0, all), 1);
	assert_int_equal(vfs_seek(f, 0, SEEK_CUR), 4);
	assert_string_equal(text_of("f"), "abc123");
	file_change_flags(f, O_APPEND, 0);
	assert_int_equal(put_text(f, "X"), 1);
	assert_string_equal(text_of("f"), "abc1X3");
	file_put(f);
	file_put(g);
}

static void test_size_limit(void **state)
{
	const struct write_rights ten = {10, true};
	struct file *f;

	(void)state;
	make_file("f", "");
	f = open_file("f", O_RDWR);
	assert_int_equal(put_at(f, "0123456789abc", 0, ten), 10);
	assert_int_equal(put_at(f, "x", 9, ten), 1);
	assert_int_equal(put_at(f, "x", 10, ten), -EFBIG);
	assert_int_equal(put_at(f, "", 10, ten), 0);
	assert_int_equal(put_at(f, "x", INT64_MAX, all), -EINVAL);
	assert_int_equal(put_at(f, "x", (u64)INT64_MAX + 1, all), -EINVAL);
	assert_int_equal(vfs_ftruncate(f, 11, 10), -EFBIG);
	assert_int_equal(vfs_ftruncate(f, -1, UINT64_MAX), -EINVAL);
	assert_int_equal(vfs_ftruncate(f, 12, 12), 0);
	assert_int_equal(attr_of("f").size_bytes, 12);
	assert_int_equal(vfs_ftruncate(f, 5, 3), 0);
	assert_string_equal(text_of("f"), "01234");
	assert_int_equal(vfs_truncate(AT("."), 0, UINT64_MAX), -EISDIR);
	assert_int_equal(vfs_truncate(AT("f"), 2, UINT64_MAX), 0);
	assert_string_equal(text_of("f"), "01");
	file_put(f);
}

static void test_seeking(void **state)
{
	struct file *f;

	(void)state;
	make_file("f", "");
	f = open_file("f", O_RDWR);
	assert_int_equal(vfs_seek(f, 0, SEEK_DATA), -ENXIO);
	assert_int_equal(put_at(f, "A", 5 * P + 100, all), 1);
	assert_int_equal(vfs_seek(f, 0, SEEK_DATA), 5 * P);
	assert_int_equal(vfs_seek(f, 0, SEEK_HOLE), 0);
	assert_int_equal(vfs_seek(f, 5 * P, SEEK_HOLE), 5 * P + 101);
	assert_int_equal(vfs_seek(f, 5 * P + 101, SEEK_HOLE), -ENXIO);
	assert_int_equal(vfs_seek(f, -1, SEEK_DATA), -ENXIO);
	assert_int_equal(vfs_seek(f, -1, SEEK_SET), -EINVAL);
	assert_int_equal(vfs_seek(f, 0, 5), -EINVAL);
	assert_int_equal(vfs_seek(f, 0, -1), -EINVAL);
	assert_int_equal(vfs_seek(f, INT64_MAX, SEEK_SET), INT64_MAX);
	assert_int_equal(vfs_seek(f, 1, SEEK_CUR), -EINVAL);
	assert_int_equal(vfs_seek(f, -(s64)(5 * P), SEEK_END), 101);
	file_put(f);
}

static void test_running_files_are_not_written(void **state)
{
	struct file *f, *g;

	(void)state;
	make_file("f", "program");
	f = open_file("f", O_RDONLY);
	assert_int_equal(vfs_deny_write(f), 0);
	assert_int_equal(try_open("f", O_WRONLY), -ETXTBSY);
	assert_int_equal(try_open("f", O_RDONLY | O_TRUNC), -ETXTBSY);
	assert_int_equal(vfs_truncate(AT("f"), 0, UINT64_MAX), -ETXTBSY);
	vfs_allow_write(f);
	g = open_file("f", O_WRONLY);
	assert_int_equal(vfs_deny_write(f), -ETXTBSY);
	file_put(g);
	assert_int_equal(vfs_deny_write(f), 0);
	vfs_allow_write(f);
	file_put(f);
	assert_string_equal(text_of("f"), "program");
}

static void test_set_user_id_is_dropped(void **state)
{
	const struct write_rights user = {UINT64_MAX, false};
	struct dentry *d;
	struct file *f;

	(void)state;
	make_file("f", "x");
	assert_int_equal(vfs_lookup(AT("f"), &d), 0);
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 06777), 0);
	f = open_file("f", O_RDWR);
	assert_int_equal(put_at(f, "y", 0, all), 1);
	assert_int_equal(attr_of("f").mode & 07777, 06777);
	assert_int_equal(put_at(f, "y", 0, user), 1);
	assert_int_equal(attr_of("f").mode & 07777, 0777);
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 06767), 0);
	assert_int_equal(inode_chown(dentry_inode(d), ctx, ID_KEEP, ID_KEEP), 0);
	assert_int_equal(attr_of("f").mode & 07777, 02767);
	file_put(f);
	dentry_put(d);
}

static bool later(struct timestamp a, struct timestamp b)
{
	return a.sec > b.sec || (a.sec == b.sec && a.nsec > b.nsec);
}

static void test_times(void **state)
{
	const struct time_change set[2] = {{TIME_SET, {5, 6}}, {TIME_OMIT, {0, 0}}};
	const struct time_change now[2] = {{TIME_NOW, {0, 0}}, {TIME_NOW, {0, 0}}};
	struct file_attr before, after;
	struct dentry *d;

	(void)state;
	make_file("f", "x");
	before = attr_of("f");
	clock_set_realtime_ns(clock_realtime_ns() + 10000000); /* past a tick of the times of files */
	assert_int_equal(vfs_lookup(AT("f"), &d), 0);
	assert_int_equal(inode_set_times(dentry_inode(d), ctx, set), 0);
	after = attr_of("f");
	assert_true(after.atime.sec == 5 && after.atime.nsec == 6);
	assert_false(later(after.mtime, before.mtime) || later(before.mtime, after.mtime));
	assert_true(later(after.ctime, before.ctime));
	/* relatime: older than the change, so the first read moves it; the second does not. */
	assert_string_equal(text_of("f"), "x");
	before = attr_of("f");
	assert_true(later(before.atime, before.ctime));
	assert_string_equal(text_of("f"), "x");
	after = attr_of("f");
	assert_false(later(after.atime, before.atime) || later(before.atime, after.atime));
	ctx->fsuid = 1000;
	assert_int_equal(inode_set_times(dentry_inode(d), ctx, set), -EPERM);
	assert_int_equal(inode_set_times(dentry_inode(d), ctx, now), -EACCES);
	ctx->fsuid = 0;
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 0666), 0);
	ctx->fsuid = 1000;
	assert_int_equal(inode_set_times(dentry_inode(d), ctx, now), 0);
	dentry_put(d);
}

static void test_allocation(void **state)
{
	struct file *f;

	(void)state;
	make_file("f", "");
	f = open_file("f", O_RDWR);
	assert_int_equal(vfs_fallocate(f, 0, 0, 10000, UINT64_MAX), 0);
	assert_int_equal(attr_of("f").size_bytes, 10000);
	assert_int_equal(attr_of("f").blocks, 24);
	assert_int_equal(vfs_fallocate(f, FALLOC_FL_KEEP_SIZE, 0, 5 * P, UINT64_MAX), 0);
	assert_int_equal(attr_of("f").size_bytes, 10000);
	assert_int_equal(attr_of("f").blocks, 40);
	assert_int_equal(vfs_fallocate(f, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 2 * P, UINT64_MAX),
			 0);
	assert_int_equal(attr_of("f").blocks, 24);
	assert_int_equal(vfs_fallocate(f, 0, 0, 100000, 20000), -EFBIG);
	assert_int_equal(vfs_fallocate(f, 0, 1, INT64_MAX, UINT64_MAX), -EFBIG);
	assert_int_equal(vfs_fallocate(f, FALLOC_FL_ZERO_RANGE, 0, 1, UINT64_MAX), -EOPNOTSUPP);
	/* More than the machine has: refused, and given back by truncation. */
	assert_int_equal(vfs_fallocate(f, 0, 0, 2 * (s64)TEST_RAM, UINT64_MAX), -ENOSPC);
	assert_int_equal(attr_of("f").size_bytes, 10000);
	file_put(f);
}

static int lock(struct file *f, const void *owner, int type, u64 start, u64 end)
{
	const struct file_lock_request r = {{start, end}, type, 1, owner};

	return file_lock_range(f, &r, false);
}

/* The locks of others as "w0-10 " or "-": what stands in the way of a write lock by nobody. */
static struct file_lock_request in_the_way(struct file *f, u64 start, u64 end)
{
	struct file_lock_request r = {{start, end}, F_WRLCK, 0, NULL};

	file_lock_query(f, &r);
	return r;
}

/*
 *	0         10        20        30
 *	[ write --------------------- )
 *	          [ read -- )              a second lock of the same owner cuts the first in three
 */
static void test_record_locks(void **state)
{
	int a, b;
	struct file *f;

	(void)state;
	make_file("f", "");
	f = open_file("f", O_RDWR);
	assert_int_equal(lock(f, &a, F_WRLCK, 0, 30), 0);
	assert_int_equal(lock(f, &b, F_RDLCK, 29, 40), -EAGAIN);
	assert_int_equal(lock(f, &b, F_RDLCK, 30, UINT64_MAX), 0);
	assert_int_equal(lock(f, &a, F_RDLCK, 10, 20), 0);
	assert_int_equal(in_the_way(f, 10, 20).type, F_RDLCK);
	assert_int_equal(in_the_way(f, 20, 21).type, F_WRLCK);
	assert_int_equal(in_the_way(f, 20, 21).bytes.start, 20);
	assert_int_equal(in_the_way(f, 0, 1).bytes.end, 10);
	assert_int_equal(lock(f, &b, F_RDLCK, 10, 20), 0);
	assert_int_equal(lock(f, &b, F_WRLCK, 10, 20), -EAGAIN);
	/* Back to one kind: the three join again. */
	assert_int_equal(lock(f, &b, F_UNLCK, 10, 20), 0);
	assert_int_equal(lock(f, &a, F_WRLCK, 10, 20), 0);
	assert_int_equal(in_the_way(f, 5, 6).bytes.start, 0);
	assert_int_equal(in_the_way(f, 5, 6).bytes.end, 30);
	assert_int_equal(lock(f, &a, F_UNLCK, 0, UINT64_MAX), 0);
	assert_int_equal(in_the_way(f, 0, 30).type, F_UNLCK);
	assert_int_equal(lock(f, &b, F_UNLCK, 0, UINT64_MAX), 0);
	file_put(f);
}

static void test_whole_locks(void **state)
{
	struct file *f, *g;

	(void)state;
	make_file("f", "");
	f = open_file("f", O_RDONLY);
	g = open_file("f", O_RDONLY);
	assert_int_equal(file_lock_whole(f, F_RDLCK, false), 0);
	assert_int_equal(file_lock_whole(g, F_RDLCK, false), 0);
	assert_int_equal(file_lock_whole(f, F_WRLCK, false), -EAGAIN);
	/* f's lock is lost by that, so g can have it all. */
	assert_int_equal(file_lock_whole(g, F_WRLCK, false), 0);
	assert_int_equal(file_lock_whole(f, F_RDLCK, false), -EAGAIN);
	/* Record locks are another world. */
	assert_int_equal(lock(f, f, F_WRLCK, 0, UINT64_MAX), 0);
	file_put(g);
	assert_int_equal(file_lock_whole(f, F_RDLCK, false), 0);
	file_put(f);
}

static void test_fd_table(void **state)
{
	struct fd_table *t = fd_table_create(), *copy;
	struct file *f;

	(void)state;
	make_file("f", "x");
	for (int i = 0; i < 200; i++)
		assert_int_equal(fd_install(t, open_file("f", O_RDONLY), 0, 200, i % 2), i);
	f = open_file("f", O_RDONLY);
	assert_int_equal(fd_install(t, f, 0, 200, false), -EMFILE);
	assert_int_equal(fd_close(t, 7), 0);
	assert_int_equal(fd_close(t, 100), 0);
	assert_int_equal(fd_close(t, 7), -EBADF);
	assert_int_equal(fd_close(t, -1), -EBADF);
	assert_int_equal(fd_close(t, 1 << 30), -EBADF);
	/* A reservation is not open yet, and not free either. */
	assert_int_equal(fd_reserve(t, 0, 200, true), 7);
	assert_null(fd_get(t, 7));
	assert_int_equal(fd_get_cloexec(t, 7), -EBADF);
	assert_int_equal(fd_replace(t, f, 7, 200, false), -EBUSY);
	assert_int_equal(fd_reserve(t, 0, 200, false), 100);
	fd_unreserve(t, 7);
	fd_fill(t, 100, f);
	assert_int_equal(fd_get_cloexec(t, 100), 0);
	assert_int_equal(fd_get_cloexec(t, 99), 1);
	assert_int_equal(fd_reserve(t, 50, 200, false), -EMFILE);
	f = open_file("f", O_RDONLY);
	assert_int_equal(fd_install(t, f, 5000, 10000, true), 5000);
	file_get(f);
	assert_int_equal(fd_replace(t, f, 200, 200, false), -EBADF);
	assert_int_equal(fd_replace(t, f, -1, 200, false), -EBADF);
	assert_int_equal(fd_replace(t, f, 9, 200, false), 9);
	copy = fd_table_copy(t);
	assert_non_null(copy);
	fd_table_close_on_exec(copy);
	assert_null(fd_get(copy, 5000));
	assert_null(fd_get(copy, 1));
	f = fd_get(copy, 9);
	assert_non_null(f);
	file_put(f);
	fd_close_range(t, 3, 60, false);
	assert_null(fd_get(t, 9));
	fd_close_range(t, 0, UINT32_MAX, true);
	assert_int_equal(fd_get_cloexec(t, 0), 1);
	assert_int_equal(fd_set_cloexec(t, 0, false), 0);
	assert_int_equal(fd_set_cloexec(t, 9, false), -EBADF);
	f = open_file("f", O_PATH);
	assert_int_equal(fd_install(t, f, 0, 200, false), 3);
	assert_null(fd_get(t, 3));
	f = fd_get_path(t, 3);
	assert_non_null(f);
	file_put(f);
	fd_table_put(copy);
	fd_table_put(t);
}

/* Random numbers against a model of one byte for each. */
static void test_fd_table_model(void **state)
{
	enum { N = 300 };
	struct fd_table *t = fd_table_create();
	bool open[N] = {0};
	u64 random = 7;

	(void)state;
	make_file("f", "x");
	for (int round = 0; round < 5000; round++) {
		int fd = (int)unit_random_below(&random, N), low = fd;

		while (low < N && open[low])
			low++;
		if (unit_random_below(&random, 2)) {
			struct file *f = open_file("f", O_RDONLY);
			int got = fd_install(t, f, fd, N, false);

			assert_int_equal(got, low < N ? low : -EMFILE);
			if (got < 0)
				file_put(f);
			else
				open[got] = true;
		} else {
			assert_int_equal(fd_close(t, fd), open[fd] ? 0 : -EBADF);
			open[fd] = false;
		}
	}
	fd_table_put(t);
}

/* A lock that was taken through a table goes when any of its descriptors of the file is closed. */
static void test_posix_locks_go_with_close(void **state)
{
	struct fd_table *t = fd_table_create();
	struct file *f;

	(void)state;
	make_file("f", "");
	f = open_file("f", O_RDWR);
	assert_int_equal(fd_install(t, open_file("f", O_RDONLY), 0, 10, false), 0);
	assert_int_equal(lock(f, t, F_WRLCK, 0, 10), 0);
	assert_int_equal(in_the_way(f, 0, 10).type, F_WRLCK);
	assert_int_equal(fd_close(t, 0), 0);
	assert_int_equal(in_the_way(f, 0, 10).type, F_UNLCK);
	file_put(f);
	fd_table_put(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_open_flags),
		FS_TEST(test_access_modes),
		FS_TEST(test_append),
		FS_TEST(test_size_limit),
		FS_TEST(test_seeking),
		FS_TEST(test_running_files_are_not_written),
		FS_TEST(test_set_user_id_is_dropped),
		FS_TEST(test_times),
		FS_TEST(test_allocation),
		FS_TEST(test_record_locks),
		FS_TEST(test_whole_locks),
		FS_TEST(test_fd_table),
		FS_TEST(test_fd_table_model),
		FS_TEST(test_posix_locks_go_with_close),
	};

	return cmocka_run_group_tests(tests, fs_group_setup, NULL);
}
