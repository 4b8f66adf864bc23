/* SPDX-License-Identifier: MIT */
/* socket(2) and the calls about names, connections and options. Messages are sys_socket_msg.c. */
#include <arch/uaccess.h>
#include <moat/string.h>
#include "sys_socket.h"

#define ADDRESS_MAX 128 /* struct sockaddr_storage */

int sys_socket_get(int fd, struct file **f, struct socket **s)
{
	*f = sys_file(fd);
	if (!*f)
		return -EBADF;
	*s = socket_of(*f);
	if (*s)
		return 0;
	file_put(*f);
	return -ENOTSOCK;
}

/* Longer than any address here is refused by who uses it, but only after the bytes were found readable. */
int sys_address_get(const void __user *from, int len, struct sock_address *out)
{
	u8 bytes[ADDRESS_MAX];

	if (len < 0 || len > ADDRESS_MAX)
		return -EINVAL;
	if (copy_from_user(bytes, from, (size_t)len))
		return -EFAULT;
	*out = (struct sock_address){.len = (u32)len};
	memcpy(&out->un, bytes, MIN((size_t)len, sizeof(out->un)));
	return 0;
}

int sys_address_put(const struct sock_address *a, void __user *to, int __user *len)
{
	int room, whole = (int)a->len;

	if (get_user(room, len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user(to, &a->un, (size_t)MIN(room, whole)))
		return -EFAULT;
	return put_user(whole, len);
}

static s64 refuse_family(int family)
{
	static const char *const names[] = {
		[2] = "AF_INET",       [4] = "AF_IPX",	[5] = "AF_APPLETALK", [9] = "AF_X25",
		[10] = "AF_INET6",     [15] = "AF_KEY", [16] = "AF_NETLINK",  [17] = "AF_PACKET",
		[31] = "AF_BLUETOOTH", [38] = "AF_ALG", [40] = "AF_VSOCK",    [44] = "AF_XDP",
	};
	const char *name = family > 0 && (size_t)family < ARRAY_SIZE(names) ? names[family] : NULL;

	unsupported_flag("socket", name ? name : "family");
	return -EAFNOSUPPORT;
}

/* The kind of socket that the arguments ask for, or -errno. */
static s64 kind_of(int family, int type, int protocol)
{
	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type >= SOCK_TYPES)
		return -EINVAL;
	if (family != AF_UNIX)
		return refuse_family(family == AF_INET && type == SOCK_PACKET ? AF_PACKET : family);
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (type) {
	case SOCK_RAW:
		return SOCK_DGRAM;
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_SEQPACKET:
		return type;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

static bool type_flags_are_valid(int type)
{
	return !(type & ~SOCK_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK));
}

/* A number for f, whose reference is taken over. */
static s64 install(struct file *f, int flags)
{
	s64 fd = fd_install(current_thread()->files, f, 0, sys_fd_limit(), flags & SOCK_CLOEXEC);

	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_socket(int family, int type, int protocol)
{
	struct file *f;
	s64 kind;

	if (!type_flags_are_valid(type))
		return -EINVAL;
	kind = kind_of(family, type & SOCK_TYPE_MASK, protocol);
	if (kind >= 0) {
		int err = socket_create((int)kind, (u32)type & SOCK_NONBLOCK, &f);

		return err ? err : install(f, type);
	}
	return kind;
}

s64 sys_socketpair(int family, int type, int protocol, void __user *fds)
{
	struct fd_table *files = current_thread()->files;
	struct file *ends[2];
	int fd[2];
	s64 err;

	if (!type_flags_are_valid(type))
		return -EINVAL;
	err = sys_reserve_pair(fds, type & SOCK_CLOEXEC, fd);
	if (err)
		return err;
	err = kind_of(family, type & SOCK_TYPE_MASK, protocol);
	if (err >= 0)
		err = socket_pair((int)err, (u32)type & SOCK_NONBLOCK, ends);
	for (int i = 0; i < 2; i++) {
		if (err)
			fd_unreserve(files, fd[i]);
		else
			fd_fill(files, fd[i], ends[i]);
	}
	return err;
}

s64 sys_bind(int fd, const void __user *addr, int addrlen)
{
	struct sock_address a;
	struct socket *s;
	struct file *f;
	s64 err = sys_socket_get(fd, &f, &s);

	if (err)
		return err;
	err = sys_address_get(addr, addrlen, &a);
	if (!err)
		err = socket_bind(s, sys_fs(), &a);
	file_put(f);
	return err;
}

s64 sys_listen(int fd, int backlog)
{
	struct socket *s;
	struct file *f;
	s64 err = sys_socket_get(fd, &f, &s);

	if (err)
		return err;
	err = socket_listen(s, (u32)backlog);
	file_put(f);
	return err;
}

s64 sys_connect(int fd, const void __user *addr, int addrlen)
{
	struct sock_address a;
	struct socket *s;
	struct file *f = sys_file(fd);
	s64 err;

	if (!f)
		return -EBADF;
	err = sys_address_get(addr, addrlen, &a);
	if (!err) {
		s = socket_of(f);
		err = s ? socket_connect(s, sys_fs(), &a, sys_nonblocking(f)) : -ENOTSOCK;
	}
	file_put(f);
	return err;
}

/* The next connection in *made, its peer's address told to the program. */
static s64 accept_one(struct socket *s, const struct file *f, u32 flags, void __user *addr,
		      int __user *addrlen, struct file **made)
{
	struct sock_address a;
	s64 err = socket_accept(s, flags, sys_nonblocking(f), made);

	if (err || !addr)
		return err;
	err = socket_name(socket_of(*made), true, &a) ? -ECONNABORTED : sys_address_put(&a, addr, addrlen);
	if (err)
		file_put(*made);
	return err;
}

s64 sys_accept4(int fd, void __user *addr, void __user *addrlen, int flags)
{
	struct fd_table *files = current_thread()->files;
	struct file *f, *made;
	struct socket *s;
	s64 err, new_fd;

	f = sys_file(fd);
	if (!f)
		return -EBADF;
	s = socket_of(f);
	err = flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK) ? -EINVAL : 0;
	if (!err) {
		new_fd = fd_reserve(files, 0, sys_fd_limit(), flags & SOCK_CLOEXEC);
		err = new_fd;
	}
	if (err >= 0) {
		err = s ? accept_one(s, f, (u32)flags & SOCK_NONBLOCK, addr, addrlen, &made) : -ENOTSOCK;
		if (err)
			fd_unreserve(files, (int)new_fd);
		else
			fd_fill(files, (int)new_fd, made);
		err = err ? err : new_fd;
	}
	file_put(f);
	return err;
}

s64 sys_accept(int fd, void __user *addr, void __user *addrlen)
{
	return sys_accept4(fd, addr, addrlen, 0);
}

static s64 put_name(int fd, bool of_peer, void __user *addr, int __user *addrlen)
{
	struct sock_address a;
	struct socket *s;
	struct file *f;
	s64 err = sys_socket_get(fd, &f, &s);

	if (err)
		return err;
	err = socket_name(s, of_peer, &a);
	if (!err)
		err = sys_address_put(&a, addr, addrlen);
	file_put(f);
	return err;
}

s64 sys_getsockname(int fd, void __user *addr, void __user *addrlen)
{
	return put_name(fd, false, addr, addrlen);
}

s64 sys_getpeername(int fd, void __user *addr, void __user *addrlen)
{
	return put_name(fd, true, addr, addrlen);
}

s64 sys_shutdown(int fd, int how)
{
	struct socket *s;
	struct file *f;
	s64 err = sys_socket_get(fd, &f, &s);

	if (err)
		return err;
	err = socket_shutdown(s, how);
	file_put(f);
	return err;
}

static s64 note_option(const char *call, s64 err)
{
	if (err == -ENOPROTOOPT)
		unsupported_flag(call, "option");
	return err;
}

s64 sys_setsockopt(int fd, int level, int option, const void __user *value, int len)
{
	u8 bytes[SOCKET_OPTION_MAX] = {0};
	struct socket *s;
	struct file *f;
	s64 err = sys_socket_get(fd, &f, &s);

	if (err)
		return err;
	if (len < 0)
		err = -EINVAL;
	else if (level != SOL_SOCKET)
		err = -EOPNOTSUPP;
	else if (len >= (int)sizeof(int) && copy_from_user(bytes, value, MIN((size_t)len, sizeof(bytes))))
		err = -EFAULT;
	else
		err = note_option("setsockopt", socket_set_option(s, option, bytes, (u32)len));
	file_put(f);
	return err;
}

s64 sys_getsockopt(int fd, int level, int option, void __user *value, void __user *len)
{
	u8 bytes[SOCKET_OPTION_MAX] = {0};
	struct socket *s;
	struct file *f;
	s64 err = sys_socket_get(fd, &f, &s);
	int room;

	if (err)
		return err;
	if (level != SOL_SOCKET) {
		err = -EOPNOTSUPP;
	} else if (get_user(room, (int __user *)len)) {
		err = -EFAULT;
	} else if (room < 0) {
		err = -EINVAL;
	} else {
		u32 size = MIN((u32)room, (u32)sizeof(bytes));

		err = note_option("getsockopt", socket_get_option(s, option, bytes, &size));
		room = (int)size;
		if (!err && (copy_to_user(value, bytes, size) || put_user(room, (int __user *)len)))
			err = -EFAULT;
	}
	file_put(f);
	return err;
}
