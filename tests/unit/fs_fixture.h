/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the fs room share: one file system for a whole program, a fresh directory /t for each test, and a
 * check that a test leaves neither names nor memory behind.
 */
#ifndef FS_FIXTURE_H
#define FS_FIXTURE_H

#include "mm_fixture.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <moat/fs.h>

static struct fs_context *ctx;
static u64 fs_heap_before, fs_frames_before;

/* A path from the working directory, as the calls take it. (The mm room's AT is an address; not wanted here.) */
#undef AT
#define AT(path)	(&(struct fs_at){ctx, NULL, path, 0, ctx->fsuid, ctx->fsgid, 0})
#define AT_FOLLOW(path) (&(struct fs_at){ctx, NULL, path, FS_FOLLOW, ctx->fsuid, ctx->fsgid, 0})

static inline int fs_group_setup(void **state)
{
	(void)state;
	fake_start(TEST_RAM);
	fs_init();
	return 0;
}

static inline int fs_setup(void **state)
{
	(void)state;
	fs_heap_before = heap_bytes();
	fs_frames_before = frames_used();
	ctx = fs_context_create();
	assert_non_null(ctx);
	assert_int_equal(vfs_mkdir(AT("/t"), 0777), 0);
	assert_int_equal(vfs_chdir(ctx, "/t"), 0);
	return 0;
}

/* The emitter of fs_clear: remembers one name. */
struct first_name {
	struct dir_emit emit;
	char name[256];
	bool dir;
};

static inline bool fs_first(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type,
			    u64 next)
{
	struct first_name *first = (struct first_name *)e;

	(void)ino;
	(void)next;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	memcpy(first->name, name, len);
	first->name[len] = '\0';
	first->dir = type == 4;
	return false;
}

/* Removes everything below a directory, by its own reading of it. */
static inline void fs_clear(const char *dir)
{
	for (;;) {
		struct first_name first = {.emit = {fs_first}};
		char path[600];
		struct file *f;

		assert_int_equal(vfs_open(ctx, NULL, dir, O_RDONLY | O_DIRECTORY, 0, &f), 0);
		assert_int_equal(vfs_iterate(f, &first.emit), 0);
		file_put(f);
		if (!first.name[0])
			return;
		snprintf(path, sizeof(path), "%s/%s", dir, first.name);
		if (first.dir)
			fs_clear(path);
		assert_int_equal(first.dir ? vfs_rmdir(AT(path)) : vfs_unlink(AT(path)), 0);
	}
}

static inline int fs_teardown(void **state)
{
	(void)state;
	frame_fail_after(0);
	heap_fail_after(0);
	ctx->fsuid = ctx->fsgid = 0;
	fs_clear("/t");
	assert_int_equal(vfs_rmdir(AT("/t")), 0);
	fs_context_put(ctx);
	assert_int_equal(heap_bytes(), fs_heap_before);
	assert_int_equal(frames_used(), fs_frames_before);
	return 0;
}

#define FS_TEST(f) cmocka_unit_test_setup_teardown(f, fs_setup, fs_teardown)

static inline struct file *open_file(const char *path, u32 flags)
{
	struct file *f = NULL;

	assert_int_equal(vfs_open(ctx, NULL, path, flags, 0644, &f), 0);
	return f;
}

/* open(2) and close: 0 or the error. */
static inline int try_open(const char *path, u32 flags)
{
	struct file *f;
	int err = vfs_open(ctx, NULL, path, flags, 0644, &f);

	if (!err)
		file_put(f);
	return err;
}

static inline ssize_t put_text(struct file *f, const char *text)
{
	const struct write_rights all = {UINT64_MAX, true};
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)text, strlen(text));
	return vfs_write(f, &u, NULL, all);
}

static inline ssize_t get_bytes(struct file *f, char *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return vfs_read(f, &u, NULL);
}

static inline void make_file(const char *path, const char *text)
{
	struct file *f = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);

	assert_int_equal(put_text(f, text), strlen(text));
	file_put(f);
}

/* What a file holds, as text. */
static inline const char *text_of(const char *path)
{
	static char buf[4096];
	struct file *f = open_file(path, O_RDONLY);
	ssize_t n = get_bytes(f, buf, sizeof(buf) - 1);

	assert_true(n >= 0);
	buf[n] = '\0';
	file_put(f);
	return buf;
}

static inline struct file_attr attr_of(const char *path)
{
	struct file_attr attr;
	struct dentry *d;

	assert_int_equal(vfs_lookup(AT(path), &d), 0);
	inode_attr(dentry_inode(d), &attr);
	dentry_put(d);
	return attr;
}

/* 0 or the error of finding a path, the last link followed. */
static inline int find(const char *path)
{
	struct dentry *d;
	int err = vfs_lookup(AT_FOLLOW(path), &d);

	if (!err)
		dentry_put(d);
	return err;
}

#endif
