/* SPDX-License-Identifier: MIT */
/*
 * read(2), write(2) and their relatives: buffers become a uio, the fs room moves the bytes.
 *
 * As on Linux a buffer is only looked at where bytes are moved: reading at the end of a file, or writing to
 * /dev/null, takes any address of the user half.
 */
#include <linux/fs.h>
#include <linux/uio.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_fs.h"
#include "sys_rw.h"

_Static_assert(sizeof(struct iovec) == sizeof(struct uio_seg), "an iovec is copied as a uio_seg");
_Static_assert(offsetof(struct iovec, iov_len) == offsetof(struct uio_seg, len),
	       "an iovec is copied as a uio_seg");

s64 sys_write_signal(s64 result)
{
	if (result == -EPIPE)
		signal_send_self(SIGPIPE);
	else if (result == -EFBIG && sys_size_limit() != RLIM_INFINITY)
		signal_send_self(SIGXFSZ);
	return result;
}

static int one_buffer(struct uio *u, void __user *buf, size_t count)
{
	if (unlikely(!sys_in_user_half((u64)buf, count)))
		return -EFAULT;
	uio_init_user(u, buf, MIN(count, MAX_RW_BYTES));
	return 0;
}

int sys_check_segs(struct uio_seg *segs, unsigned count)
{
	size_t left = MAX_RW_BYTES;

	for (unsigned i = 0; i < count; i++) {
		if (segs[i].len > INT64_MAX)
			return -EINVAL;
		if (!sys_in_user_half(segs[i].base, segs[i].len))
			return -EFAULT;
		segs[i].len = MIN(segs[i].len, left);
		left -= segs[i].len;
	}
	return 0;
}

void sys_put_buffers(struct buffers *b)
{
	kfree(b->many);
}

int sys_get_buffers(struct buffers *b, const struct iovec __user *iov, size_t count)
{
	struct uio_seg *segs = b->few;
	int err = 0;

	b->many = NULL;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > SEGS_ON_STACK) {
		segs = b->many = kcalloc(count, sizeof(*segs));
		if (!segs)
			return -ENOMEM;
	}
	if (copy_from_user(segs, iov, count * sizeof(*segs)))
		err = -EFAULT;
	if (!err)
		err = sys_check_segs(segs, (unsigned)count);
	if (err)
		sys_put_buffers(b);
	else
		uio_init_user_segs(&b->uio, segs, (unsigned)count);
	return err;
}

/* Where a transfer takes place: at *offset, or at the description's own when offset is NULL. */
static __always_inline s64 read_into(int fd, struct uio *u, s64 *offset)
{
	struct thread *me = current_thread();
	struct file *f = fd_get(me->files, fd);
	u64 at = offset ? (u64)*offset : 0;
	s64 n;

	if (!f)
		return -EBADF;
	n = vfs_read(f, u, offset ? &at : NULL);
	file_put(f);
	me->reads++;
	me->bytes_read += n > 0 ? (u64)n : 0;
	return n;
}

static __always_inline s64 write_from(int fd, struct uio *u, s64 *offset)
{
	struct thread *me = current_thread();
	struct file *f = fd_get(me->files, fd);
	u64 at = offset ? (u64)*offset : 0;
	struct write_rights rights = {0};
	s64 n;

	if (!f)
		return -EBADF;
	if (file_has_offset(f))
		rights = sys_write_rights();
	n = vfs_write(f, u, offset ? &at : NULL, rights);
	file_put(f);
	me->writes++;
	me->bytes_written += n > 0 ? (u64)n : 0;
	if (unlikely((n < 0 && !u->no_signal) || u->peer_gone))
		(void)sys_write_signal(u->peer_gone ? -EPIPE : n);
	return n;
}

/* A bad descriptor is reported before a bad buffer. */
static s64 first_error(int fd, bool writing, int err)
{
	struct file *f = sys_file(fd);
	bool usable = f && (writing ? file_writable(f) : file_readable(f));

	if (f)
		file_put(f);
	return usable ? err : -EBADF;
}

s64 sys_read(int fd, void __user *buf, size_t count)
{
	struct uio u;
	int err = one_buffer(&u, buf, count);

	return err ? first_error(fd, false, err) : read_into(fd, &u, NULL);
}

