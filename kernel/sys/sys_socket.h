/* SPDX-License-Identifier: MIT */
/* room: sys */
/* What the system calls about sockets share. */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include <asm/socket.h>
#include <moat/socket.h>
#include "sys_fs.h"

/* The socket behind fd, and its description with a reference: 0, -EBADF, -ENOTSOCK. */
int __must_check sys_socket_get(int fd, struct file **f, struct socket **s);
/* An address argument: 0, -EINVAL (length), -EFAULT. */
int __must_check sys_address_get(const void __user *from, int len, struct sock_address *out);
/* Writes as much of an address as fits, and its whole length: 0, -EINVAL, -EFAULT. */
int __must_check sys_address_put(const struct sock_address *a, void __user *to, int __user *len);
static inline bool sys_nonblocking(const struct file *f)
{
	return f->flags & O_NONBLOCK;
}

/* Ancillary data (cmsg(3)) in user memory. */
struct control {
	u64 base, left; /* where the next one goes, and room for it */
	u32 flags;	/* MSG_CTRUNC: something did not fit */
};
/* Reads what is sent along with a message into *m: -EINVAL, -EBADF, -EPERM, -ESRCH, -EFAULT, -ENOBUFS, -ENOMEM. */
int __must_check control_get(u64 base, u64 len, struct sock_message *m);
/* Writes what came along; frees m->rights. `flags` of the call, `wanted`: the socket asks for credentials. */
int __must_check control_put(struct control *c, struct sock_message *m);

#endif
