/* SPDX-License-Identifier: MIT */
/* fcntl(2), flock(2), and the part of ioctl(2) that every file has. */
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/uio.h>
#include <arch/uaccess.h>
#include <moat/inotify.h>
#include <moat/owner.h>
#include "sys_fs.h"

/* Set by fcntl(F_SETFL); everything else in its argument is ignored. */
#ifndef F_CREATED_QUERY /* of Linux 6.12 */
#define F_CREATED_QUERY (F_LINUX_SPECIFIC_BASE + 4)
#endif

#define FLAGS_SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static s64 duplicate(struct file *f, u64 min, bool cloexec)
{
	int fd;

	if (min >= sys_fd_limit())
		return -EINVAL;
	file_get(f);
	fd = fd_install(current_thread()->files, f, (int)min, sys_fd_limit(), cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

static s64 set_flags(struct file *f, int fd, u32 flags)
{
	struct file_facts facts;
	int err = 0;

	vfs_facts(f, &facts);
	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && !capable(CAP_FOWNER) &&
	    current_cred()->fsuid != facts.uid)
		return -EPERM;
	if ((flags & O_DIRECT) && !S_ISREG(facts.mode) && !S_ISFIFO(facts.mode))
		return -EINVAL;
	/* Of files that tell nothing the flag is not kept. */
	if ((flags ^ f->flags) & FASYNC)
		err = file_set_async(f, fd, flags & FASYNC);
	if (err && err != -ENOTTY)
		return err;
	file_change_flags(f, FLAGS_SETTABLE, flags);
	return 0;
}

static s64 get_seals(struct file *f)
{
	u32 seals;
	int err = vfs_get_seals(f, &seals);

	return err ? err : (s64)seals;
}

/* The offset that l_start counts from, or -EINVAL. */
static s64 lock_base(struct file *f, int whence)
{
	struct file_attr attr;

	switch (whence) {
	case SEEK_SET:
		return 0;
	case SEEK_CUR:
		return (s64)f->offset;
	case SEEK_END:
		inode_attr(f->inode, &attr);
		return (s64)attr.size_bytes;
	default:
		return -EINVAL;
	}
}

/* l_whence, l_start and l_len to a range (fcntl(2)); a lock on the last byte there is reaches "to the end". */
static int lock_range(struct file *f, const struct flock *l, struct range *out)
{
	const u64 limit = (u64)INT64_MAX + 1;
	s64 start = lock_base(f, l->l_whence);

	if (start < 0)
		return (int)start;
	if (__builtin_add_overflow(start, l->l_start, &start))
		return -EOVERFLOW;
	if (start < 0 || (l->l_len < 0 && start + l->l_len < 0))
		return -EINVAL;
	if (l->l_len < 0) {
		*out = (struct range){(u64)(start + l->l_len), (u64)start};
		return 0;
	}
	*out = (struct range){(u64)start, (u64)start + (u64)l->l_len};
	if (out->end > limit)
		return -EOVERFLOW;
	if (l->l_len == 0 || out->end == limit)
		out->end = UINT64_MAX;
	return 0;
}

static int check_lock(const struct file *f, const struct flock *l, unsigned cmd)
{
	/* F_OFD_GETLK with F_UNLCK asks for the description's own locks. */
	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK && (cmd == F_GETLK || l->l_type != F_UNLCK))
		return -EINVAL;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return 0;
	if ((l->l_type == F_RDLCK && !file_readable(f)) || (l->l_type == F_WRLCK && !file_writable(f)))
		return -EBADF;
	return 0;
}

static s64 put_lock(struct flock l, const struct file_lock_request *r, void __user *arg)
{
	l.l_type = (short)r->type;
	if (r->type != F_UNLCK) {
		l.l_whence = SEEK_SET;
		l.l_start = (s64)r->bytes.start;
		l.l_len = r->bytes.end == UINT64_MAX ? 0 : (s64)range_len(r->bytes);
		l.l_pid = r->pid;
	}
	return copy_to_user(arg, &l, sizeof(l)) ? -EFAULT : 0;
}