s64 sys_write(int fd, const void __user *buf, size_t count)
{
	struct uio u;
	int err = one_buffer(&u, (void __user *)(u64)buf, count);

	return err ? first_error(fd, true, err) : write_from(fd, &u, NULL);
}

s64 sys_pread64(int fd, void __user *buf, size_t count, s64 offset)
{
	struct uio u;
	int err = offset < 0 ? -EINVAL : one_buffer(&u, buf, count);

	if (offset < 0)
		return err;
	return err ? first_error(fd, false, err) : read_into(fd, &u, &offset);
}

s64 sys_pwrite64(int fd, const void __user *buf, size_t count, s64 offset)
{
	struct uio u;
	int err = offset < 0 ? -EINVAL : one_buffer(&u, (void __user *)(u64)buf, count);

	if (offset < 0)
		return err;
	return err ? first_error(fd, true, err) : write_from(fd, &u, &offset);
}

/* The flags of preadv2(2) that mean nothing here because nothing is cached or slow; others are refused. */
static int check_rwf(const char *call, int flags)
{
	const int harmless = RWF_HIPRI | RWF_DSYNC | RWF_SYNC;

	if (!(flags & ~harmless))
		return 0;
	unsupported_flag(call, flags & RWF_NOWAIT   ? "RWF_NOWAIT"
			       : flags & RWF_APPEND ? "RWF_APPEND"
						    : "flags");
	return -EOPNOTSUPP;
}

static s64 read_vector(int fd, const struct iovec __user *iov, size_t count, s64 *offset)
{
	struct buffers b;
	int err = sys_get_buffers(&b, iov, count);
	s64 n;

	if (err)
		return first_error(fd, false, err);
	n = read_into(fd, &b.uio, offset);
	sys_put_buffers(&b);
	return n;
}

static s64 write_vector(int fd, const struct iovec __user *iov, size_t count, s64 *offset)
{
	struct buffers b;
	int err = sys_get_buffers(&b, iov, count);
	s64 n;

	if (err)
		return first_error(fd, true, err);
	n = write_from(fd, &b.uio, offset);
	sys_put_buffers(&b);
	return n;
}

s64 sys_readv(int fd, const struct iovec __user *iov, size_t iovcnt)
{
	return read_vector(fd, iov, iovcnt, NULL);
}

s64 sys_writev(int fd, const struct iovec __user *iov, size_t iovcnt)
{
	return write_vector(fd, iov, iovcnt, NULL);
}

/* The offset is in the low word alone: on x86-64 pos_h does not count. */
s64 sys_preadv(int fd, const struct iovec __user *iov, size_t iovcnt, s64 pos_l, s64 pos_h)
{
	(void)pos_h;
	return pos_l < 0 ? -EINVAL : read_vector(fd, iov, iovcnt, &pos_l);
}

s64 sys_pwritev(int fd, const struct iovec __user *iov, size_t iovcnt, s64 pos_l, s64 pos_h)
{
	(void)pos_h;
	return pos_l < 0 ? -EINVAL : write_vector(fd, iov, iovcnt, &pos_l);
}

s64 sys_preadv2(int fd, const struct iovec __user *iov, size_t iovcnt, s64 pos_l, s64 pos_h, int flags)
{
	int err = pos_l < -1 ? -EINVAL : check_rwf("preadv2", flags);

	(void)pos_h;
	return err ? err : read_vector(fd, iov, iovcnt, pos_l == -1 ? NULL : &pos_l);
}

s64 sys_pwritev2(int fd, const struct iovec __user *iov, size_t iovcnt, s64 pos_l, s64 pos_h, int flags)
{
	int err = pos_l < -1 ? -EINVAL : check_rwf("pwritev2", flags);

	(void)pos_h;
	return err ? err : write_vector(fd, iov, iovcnt, pos_l == -1 ? NULL : &pos_l);
}

s64 sys_lseek(int fd, s64 offset, int whence)
{
	struct file *f = sys_file(fd);
	s64 at;

	if (!f)
		return -EBADF;
	at = vfs_seek(f, offset, whence);
	file_put(f);
	return at;
}
