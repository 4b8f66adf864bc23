/* SPDX-License-Identifier: MIT */
/* send(2), recv(2) and their relatives: a message is decoded once, the ipc room moves it. */
#include <linux/uio.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_poll.h"
#include "sys_socket.h"

/* struct msghdr and struct mmsghdr of send(2). */
struct user_message {
	u64 name;
	s32 name_len;
	u32 pad;
	u64 segs;
	u64 seg_count;
	u64 control;
	u64 control_len;
	u32 flags;
	u32 pad_end;
};

struct user_message_entry {
	struct user_message message;
	u32 len;
	u32 pad;
};

static bool in_user_half(u64 base, u64 len)
{
	return len <= USER_TOP && base <= USER_TOP - len;
}

/* The bytes of a message: 0 and *segs to be freed, or -errno. */
static int take_segs(const struct user_message *u, struct uio *uio, struct uio_seg **segs)
{
	int err = 0;

	if (u->seg_count > UIO_MAXIOV)
		return -EMSGSIZE;
	*segs = kcalloc(MAX(u->seg_count, 1ull), sizeof(**segs));
	if (!*segs)
		return -ENOMEM;
	if (copy_from_user(*segs, (const void __user *)u->segs, u->seg_count * sizeof(**segs)))
		err = -EFAULT;
	if (!err)
		err = sys_check_segs(*segs, (unsigned)u->seg_count);
	if (err)
		kfree(*segs);
	else
		uio_init_user_segs(uio, *segs, (unsigned)u->seg_count);
	return err;
}

/* Sends, with the signal that an error may come with. m->rights is taken over. */
static s64 send_message(struct file *f, struct socket *s, struct sock_message *m)
{
	s64 n;

	if (sys_nonblocking(f))
		m->flags |= MSG_DONTWAIT;
	if (m->flags & MSG_OOB)
		unsupported_flag("send", "MSG_OOB");
	n = socket_send(s, m);
	if (m->sigpipe)
		(void)sys_write_signal(-EPIPE);
	return n;
}

s64 sys_sendto(int fd, const void __user *buf, size_t len, int flags, const void __user *addr, int addrlen)
{
	struct sock_address a = {0};
	struct uio uio;
	struct sock_message m = {.data = &uio, .flags = (u32)flags, .address = &a};
	struct socket *s;
	struct file *f;
	s64 err;

	if (!in_user_half((u64)buf, MIN(len, MAX_RW_BYTES)))
		return -EFAULT;
	err = sys_socket_get(fd, &f, &s);
	if (err)
		return err;
	uio_init_user(&uio, (void __user *)(u64)buf, MIN(len, MAX_RW_BYTES));
	if (addr)
		err = sys_address_get(addr, addrlen, &a);
	if (!err)
		err = send_message(f, s, &m);
	file_put(f);
	return err;
}

s64 sys_recvfrom(int fd, void __user *buf, size_t len, int flags, void __user *addr, void __user *addrlen)
{
	struct sock_address a = {0};
	struct uio uio;
	struct sock_message m = {.data = &uio, .flags = (u32)flags, .address = addr ? &a : NULL};
	struct socket *s;
	struct file *f;
	s64 n;
	int err;

	if (!in_user_half((u64)buf, MIN(len, MAX_RW_BYTES)))
		return -EFAULT;
	err = sys_socket_get(fd, &f, &s);
	if (err)
		return err;
	if (sys_nonblocking(f))
		m.flags |= MSG_DONTWAIT;
	uio_init_user(&uio, buf, MIN(len, MAX_RW_BYTES));
	n = socket_receive(s, &m);
	sock_rights_free(m.rights);
	if (n >= 0 && addr) {
		err = sys_address_put(&a, addr, addrlen);
		n = err ? err : n;
	}
	file_put(f);
	return n;
}

/* Decodes u and sends it. */
static s64 send_one(struct file *f, struct socket *s, const struct user_message *u, int flags)
{
	struct sock_address a = {0};
	struct uio uio;
	struct sock_message m = {.data = &uio, .flags = (u32)flags, .address = &a};
	struct uio_seg *segs;
	s64 err = 0;

	if (u->name_len < 0)
		return -EINVAL;
	if (u->name && u->name_len)
		err = sys_address_get((const void __user *)u->name, MIN(u->name_len, 128), &a);
	if (!err)
		err = take_segs(u, &uio, &segs);
	if (err)
		return err;
	if (u->control_len > INT32_MAX)
		err = -ENOBUFS;
	else if (u->control_len)
		err = control_get(u->control, u->control_len, &m);
	if (!err)
		err = send_message(f, s, &m);
	kfree(segs);
	return err;
}

