/* SPDX-License-Identifier: MIT */
/* room: ipc */
/*
 * Sockets as the system calls see them: of the family AF_UNIX (unix(7)), since the machine has no network. Addresses
 * and messages are in kernel memory here, but for the bytes, which a struct uio moves.
 *
 * Where a function says `nonblock`, it returns -EAGAIN instead of waiting; -EINTR means that a signal is due.
 */
#ifndef MOAT_SOCKET_H
#define MOAT_SOCKET_H

#include <linux/un.h>
#include <moat/file.h>
#include <moat/fs.h>

struct socket;

/* socket(2); the uapi headers leave these to the C library. */
#define AF_UNSPEC      0
#define AF_UNIX	       1
#define AF_INET	       2
#define AF_PACKET      17
#define AF_MAX	       46
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_PACKET    10
#define SOCK_TYPES     11
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC   02000000
#define SOCK_NONBLOCK  04000

/* send(2), recv(2) */
#define MSG_OOB		     0x1u
#define MSG_PEEK	     0x2u
#define MSG_CTRUNC	     0x8u
#define MSG_TRUNC	     0x20u
#define MSG_DONTWAIT	     0x40u
#define MSG_EOR		     0x80u
#define MSG_WAITALL	     0x100u
#define MSG_ERRQUEUE	     0x2000u
#define MSG_NOSIGNAL	     0x4000u
#define MSG_WAITFORONE	     0x10000u
#define MSG_CMSG_CLOEXEC     0x40000000u
#define MSG_CMSG_COMPAT	     0x80000000u
#define SOCKET_BACKLOG_MAX   4096   /* net.core.somaxconn */
#define SOCKET_BUFFER_BYTES  212992 /* net.core.wmem_default and the like */
#define SOCKET_CONTROL_MAX   131072 /* net.core.optmem_max */
#define SOCKET_DGRAM_BACKLOG 10	    /* net.unix.max_dgram_qlen */
#define SOCKET_RIGHTS_MAX    253    /* files in one message */

struct sock_address {
	u32 len; /* of the address, family included; 0: none */
	struct sockaddr_un un;
	char end; /* room for a terminator behind the longest name */
};

/* SCM_CREDENTIALS and SO_PEERCRED: struct ucred of unix(7). */
struct sock_cred {
	s32 pid;
	u32 uid, gid;
};

/* Files on their way (SCM_RIGHTS), a reference each. */
struct sock_rights {
	struct sock_rights *next; /* [socket lock] in the list of those to be dropped */
	u32 count;
	struct file *files[SOCKET_RIGHTS_MAX];
};
/* Puts the files and frees r, which may be NULL. Any context that may sleep, no lock held. */
void sock_rights_free(struct sock_rights *r);

/* What sendmsg(2) and recvmsg(2) say besides the socket. */
struct sock_message {
	struct uio *data;
	u32 flags;		      /* MSG_*; O_NONBLOCK of the description counts as MSG_DONTWAIT */
	struct sock_address *address; /* to: len 0 for the peer; from: filled in. NULL: nobody asks */
	struct sock_rights
		*rights;       /* sent: taken over when not NULL, also by an error; received: the caller's */
	struct sock_cred cred; /* sent: has_cred says if the sender gave it; received: if it is there */
	bool has_cred;
	u32 out_flags; /* received: MSG_TRUNC */
	bool sigpipe;  /* sent: the error is one that SIGPIPE goes with */
};

/* A new socket with its description, flags O_NONBLOCK or 0; type SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. -ENFILE, -ENOMEM. */
int __must_check socket_create(int type, u32 flags, struct file **out);
/* Two that are connected (socketpair(2)). */
int __must_check socket_pair(int type, u32 flags, struct file *out[2]);
/* The socket behind a description, alive as long as that is; NULL: it is none. */
struct socket *socket_of(const struct file *f);
int socket_type(const struct socket *s);

/* The calls of section 2 of these names. `c` is where paths start. */
int __must_check socket_bind(struct socket *s, struct fs_context *c, struct sock_address *a);
int __must_check socket_listen(struct socket *s, u32 backlog);
int __must_check socket_connect(struct socket *s, struct fs_context *c, struct sock_address *a,
				bool nonblock);
/* The next connection as a new description with `flags`. */
int __must_check socket_accept(struct socket *s, u32 flags, bool nonblock, struct file **out);
int __must_check socket_shutdown(struct socket *s, int how);
/* getsockname(2), getpeername(2): -ENOTCONN. */
int __must_check socket_name(struct socket *s, bool of_peer, struct sock_address *out);
/* Bytes moved or -errno. */
ssize_t socket_send(struct socket *s, struct sock_message *m);
ssize_t socket_receive(struct socket *s, struct sock_message *m);
/* Whether received messages are to bring credentials (SO_PASSCRED). */
bool socket_wants_cred(const struct socket *s);
/* The pending error as -errno, or 0; it is cleared. Puts one back for the next call. */
int socket_take_error(struct socket *s);
void socket_put_error(struct socket *s, int error);

/* Level SOL_SOCKET. The value, at most *len bytes of it, and its length: -ENOPROTOOPT, -EINVAL, … */
#define SOCKET_OPTION_MAX 128
int __must_check socket_get_option(struct socket *s, int option, void *value, u32 *len);
int __must_check socket_set_option(struct socket *s, int option, const void *value, u32 len);

/* /proc/net and /proc/sys/net. Boot. */
void ipc_init(void);
/* All programs have ended: gives back what is still on its way. */
void ipc_end(void);

#endif
