/* SPDX-License-Identifier: MIT */
/* The tree of names: walking, links, mounts, permissions, removing, renaming, reading directories. */
#include "fs_fixture.h"

static void test_walk_errors(void **state)
{
	(void)state;
	make_file("file", "x");
	assert_int_equal(find(""), -ENOENT);
	assert_int_equal(find("/"), 0);
	assert_int_equal(find("//..//../t/./file"), 0);
	assert_int_equal(find("none"), -ENOENT);
	assert_int_equal(find("none/file"), -ENOENT);
	assert_int_equal(find("file/x"), -ENOTDIR);
	assert_int_equal(find("file/"), -ENOTDIR);
	assert_int_equal(find("file/."), -ENOTDIR);
	assert_int_equal(find("file/.."), -ENOTDIR);
	assert_int_equal(find("../t/"), 0);
}

static void test_name_lengths(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(try_open(name, O_RDWR | O_CREAT), -ENAMETOOLONG);
	assert_int_equal(find(name), -ENAMETOOLONG);
	name[255] = '\0';
	assert_int_equal(find(name), -ENOENT);
	assert_int_equal(try_open(name, O_RDWR | O_CREAT), 0);
	assert_int_equal(find(name), 0);
}

static void test_symlinks(void **state)
{
	(void)state;
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	make_file("d/in", "inside");
	assert_int_equal(vfs_symlink(AT("abs"), "/t/d"), 0);
	assert_int_equal(vfs_symlink(AT("rel"), "d/"), 0);
	assert_int_equal(vfs_symlink(AT("d/up"), "../abs/./in"), 0);
	assert_int_equal(vfs_symlink(AT("dangling"), "nowhere"), 0);
	assert_string_equal(text_of("abs/in"), "inside");
	assert_string_equal(text_of("rel/in"), "inside");
	assert_string_equal(text_of("rel//up"), "inside");
	assert_int_equal(find("dangling"), -ENOENT);
	assert_int_equal(attr_of("dangling").size_bytes, 7);
	assert_int_equal(attr_of("rel").mode & 0170000, 0120000);
	assert_int_equal(attr_of("rel/").mode & 0170000, 0040000);
	assert_int_equal(find("d/in/"), -ENOTDIR);
	assert_int_equal(vfs_symlink(AT("loop"), "loop"), 0);
	assert_int_equal(find("loop"), -ELOOP);
	assert_int_equal(find("loop/x"), -ELOOP);
	assert_int_equal(vfs_symlink(AT("nest"), "nest/x"), 0);
	assert_int_equal(find("nest"), -ELOOP);
	assert_int_equal(vfs_symlink(AT("root"), "/"), 0);
	assert_int_equal(find("root/t/d/in"), 0);
	assert_int_equal(find("root"), 0);
}

/* Forty links are followed, forty-one are not; in the middle of a path and at its end. */
static void test_symlink_limit(void **state)
{
	char name[32], target[32];

	(void)state;
	assert_int_equal(vfs_mkdir(AT("c0"), 0755), 0);
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(target, sizeof(target), "c%d", i - 1);
		assert_int_equal(vfs_symlink(AT(name), target), 0);
	}
	make_file("c0/f", "end");
	assert_int_equal(find("c40"), 0);
	assert_int_equal(find("c41"), -ELOOP);
	assert_string_equal(text_of("c40/f"), "end");
	assert_int_equal(find("c41/f"), -ELOOP);
	/* The count is for the whole walk. */
	assert_int_equal(find("c20/../c20/f"), 0);
	assert_int_equal(find("c20/../c21/f"), -ELOOP);
}