s64 sys_sendmsg(int fd, const void __user *msg, int flags)
{
	struct user_message u;
	struct socket *s;
	struct file *f;
	s64 n;
	int err;

	if ((u32)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	err = sys_socket_get(fd, &f, &s);
	if (err)
		return err;
	n = copy_from_user(&u, msg, sizeof(u)) ? -EFAULT : send_one(f, s, &u, flags);
	file_put(f);
	return n;
}

s64 sys_sendmmsg(int fd, void __user *msgs, u32 count, int flags)
{
	struct user_message_entry __user *entries = msgs;
	struct user_message u;
	struct socket *s;
	struct file *f;
	u32 done = 0;
	s64 n = 0;
	int err;

	if ((u32)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	err = sys_socket_get(fd, &f, &s);
	if (err)
		return err;
	for (; done < MIN(count, (u32)UIO_MAXIOV); done++) {
		u32 len;

		n = copy_from_user(&u, &entries[done].message, sizeof(u)) ? -EFAULT
									  : send_one(f, s, &u, flags);
		if (n < 0)
			break;
		len = (u32)n;
		if (put_user(len, &entries[done].len)) {
			n = -EFAULT;
			break;
		}
	}
	file_put(f);
	return done ? (s64)done : MIN(n, 0);
}

/* What a message brought besides its bytes goes to the program. */
static int put_results(const struct user_message *u, struct user_message __user *to, struct sock_message *m)
{
	struct control c = {.base = u->control, .left = u->control ? u->control_len : 0};
	u64 used;
	u32 flags;
	int err = control_put(&c, m);

	if (!err && u->name)
		err = sys_address_put(m->address, (void __user *)u->name, &to->name_len);
	if (err)
		return err;
	flags = m->out_flags | c.flags | (m->flags & MSG_CMSG_CLOEXEC);
	used = u->control ? c.base - u->control : 0;
	return put_user(flags, &to->flags) || put_user(used, &to->control_len) ? -EFAULT : 0;
}

static s64 receive_one(struct file *f, struct socket *s, struct user_message __user *to, int flags)
{
	struct sock_address a = {0};
	struct user_message u;
	struct uio uio;
	struct sock_message m = {.data = &uio, .flags = (u32)flags};
	struct uio_seg *segs;
	s64 n;
	int err;

	if (copy_from_user(&u, to, sizeof(u)))
		return -EFAULT;
	if (u.name_len < 0)
		return -EINVAL;
	err = take_segs(&u, &uio, &segs);
	if (err)
		return err;
	m.address = u.name ? &a : NULL;
	if (sys_nonblocking(f))
		m.flags |= MSG_DONTWAIT;
	n = socket_receive(s, &m);
	if (n >= 0) {
		err = put_results(&u, to, &m);
		n = err ? err : n;
	}
	sock_rights_free(m.rights);
	kfree(segs);
	return n;
}

s64 sys_recvmsg(int fd, void __user *msg, int flags)
{
	struct socket *s;
	struct file *f;
	s64 n;

	if ((u32)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	n = sys_socket_get(fd, &f, &s);
	if (n)
		return n;
	n = receive_one(f, s, msg, flags);
	file_put(f);
	return n;
}

/* The loop of recvmmsg(2): how many, and in *err what ended it early. */
static u32 receive_many(struct file *f, struct socket *s, struct user_message_entry __user *entries,
			u32 count, int flags, u64 deadline_ns, s64 *err)
{
	u32 done = 0;

	for (*err = 0; done < count; done++) {
		s64 n = receive_one(f, s, &entries[done].message, flags & (int)~MSG_WAITFORONE);
		u32 len = (u32)n;

		if (n >= 0 && put_user(len, &entries[done].len))
			n = -EFAULT;
		if (n < 0) {
			*err = n;
			break;
		}
		if (flags & (int)MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* The time is looked at between messages only: recvmmsg(2), BUGS. */
		if (clock_monotonic_ns() >= deadline_ns)
			return done + 1;
	}
	return done;
}

s64 sys_recvmmsg(int fd, void __user *msgs, u32 count, int flags, struct __kernel_timespec __user *timeout)
{
	u64 deadline;
	struct socket *s;
	struct file *f;
	u32 done;
	s64 err;

	if ((u32)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	err = poll_deadline(timeout, &deadline);
	if (err)
		return err;
	err = sys_socket_get(fd, &f, &s);
	if (err)
		return err;
	err = (u32)flags & MSG_ERRQUEUE ? 0 : socket_take_error(s);
	if (err) {
		file_put(f);
		return err;
	}
	done = receive_many(f, s, msgs, count, flags, deadline, &err);
	if (done && err && err != -EAGAIN)
		socket_put_error(s, (int)err);
	if (done)
		poll_put_left(timeout, deadline);
	file_put(f);
	return done ? (s64)done : err;
}
