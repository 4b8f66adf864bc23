/* SPDX-License-Identifier: MIT */
/* What a process holds open: fd, fdinfo, exe, cwd and root. The links lead to the files themselves, not to names. */
#include <linux/fcntl.h>
#include <moat/string.h>
#include "proc_internal.h"

/* The process, if the caller may look into it. */
static int get_checked(const struct proc_key *key, struct subject **out)
{
	int err = subject_get(key, out);

	if (err)
		return err == -ESRCH ? -ENOENT : err;
	err = subject_check(*out);
	if (err)
		subject_put(*out);
	return err;
}

/* The file behind the key's descriptor, with a reference. */
static int get_file(const struct proc_key *key, struct file **out)
{
	struct subject *s;
	int err = get_checked(key, &s);

	if (err)
		return err;
	*out = s->files ? fd_get_path(s->files, key->fd) : NULL;
	subject_put(s);
	return *out ? 0 : -ENOENT;
}

static ssize_t readlink_fd(const struct proc_key *key, char *buf, size_t size)
{
	struct file *f;
	ssize_t n = get_file(key, &f);

	if (n)
		return n;
	n = file_describe(f, buf, size);
	file_put(f);
	return n;
}

static int jump_fd(const struct proc_key *key, struct dentry **jump)
{
	struct file *f;
	int err = get_file(key, &f);

	if (err)
		return err;
	*jump = file_place(f);
	file_put(f);
	return 0;
}

/* A link to what is open for reading can be read, and so on (proc(5)). */
static u32 fd_permissions(const struct proc_key *key)
{
	struct file *f;
	u32 mode = 0;

	if (get_file(key, &f))
		return 0;
	if (file_readable(f))
		mode |= 0500;
	if (file_writable(f))
		mode |= 0300;
	if (f->flags & O_PATH)
		mode = 0;
	file_put(f);
	return mode;
}

static bool next_fd(const struct proc_key *dir, u32 from, u32 *number, struct proc_key *child)
{
	struct subject *s;
	int fd;

	if (from > INT32_MAX || get_checked(dir, &s))
		return false;
	fd = s->files ? fd_next(s->files, (int)from) : -1;
	subject_put(s);
	*number = (u32)fd;
	*child = *dir;
	child->fd = fd;
	return fd >= 0;
}

static int show_fdinfo(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct file_attr attr;
	struct subject *s;
	struct file *f;
	u32 flags;
	int err = get_checked(&o->key, &s);

	(void)pos;
	if (err)
		return err;
	f = s->files ? fd_get_path(s->files, o->key.fd) : NULL;
	if (f) {
		flags = f->flags | (fd_get_cloexec(s->files, o->key.fd) > 0 ? O_CLOEXEC : 0);
		inode_attr(f->inode, &attr);
		proc_printf(t, "pos:\t%lli\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", (long long)f->offset,
			    flags, file_mount_id(f), (ull)attr.ino);
		if (f->ops->show)
			f->ops->show(f, t);
		file_put(f);
	}
	subject_put(s);
	return f ? 0 : -ENOENT;
}

static const struct proc_entry fd_entry = {
	.mode = S_IFLNK,
	.readlink = readlink_fd,
	.jump = jump_fd,
	.permissions = fd_permissions,
};
static const struct proc_entry fdinfo_entry = {.mode = S_IFREG | 0444, .show = show_fdinfo};
const struct proc_numbers proc_fd_numbers = {next_fd, &fd_entry};
const struct proc_numbers proc_fdinfo_numbers = {next_fd, &fdinfo_entry};

/* --- exe, cwd, root --- */

ssize_t proc_readlink_exe(const struct proc_key *key, char *buf, size_t size)
{
	struct subject *s;
	ssize_t n = get_checked(key, &s);

	if (n)
		return n;
	n = s->exe ? vfs_path(s->exe, buf, size) : -ENOENT;
	subject_put(s);
	return n;
}

int proc_jump_exe(const struct proc_key *key, struct dentry **jump)
{
	struct subject *s;
	int err = get_checked(key, &s);

	if (err)
		return err;
	*jump = s->exe ? file_place(s->exe) : NULL;
	subject_put(s);
	return 0;
}

static ssize_t readlink_place(const struct proc_key *key, enum fs_place which, char *buf, size_t size)
{
	struct dentry *d;
	struct subject *s;
	ssize_t n = get_checked(key, &s);

	if (n)
		return n;
	n = -ENOENT;
	if (s->fs) {
		d = fs_context_dir(s->fs, which);
		n = dentry_path(d, buf, size);
		dentry_put(d);
	}
	subject_put(s);
	return n;
}

static int jump_place(const struct proc_key *key, enum fs_place which, struct dentry **jump)
{
	struct subject *s;
	int err = get_checked(key, &s);

	if (err)
		return err;
	*jump = s->fs ? fs_context_dir_locked(s->fs, which) : NULL;
	subject_put(s);
	return 0;
}

ssize_t proc_readlink_cwd(const struct proc_key *key, char *buf, size_t size)
{
	return readlink_place(key, FS_PLACE_CWD, buf, size);
}

ssize_t proc_readlink_root(const struct proc_key *key, char *buf, size_t size)
{
	return readlink_place(key, FS_PLACE_ROOT, buf, size);
}

int proc_jump_cwd(const struct proc_key *key, struct dentry **jump)
{
	return jump_place(key, FS_PLACE_CWD, jump);
}

int proc_jump_root(const struct proc_key *key, struct dentry **jump)
{
	return jump_place(key, FS_PLACE_ROOT, jump);
}
