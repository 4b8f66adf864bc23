/* SPDX-License-Identifier: MIT */
/*
 * sendfile(2) and copy_file_range(2): from one file to another through a kernel buffer, without a way by user
 * space.
 *
 * What was read but could not be written does not count as read.
 */
#include <linux/fs.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_fs.h"

#define CHUNK_BYTES KIB(32)

struct transfer {
	struct file *in, *out;
	u64 *in_offset;	 /* advanced; NULL: the description's own */
	u64 *out_offset; /* the same */
	struct write_rights rights;
};

/* One chunk of at most len bytes: bytes moved, 0 at the end of the input, or -errno. */
static s64 move_chunk(const struct transfer *t, void *buf, size_t len)
{
	u64 at = t->in_offset ? *t->in_offset : (u64)vfs_seek(t->in, 0, SEEK_CUR);
	struct uio u;
	ssize_t got, put;

	uio_init_kernel(&u, buf, len);
	got = vfs_read(t->in, &u, &at);
	if (got <= 0)
		return got;
	uio_init_kernel(&u, buf, (size_t)got);
	put = vfs_write(t->out, &u, t->out_offset, t->rights);
	if (put <= 0)
		return put;
	at -= (u64)(got - put);
	if (t->in_offset)
		*t->in_offset = at;
	else
		(void)!vfs_seek(t->in, (s64)at, SEEK_SET);
	return put;
}

/* Up to count bytes: bytes moved, or -errno when there were none. */
static s64 move_all(const struct transfer *t, size_t count)
{
	size_t chunk = CHUNK_BYTES;
	void *buf = kmalloc(chunk);
	s64 done = 0, n;

	/* Free memory may be in single pages. */
	if (!buf)
		buf = kmalloc(chunk = PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	while ((size_t)done < count) {
		size_t len = MIN(count - (size_t)done, chunk);

		n = move_chunk(t, buf, len);
		if (n < 0 && done == 0)
			done = n;
		if (n <= 0)
			break;
		done += n;
		if ((size_t)n < len || signal_due())
			break;
	}
	kfree(buf);
	return done;
}

/* An offset argument: NULL stays NULL, else the value is fetched into *value. */
static int copy_offset(const void __user *from, s64 *value, bool *given)
{
	*given = from != NULL;
	return from && copy_from_user(value, from, sizeof(*value)) ? -EFAULT : 0;
}

static int get_offset(const void __user *from, s64 *value, bool *given)
{
	int err = copy_offset(from, value, given);

	return err ? err : *given && *value < 0 ? -EINVAL : 0;
}

static int put_offset(void __user *to, u64 value)
{
	return to && copy_to_user(to, &value, sizeof(value)) ? -EFAULT : 0;
}

static int check_sendfile(const struct file *out, const struct file *in)
{
	if (!file_readable(in))
		return -EBADF;
	if (!file_writable(out))
		return -EBADF;
	if (!in->ops->seek || !in->ops->read || !out->ops->write || (out->flags & O_APPEND))
		return -EINVAL;
	return 0;
}

static s64 send_file(struct file *out, struct file *in, void __user *offset, size_t count)
{
	struct transfer t = {.in = in, .out = out, .rights = sys_write_rights()};
	s64 at;
	u64 position;
	bool given;
	int err = get_offset(offset, &at, &given);
	s64 n;

	if (!err)
		err = given && !in->ops->seek ? -ESPIPE : check_sendfile(out, in);
	if (err)
		return err;
	if (given) {
		position = (u64)at;
		t.in_offset = &position;
	}
	n = move_all(&t, MIN(count, MAX_RW_BYTES));
	if (given && n > 0 && put_offset(offset, position))
		return -EFAULT;
	return sys_write_signal(n);
}

s64 sys_sendfile(int out_fd, int in_fd, void __user *offset, size_t count)
{
	struct file *in = sys_file(in_fd), *out = sys_file(out_fd);
	s64 n = in && out ? send_file(out, in, offset, count) : -EBADF;

	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return n;
}

static int check_copy(const struct file *in, const struct file *out)
{
	struct file_facts a, b;

	vfs_facts(in, &a);
	vfs_facts(out, &b);
	if (S_ISDIR(a.mode) || S_ISDIR(b.mode))
		return -EISDIR;
	if (!S_ISREG(a.mode) || !S_ISREG(b.mode))
		return -EINVAL;
	if (!file_readable(in) || !file_writable(out) || (out->flags & O_APPEND))
		return -EBADF;
	return 0;
}

/* What is read ends with the file, and must not overlap what is written; copy_file_range(2). */
static int check_ranges(const struct file *in, u64 from, const struct file *out, u64 to, size_t *len)
{
	struct file_facts facts;
	struct range a, b;

	if (!range_make(from, *len, &a) || !range_make(to, *len, &b))
		return -EOVERFLOW;
	if (from > INT64_MAX || to > INT64_MAX)
		return -EINVAL;
	vfs_facts(in, &facts);
	*len = from < facts.size_bytes ? MIN(*len, facts.size_bytes - from) : 0;
	a.end = from + *len;
	b.end = to + *len;
	if (b.end > INT64_MAX)
		return -EFBIG;
	return in->inode == out->inode && range_overlap(a, b) ? -EINVAL : 0;
}

static s64 copy_range(struct file *in, void __user *off_in, struct file *out, void __user *off_out,
		      size_t len)
{
	struct transfer t = {.in = in, .out = out, .rights = sys_write_rights()};
	bool in_given, out_given;
	s64 from, to, n;
	u64 in_at, out_at;
	int err = copy_offset(off_in, &from, &in_given);

	if (!err)
		err = copy_offset(off_out, &to, &out_given);
	if (!err)
		err = check_copy(in, out);
	if (err)
		return err;
	in_at = (u64)(in_given ? from : vfs_seek(in, 0, SEEK_CUR));
	out_at = (u64)(out_given ? to : vfs_seek(out, 0, SEEK_CUR));
	err = check_ranges(in, in_at, out, out_at, &len);
	if (err)
		return err;
	t.in_offset = in_given ? &in_at : NULL;
	t.out_offset = out_given ? &out_at : NULL;
	n = move_all(&t, MIN(len, MAX_RW_BYTES));
	if (n > 0 && ((in_given && put_offset(off_in, in_at)) || (out_given && put_offset(off_out, out_at))))
		return -EFAULT;
	return sys_write_signal(n);
}

s64 sys_copy_file_range(int fd_in, void __user *off_in, int fd_out, void __user *off_out, size_t len,
			u32 flags)
{
	struct file *in = sys_file(fd_in), *out = sys_file(fd_out);
	s64 n = -EBADF;

	if (in && out)
		n = flags ? -EINVAL : copy_range(in, off_in, out, off_out, len);
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return n;
}