static void test_dev_is_mounted(void **state)
{
	struct file_attr root = attr_of("/"), dev = attr_of("/dev");
	char path[64];

	(void)state;
	assert_int_not_equal(root.dev, dev.dev);
	assert_int_equal(attr_of("/dev/..").ino, root.ino);
	assert_int_equal(attr_of("/dev/../dev/shm/..").dev, dev.dev);
	assert_int_equal(vfs_rmdir(AT("/dev")), -EBUSY);
	assert_int_equal(vfs_rename(AT("/dev"), AT("/t/dev"), 0), -EBUSY);
	assert_int_equal(vfs_link(AT("/dev/shm"), AT("x")), -EXDEV);
	assert_int_equal(vfs_rename(AT("/dev/shm"), AT("x"), 0), -EXDEV);
	assert_int_equal(vfs_chdir(ctx, "/dev/shm"), 0);
	assert_int_equal(vfs_getcwd(ctx, path, sizeof(path)), 8);
	assert_string_equal(path, "/dev/shm");
	assert_int_equal(vfs_getcwd(ctx, path, 8), -ENAMETOOLONG);
	assert_int_equal(vfs_chdir(ctx, "../../t"), 0);
	assert_int_equal(vfs_getcwd(ctx, path, sizeof(path)), 2);
}

static void test_devices(void **state)
{
	static const struct file_ops ops = {.seek = file_seek_null};
	static int something;
	static const struct chardev dev = {
		.name = "thing", .major = 10, .minor = 300, .mode = 0600, .ops = &ops, .private = &something};
	u64 heap = heap_bytes(), frames = frames_used();
	struct file *f;

	(void)state;
	assert_int_equal(chardev_register(&dev), 0);
	fs_heap_before += heap_bytes() - heap; /* devices stay */
	fs_frames_before += frames_used() - frames;
	assert_int_equal(chardev_register(&dev), -EEXIST);
	f = open_file("/dev/thing", O_RDWR);
	assert_ptr_equal(f->private, dev.private);
	assert_int_equal(vfs_seek(f, 100, SEEK_SET), 0);
	assert_int_equal(get_bytes(f, NULL, 0), -EINVAL);
	file_put(f);
	assert_int_equal(attr_of("/dev/thing").rdev, dev_make(10, 300));
	/* A node made by hand finds the same device; an unknown one and a socket find nothing, a FIFO nobody who reads. */
	assert_int_equal(vfs_mknod(AT("mine"), S_IFCHR | 0600, dev_make(10, 300)), 0);
	assert_int_equal(try_open("mine", O_RDWR), 0);
	assert_int_equal(vfs_mknod(AT("other"), S_IFCHR | 0600, dev_make(99, 1)), 0);
	assert_int_equal(try_open("other", O_RDWR), -ENXIO);
	assert_int_equal(try_open("other", O_PATH), 0);
	assert_int_equal(vfs_mknod(AT("fifo"), S_IFIFO | 0600, 0), 0);
	assert_int_equal(try_open("fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
	assert_int_equal(vfs_mknod(AT("x"), S_IFDIR, 0), -EPERM);
	assert_int_equal(vfs_mknod(AT("x"), S_IFLNK, 0), -EINVAL);
	ctx->fsuid = 1000;
	assert_int_equal(vfs_mknod(AT("x"), S_IFCHR | 0600, 0), -EPERM);
	ctx->fsuid = 0;
}

static void test_permissions(void **state)
{
	(void)state;
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	make_file("d/f", "x");
	ctx->fsuid = ctx->fsgid = 1000;
	assert_int_equal(try_open("d/f", O_RDONLY), 0);
	assert_int_equal(try_open("d/f", O_WRONLY), -EACCES);
	assert_int_equal(try_open("d/f", O_RDONLY | O_TRUNC), -EACCES);
	assert_int_equal(try_open("d/new", O_WRONLY | O_CREAT), -EACCES);
	assert_int_equal(try_open("d/f", O_RDONLY | O_NOATIME), -EPERM);
	assert_int_equal(vfs_unlink(AT("d/f")), -EACCES);
	assert_int_equal(vfs_mkdir(AT("d"), 0755), -EEXIST);
	assert_int_equal(vfs_mkdir(AT("d/e"), 0755), -EACCES);
	assert_int_equal(vfs_rename(AT("d/f"), AT("g"), 0), -EACCES);
	ctx->fsuid = ctx->fsgid = 0;
	assert_int_equal(vfs_mkdir(AT("closed"), 0700), 0);
	make_file("closed/f", "x");
	ctx->fsuid = ctx->fsgid = 1000;
	assert_int_equal(find("closed"), 0);
	assert_int_equal(find("closed/f"), -EACCES);
	assert_int_equal(find("closed/none"), -EACCES);
	assert_int_equal(vfs_chdir(ctx, "closed"), -EACCES);
}

/* A file that open makes may be opened as asked, whatever its mode says to the next one. */
static void test_mode_of_a_new_file(void **state)
{
	struct dentry *d;
	struct file *f;

	(void)state;
	assert_int_equal(vfs_lookup(AT("/t"), &d), 0);
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 0777), 0);
	dentry_put(d);
	ctx->fsuid = ctx->fsgid = 1000;
	assert_int_equal(vfs_open(ctx, NULL, "f", O_RDWR | O_CREAT, 0400, &f), 0);
	file_put(f);
	assert_int_equal(vfs_open(ctx, NULL, "f", O_RDWR | O_CREAT, 0400, &f), -EACCES);
	assert_int_equal(attr_of("f").uid, 1000);
	ctx->umask = 0277;
	assert_int_equal(vfs_open(ctx, NULL, "g", O_RDWR | O_CREAT, 07777, &f), 0);
	file_put(f);
	assert_int_equal(attr_of("g").mode & 07777, 07500);
}

