/* SPDX-License-Identifier: MIT */
/* splice(2), tee(2), vmsplice(2). The order of errors is Linux's. */
#include <arch/uaccess.h>
#include <moat/splice.h>
#include "sys_fs.h"
#include "sys_rw.h"

/* <fcntl.h>'s; the kernel's headers do not have them. MOVE, MORE and GIFT are hints. */
#define SPLICE_F_MOVE	  1
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_MORE	  4
#define SPLICE_F_GIFT	  8
#define SPLICE_F_ALL	  (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

struct offset_argument {
	void __user *user; /* NULL: the description's own */
	u64 value;
};

static int get_offset(struct offset_argument *o)
{
	if (o->user && copy_from_user(&o->value, o->user, sizeof(o->value)))
		return -EFAULT;
	return o->user && (s64)o->value < 0 ? -EINVAL : 0;
}

static s64 put_offset(const struct offset_argument *o, s64 n)
{
	return n > 0 && o->user && copy_to_user(o->user, &o->value, sizeof(o->value)) ? -EFAULT : n;
}

static u64 *offset_or_own(struct offset_argument *o)
{
	return o->user ? &o->value : NULL;
}

static unsigned how_of(const struct file *a, const struct file *b, u32 flags)
{
	return (flags & SPLICE_F_NONBLOCK) || ((a ? a->flags : 0) | (b ? b->flags : 0)) & O_NONBLOCK
		       ? SPLICE_NONBLOCK
		       : 0;
}

static s64 into_file(struct file *in, struct file *out, struct offset_argument *at, size_t len, u32 flags)
{
	int err = 0;

	if (at->user && (!out->ops->seek || out->ops->no_pread))
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EINVAL;
	err = get_offset(at);
	if (err)
		return err;
	return put_offset(at, splice_to_file(in, out, offset_or_own(at), len, sys_write_rights(),
					     how_of(in, NULL, flags)));
}

static s64 out_of_file(struct file *in, struct offset_argument *at, struct file *out, size_t len, u32 flags)
{
	int err;

	if (at->user && (!in->ops->seek || in->ops->no_pread))
		return -EINVAL;
	err = get_offset(at);
	if (err)
		return err;
	return put_offset(at, splice_from_file(in, offset_or_own(at), out, len, how_of(NULL, out, flags)));
}

static s64 do_splice(struct file *in, struct offset_argument *in_at, struct file *out,
		     struct offset_argument *out_at, size_t len, u32 flags)
{
	bool from_pipe = file_is_pipe(in), to_pipe = file_is_pipe(out);

	if ((from_pipe && in_at->user) || (to_pipe && out_at->user))
		return -ESPIPE;
	if (!file_readable(in) || !file_writable(out))
		return -EBADF;
	if (from_pipe && to_pipe)
		return splice_pipes(in, out, len, how_of(in, out, flags));
	if (from_pipe)
		return into_file(in, out, out_at, len, flags);
	if (to_pipe)
		return out_of_file(in, in_at, out, len, flags);
	return -EINVAL;
}

s64 sys_splice(int fd_in, void __user *off_in, int fd_out, void __user *off_out, size_t len, u32 flags)
{
	struct offset_argument in_at = {.user = off_in}, out_at = {.user = off_out};
	struct file *in, *out;
	s64 n = -EBADF;

	if (!len)
		return 0;
	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	in = sys_file(fd_in);
	out = in ? sys_file(fd_out) : NULL;
	if (out)
		n = do_splice(in, &in_at, out, &out_at, MIN(len, MAX_RW_BYTES), flags);
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return sys_write_signal(n);
}

s64 sys_tee(int fd_in, int fd_out, size_t len, u32 flags)
{
	struct file *in, *out;
	s64 n = -EBADF;

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	in = sys_file(fd_in);
	out = in ? sys_file(fd_out) : NULL;
	if (out && file_readable(in) && file_writable(out))
		n = file_is_pipe(in) && file_is_pipe(out) ? splice_pipes(in, out, MIN(len, MAX_RW_BYTES),
									 how_of(in, out, flags) | SPLICE_COPY)
							  : -EINVAL;
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return sys_write_signal(n);
}

static s64 do_vmsplice(struct file *f, struct buffers *b, u32 flags)
{
	unsigned how = flags & SPLICE_F_NONBLOCK ? SPLICE_NONBLOCK : 0;

	if (!b->uio.left)
		return 0;
	if (!file_is_pipe(f))
		return -EBADF;
	return file_writable(f) ? splice_from_user(&b->uio, f, how) : splice_to_user(f, &b->uio, how);
}

s64 sys_vmsplice(int fd, const struct iovec __user *iov, size_t nr_segs, u32 flags)
{
	struct buffers b;
	struct file *f;
	s64 n = -EBADF;

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	if (file_readable(f) || file_writable(f)) {
		n = sys_get_buffers(&b, iov, nr_segs);
		if (!n) {
			n = do_vmsplice(f, &b, flags);
			sys_put_buffers(&b);
		}
	}
	file_put(f);
	return sys_write_signal(n);
}