static s64 record_lock(struct file *f, unsigned cmd, void __user *arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool query = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct file_lock_request r;
	struct flock l;
	int err;

	if (copy_from_user(&l, arg, sizeof(l)))
		return -EFAULT;
	err = ofd && l.l_pid != 0 ? -EINVAL : check_lock(f, &l, cmd);
	if (!err)
		err = lock_range(f, &l, &r.bytes);
	if (err)
		return err;
	r.type = l.l_type;
	r.owner = ofd ? (const void *)f : current_thread()->files;
	r.pid = ofd ? LOCK_OF_DESCRIPTION : current_process()->pid;
	if (!query)
		return file_lock_range(f, &r, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
	file_lock_query(f, &r);
	return put_lock(l, &r, arg);
}

static s64 refuse(const char *what)
{
	unsupported_flag("fcntl", what);
	return -EINVAL;
}

/* Who asks becomes the owner, unless there is one. */
static s64 notify(struct file *f, int fd, u32 mask)
{
	struct owner o;
	int err = dnotify_set(f, fd, mask, current_thread()->files);

	if (err || !(mask & ~(u32)DN_MULTISHOT))
		return err;
	file_get_owner(f, &o);
	return o.pid ? 0 : owner_set(f, F_OWNER_PID, current_process()->pid);
}

/* What needs a descriptor that reads or writes: not O_PATH. */
static s64 control(struct file *f, int fd, unsigned cmd, u64 arg)
{
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, fd, (u32)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return record_lock(f, cmd, (void __user *)arg);
	case F_GETLEASE:
		return F_UNLCK;
	case F_GETPIPE_SZ:
		return pipe_capacity(f);
	case F_SETPIPE_SZ:
		return pipe_resize(f, (u32)arg, capable(CAP_SYS_RESOURCE));
	case F_GET_SEALS:
		return get_seals(f);
	case F_ADD_SEALS:
		return vfs_add_seals(f, (u32)arg);
	case F_SETLEASE:
		return refuse("F_SETLEASE");
	case F_NOTIFY:
		return notify(f, fd, (u32)arg);
	default:
		return sys_owner_control(f, cmd, arg);
	}
}

static s64 control_any(struct file *f, int fd, unsigned cmd, u64 arg)
{
	struct fd_table *files = current_thread()->files;

	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return duplicate(f, (u32)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_get_cloexec(files, fd);
	case F_SETFD:
		return fd_set_cloexec(files, fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return f->flags;
	case F_CREATED_QUERY:
		return f->is_created;
	default:
		return f->flags & O_PATH ? -EBADF : control(f, fd, cmd, arg);
	}
}

s64 sys_fcntl(int fd, u32 cmd, u64 arg)
{
	struct file *f = fd_get_path(current_thread()->files, fd);
	s64 result;

	if (!f)
		return -EBADF;
	result = control_any(f, fd, cmd, arg);
	file_put(f);
	return result;
}

s64 sys_flock(int fd, int operation)
{
	struct file *f;
	s64 err;
	int type;

	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		type = F_RDLCK;
		break;
	case LOCK_EX:
		type = F_WRLCK;
		break;
	case LOCK_UN:
		type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	err = file_lock_whole(f, type, !(operation & LOCK_NB));
	file_put(f);
	return err;
}

/* Bytes left to read in a regular file. */
static s64 put_unread(struct file *f, void __user *arg)
{
	struct file_attr attr;
	int left;

	inode_attr(f->inode, &attr);
	left = (int)(attr.size_bytes - f->offset);
	return put_user(left, (int __user *)arg);
}

static s64 set_nonblocking(struct file *f, void __user *arg)
{
	int on;

	if (get_user(on, (int __user *)arg))
		return -EFAULT;
	file_change_flags(f, O_NONBLOCK, on ? O_NONBLOCK : 0);
	return 0;
}

static s64 set_telling(struct file *f, int fd, void __user *arg)
{
	int on;

	if (get_user(on, (int __user *)arg))
		return -EFAULT;
	return !on == !(f->flags & FASYNC) ? 0 : file_set_async(f, fd, on);
}

static s64 put_block_size(struct file *f, void __user *arg)
{
	struct file_attr attr;
	int size;

	inode_attr(f->inode, &attr);
	size = (int)attr.blksize;
	return put_user(size, (int __user *)arg);
}

/* FIOQSIZE: the bytes that are allocated. */
static s64 put_allocated(struct file *f, void __user *arg)
{
	struct file_attr attr;
	u64 bytes;

	inode_attr(f->inode, &attr);
	if (!S_ISREG(attr.mode) && !S_ISDIR(attr.mode))
		return -ENOTTY;
	bytes = attr.blocks * 512;
	return put_user(bytes, (u64 __user *)arg);
}

static s64 device_control(struct file *f, int fd, u32 cmd, u64 arg)
{
	struct fd_table *files = current_thread()->files;
	struct file_facts facts;

	switch (cmd) {
	case FIOCLEX:
		return fd_set_cloexec(files, fd, true);
	case FIONCLEX:
		return fd_set_cloexec(files, fd, false);
	case FIONBIO:
		return set_nonblocking(f, (void __user *)arg);
	case FIOASYNC:
		return set_telling(f, fd, (void __user *)arg);
	case FIOQSIZE:
		return put_allocated(f, (void __user *)arg);
	case FIGETBSZ:
		return put_block_size(f, (void __user *)arg);
	case FIONREAD:
		vfs_facts(f, &facts);
		if (S_ISREG(facts.mode))
			return put_unread(f, (void __user *)arg);
		break;
	default:
		break;
	}
	return vfs_ioctl(f, cmd, arg);
}

s64 sys_ioctl(int fd, u32 cmd, u64 arg)
{
	struct file *f = sys_file(fd);
	s64 result;

	if (!f)
		return -EBADF;
	result = device_control(f, fd, cmd, arg);
	file_put(f);
	return result;
}