static void test_root_and_execution(void **state)
{
	struct dentry *d;

	(void)state;
	make_file("f", "x");
	assert_int_equal(vfs_lookup(AT("f"), &d), 0);
	assert_int_equal(inode_permission(dentry_inode(d), 0, 0, MAY_READ | MAY_WRITE), 0);
	assert_int_equal(inode_permission(dentry_inode(d), 0, 0, MAY_EXEC), -EACCES);
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 0010), 0);
	assert_int_equal(inode_permission(dentry_inode(d), 0, 0, MAY_EXEC), 0);
	/* The first class that matches decides, even when a later one would allow. */
	assert_int_equal(inode_chown(dentry_inode(d), ctx, 5, 6), 0);
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 0077), 0);
	assert_int_equal(inode_permission(dentry_inode(d), 5, 6, MAY_READ), -EACCES);
	assert_int_equal(inode_permission(dentry_inode(d), 7, 6, MAY_READ), 0);
	assert_int_equal(inode_permission(dentry_inode(d), 7, 7, MAY_READ), 0);
	dentry_put(d);
}

static void test_sticky(void **state)
{
	struct dentry *d;

	(void)state;
	assert_int_equal(vfs_lookup(AT("/t"), &d), 0);
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 01777), 0);
	dentry_put(d);
	ctx->fsuid = 1000;
	make_file("mine", "x");
	ctx->fsuid = 1001;
	assert_int_equal(vfs_unlink(AT("mine")), -EPERM);
	assert_int_equal(vfs_rename(AT("mine"), AT("yours"), 0), -EPERM);
	ctx->fsuid = 1000;
	assert_int_equal(vfs_unlink(AT("mine")), 0);
}

static void test_set_group_id_directories(void **state)
{
	struct dentry *d;

	(void)state;
	assert_int_equal(vfs_mkdir(AT("g"), 0777), 0);
	assert_int_equal(vfs_lookup(AT("g"), &d), 0);
	assert_int_equal(inode_chown(dentry_inode(d), ctx, ID_KEEP, 50), 0);
	assert_int_equal(inode_chmod(dentry_inode(d), ctx, 02777), 0);
	dentry_put(d);
	make_file("g/f", "x");
	assert_int_equal(vfs_mkdir(AT("g/d"), 0755), 0);
	assert_int_equal(attr_of("g/f").gid, 50);
	assert_int_equal(attr_of("g/d").gid, 50);
	assert_int_equal(attr_of("g/d").mode & 07777, 02755);
}

static void test_directories_count(void **state)
{
	(void)state;
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	assert_int_equal(attr_of("d").nlink, 2);
	assert_int_equal(attr_of("d").size_bytes, 40);
	assert_int_equal(vfs_mkdir(AT("d/a"), 0755), 0);
	make_file("d/f", "");
	assert_int_equal(attr_of("d").nlink, 3);
	assert_int_equal(attr_of("d").size_bytes, 80);
	assert_int_equal(vfs_rmdir(AT("d")), -ENOTEMPTY);
	assert_int_equal(vfs_rmdir(AT("d/f")), -ENOTDIR);
	assert_int_equal(vfs_unlink(AT("d/a")), -EISDIR);
	assert_int_equal(vfs_rmdir(AT("d/a/.")), -EINVAL);
	assert_int_equal(vfs_rmdir(AT("d/a/..")), -ENOTEMPTY);
	assert_int_equal(vfs_rmdir(AT("/")), -EBUSY);
	assert_int_equal(vfs_unlink(AT("d/f/")), -ENOTDIR);
	assert_int_equal(vfs_unlink(AT("d/.")), -EISDIR);
	assert_int_equal(vfs_rmdir(AT("d/a/")), 0);
	assert_int_equal(vfs_unlink(AT("d/f")), 0);
	assert_int_equal(attr_of("d").nlink, 2);
	assert_int_equal(attr_of("d").size_bytes, 40);
	assert_int_equal(vfs_mkdir(AT("/"), 0755), -EEXIST);
	assert_int_equal(vfs_mkdir(AT("d/.."), 0755), -EEXIST);
	assert_int_equal(vfs_symlink(AT("new/"), "x"), -ENOENT);
	assert_int_equal(vfs_symlink(AT("d/"), "x"), -EEXIST);
}

static void test_removed_directory(void **state)
{
	char path[32];

	(void)state;
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	assert_int_equal(vfs_chdir(ctx, "d"), 0);
	assert_int_equal(vfs_rmdir(AT("../d")), 0);
	assert_int_equal(vfs_getcwd(ctx, path, sizeof(path)), -ENOENT);
	assert_int_equal(try_open("x", O_RDWR | O_CREAT), -ENOENT);
	assert_int_equal(vfs_mkdir(AT("x"), 0755), -ENOENT);
	assert_int_equal(find("."), 0);
	assert_int_equal(find(".."), 0);
	assert_int_equal(vfs_chdir(ctx, ".."), 0);
	assert_int_equal(vfs_getcwd(ctx, path, sizeof(path)), 2);
}

static void test_hard_links(void **state)
{
	struct file *f;

	(void)state;
	make_file("a", "text");
	assert_int_equal(vfs_link(AT("a"), AT("b")), 0);
	assert_int_equal(vfs_link(AT("a"), AT("b")), -EEXIST);
	assert_int_equal(attr_of("a").nlink, 2);
	assert_int_equal(attr_of("a").ino, attr_of("b").ino);
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	assert_int_equal(vfs_link(AT("d"), AT("d2")), -EPERM);
	assert_int_equal(vfs_unlink(AT("a")), 0);
	assert_string_equal(text_of("b"), "text");
	f = open_file("b", O_RDWR);
	assert_int_equal(vfs_unlink(AT("b")), 0);
	assert_int_equal(put_text(f, "more"), 4);
	file_put(f);
}

static void test_rename(void **state)
{
	(void)state;
	make_file("a", "A");
	make_file("b", "B");
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	assert_int_equal(vfs_mkdir(AT("e"), 0755), 0);
	assert_int_equal(vfs_mkdir(AT("d/sub"), 0755), 0);
	assert_int_equal(vfs_rename(AT("a"), AT("b"), RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(vfs_rename(AT("a"), AT("b"), 0), 0);
	assert_string_equal(text_of("b"), "A");
	assert_int_equal(vfs_rename(AT("b"), AT("b"), 0), 0);
	assert_int_equal(vfs_rename(AT("b"), AT("d"), 0), -EISDIR);
	assert_int_equal(vfs_rename(AT("d"), AT("b"), 0), -ENOTDIR);
	assert_int_equal(vfs_rename(AT("b/"), AT("c"), 0), -ENOTDIR);
	assert_int_equal(vfs_rename(AT("b"), AT("c/"), 0), -ENOTDIR);
	assert_int_equal(vfs_rename(AT("d"), AT("d/sub/x"), 0), -EINVAL);
	assert_int_equal(vfs_rename(AT("d"), AT("d/x"), 0), -EINVAL);
	assert_int_equal(vfs_rename(AT("d/sub"), AT("d"), 0), -ENOTEMPTY);
	assert_int_equal(vfs_rename(AT("e"), AT("d"), 0), -ENOTEMPTY);
	assert_int_equal(vfs_rename(AT("."), AT("x"), 0), -EBUSY);
	assert_int_equal(vfs_rename(AT("d"), AT(".."), 0), -EBUSY);
	assert_int_equal(vfs_rename(AT("d"), AT("e/"), 0), 0);
	assert_int_equal(find("e/sub"), 0);
	assert_int_equal(find("d"), -ENOENT);
	assert_int_equal(attr_of("e").nlink, 3);
	assert_int_equal(vfs_rename(AT("e/sub"), AT("up"), 0), 0);
	assert_int_equal(attr_of("e").nlink, 2);
	assert_int_equal(attr_of(".").nlink, 4);
	/* Two names of one file: nothing happens, both stay. */
	assert_int_equal(vfs_link(AT("b"), AT("b2")), 0);
	assert_int_equal(vfs_rename(AT("b"), AT("b2"), 0), 0);
	assert_int_equal(attr_of("b").nlink, 2);
}

static void test_exchange(void **state)
{
	(void)state;
	assert_int_equal(vfs_mkdir(AT("d"), 0755), 0);
	assert_int_equal(vfs_mkdir(AT("e"), 0755), 0);
	assert_int_equal(vfs_mkdir(AT("e/sub"), 0755), 0);
	make_file("d/file", "F");
	assert_int_equal(vfs_rename(AT("d/file"), AT("e/none"), RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(vfs_rename(AT("d/file"), AT("e/sub"), RENAME_EXCHANGE), 0);
	assert_string_equal(text_of("e/sub"), "F");
	assert_int_equal(attr_of("d/file").mode & 0170000, 0040000);
	assert_int_equal(attr_of("d").nlink, 3);
	assert_int_equal(attr_of("e").nlink, 2);
	assert_int_equal(vfs_rename(AT("d"), AT("d/file"), RENAME_EXCHANGE), -EINVAL);
	assert_int_equal(vfs_rename(AT("d/file"), AT("d"), RENAME_EXCHANGE), -EINVAL);
	assert_int_equal(vfs_rename(AT("d"), AT("e"), RENAME_EXCHANGE), 0);
	assert_int_equal(find("e/file/"), 0);
	assert_int_equal(vfs_rename(AT("d"), AT("e"), RENAME_EXCHANGE | RENAME_NOREPLACE), -EINVAL);
	assert_int_equal(vfs_rename(AT("d"), AT("e"), 1u << 7), -EINVAL);
}

/* An emitter that collects names up to a number, and removes them if it is told to afterwards. */
struct listing {
	struct dir_emit emit;
	int want, got;
	char names[600][24];
};

static bool list_one(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type, u64 next)
{
	struct listing *l = (struct listing *)e;

	(void)type;
	assert_true(ino != 0 && next != 0);
	if (l->got == l->want)
		return false;
	snprintf(l->names[l->got++], sizeof(l->names[0]), "%.*s", (int)len, name);
	return true;
}

static void test_reading_directories(void **state)
{
	static struct listing l;
	struct file *f;
	char name[24];
	int seen = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "f%03d", i);
		make_file(name, "");
	}
	f = open_file(".", O_RDONLY);
	l = (struct listing){.emit = {list_one}, .want = 600};
	assert_int_equal(vfs_iterate(f, &l.emit), 0);
	assert_int_equal(l.got, 502);
	assert_string_equal(l.names[0], ".");
	assert_string_equal(l.names[1], "..");
	assert_string_equal(l.names[2], "f000");
	assert_string_equal(l.names[501], "f499");
	/* Again from the start, seven at a time, each removed as soon as it was seen: every name comes exactly once. */
	assert_int_equal(vfs_seek(f, 0, SEEK_SET), 0);
	do {
		l = (struct listing){.emit = {list_one}, .want = 7};
		assert_int_equal(vfs_iterate(f, &l.emit), 0);
		for (int i = 0; i < l.got; i++) {
			if (l.names[i][0] == '.')
				continue;
			assert_int_equal(vfs_unlink(AT(l.names[i])), 0);
			seen++;
		}
	} while (l.got > 0);
	assert_int_equal(seen, 500);
	assert_int_equal(vfs_seek(f, -1, SEEK_SET), -EINVAL);
	assert_int_equal(vfs_seek(f, 0, SEEK_END), -EINVAL);
	file_put(f);
}

/* Every allocation of a creating call fails once: nothing is left behind. */
static void test_out_of_memory(void **state)
{
	(void)state;
	for (u64 n = 1;; n++) {
		int err;

		heap_fail_after(n);
		err = vfs_mkdir(AT("d"), 0755);
		heap_fail_after(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(find("d"), -ENOENT);
		assert_int_equal(attr_of(".").nlink, 2);
	}
	make_file("f", "x");
	for (u64 n = 1;; n++) {
		int err;

		heap_fail_after(n);
		err = vfs_rename(AT("f"), AT("d/g"), 0);
		heap_fail_after(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(find("f"), 0);
	}
	for (u64 n = 1;; n++) {
		struct file *f;
		int err;

		heap_fail_after(n);
		err = vfs_open(ctx, NULL, "new", O_RDWR | O_CREAT, 0644, &f);
		heap_fail_after(0);
		if (!err) {
			file_put(f);
			break;
		}
		assert_int_equal(err, -ENOMEM);
	}
}

static void test_chroot(void **state)
{
	struct fs_context *inside = fs_context_copy(ctx);
	struct fs_at down = fs_at(inside, NULL, "/t/jail", FS_FOLLOW);
	char path[64];

	(void)state;
	assert_int_equal(vfs_mkdir(AT("jail"), 0755), 0);
	assert_int_equal(vfs_mkdir(AT("jail/in"), 0755), 0);
	assert_int_equal(vfs_symlink(AT("jail/link"), "/in"), 0);
	assert_int_equal(vfs_chroot(&down), 0);
	/* The working directory is still outside. */
	assert_true(vfs_getcwd(inside, path, sizeof(path)) > 0);
	assert_string_equal(path, "(unreachable)/t");
	assert_int_equal(vfs_chdir(inside, "/"), 0);
	assert_int_equal(vfs_chdir(inside, "../../link"), 0);
	assert_true(vfs_getcwd(inside, path, sizeof(path)) > 0);
	assert_string_equal(path, "/in");
	assert_int_equal(vfs_chdir(inside, "/t"), -ENOENT);
	inside->fsuid = 1;
	down.uid = 1;
	down.path = "/in";
	assert_int_equal(vfs_chroot(&down), -EPERM);
	fs_context_put(inside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_walk_errors),
		FS_TEST(test_name_lengths),
		FS_TEST(test_symlinks),
		FS_TEST(test_symlink_limit),
		FS_TEST(test_dev_is_mounted),
		FS_TEST(test_devices),
		FS_TEST(test_permissions),
		FS_TEST(test_mode_of_a_new_file),
		FS_TEST(test_root_and_execution),
		FS_TEST(test_sticky),
		FS_TEST(test_set_group_id_directories),
		FS_TEST(test_directories_count),
		FS_TEST(test_removed_directory),
		FS_TEST(test_hard_links),
		FS_TEST(test_rename),
		FS_TEST(test_exchange),
		FS_TEST(test_reading_directories),
		FS_TEST(test_out_of_memory),
		FS_TEST(test_chroot),
	};

	return cmocka_run_group_tests(tests, fs_group_setup, NULL);
}
