/* SPDX-License-Identifier: MIT */
/*
 * Options of sockets (socket(7)), level SOL_SOCKET, as AF_UNIX answers on Linux: many are kept and mean nothing to a
 * socket that never leaves the machine.
 */
#include <linux/capability.h>
#include <linux/time_types.h>
#include <moat/cred.h>
#include <moat/string.h>
#include "socket.h"

#define BUFFER_SEND_LEAST    4608u
#define BUFFER_RECEIVE_LEAST 2304u
#define NS_PER_SEC	     1000000000ull
#define NS_PER_US	     1000u
#define PRIORITY_ALL	     6 /* what everybody may set */

struct linger {
	s32 on, seconds;
};

/* The flags that are kept. */
static bool *flag_of(struct socket *s, int option)
{
	struct sock_options *o = &s->options;

	switch (option) {
	case SO_DEBUG:
		return &o->debug;
	case SO_REUSEADDR:
		return &o->reuse_address;
	case SO_DONTROUTE:
		return &o->dont_route;
	case SO_BROADCAST:
		return &o->broadcast;
	case SO_KEEPALIVE:
		return &o->keep_alive;
	case SO_OOBINLINE:
		return &o->oob_inline;
	case SO_NO_CHECK:
		return &o->no_check;
	case SO_PASSCRED:
		return &o->pass_cred;
	default:
		return NULL;
	}
}

/* The options whose value is a number. -ENOPROTOOPT. */
static int get_number(struct socket *s, int option, s32 *out)
{
	const bool *flag = flag_of(s, option);

	if (flag) {
		*out = *flag;
		return 0;
	}
	switch (option) {
	case SO_TYPE:
		*out = s->type;
		return 0;
	case SO_DOMAIN:
		*out = AF_UNIX;
		return 0;
	case SO_PROTOCOL:
	case SO_REUSEPORT:
	case SO_BSDCOMPAT:
		*out = 0;
		return 0;
	case SO_ERROR:
		*out = -socket_take_error(s);
		return 0;
	case SO_SNDBUF:
		*out = (s32)s->send_bytes;
		return 0;
	case SO_RCVBUF:
		*out = (s32)s->receive_bytes;
		return 0;
	case SO_PRIORITY:
		*out = s->options.priority;
		return 0;
	case SO_RCVLOWAT:
		*out = s->options.receive_low;
		return 0;
	case SO_SNDLOWAT:
		*out = 1;
		return 0;
	case SO_ACCEPTCONN:
		*out = s->state == SOCKET_LISTENING;
		return 0;
	case SO_PEEK_OFF:
		*out = s->options.peek_offset;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* struct timeval and its 64-bit successor are the same here. */
static struct __kernel_sock_timeval time_of(u64 ns)
{
	return (struct __kernel_sock_timeval){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / NS_PER_US)};
}

static int put(void *value, u32 *len, const void *from, size_t size)
{
	*len = MIN(*len, (u32)size);
	memcpy(value, from, *len);
	return 0;
}

static int get_peer_name(struct socket *s, void *value, u32 *len)
{
	struct sock_address a;
	int err = socket_name(s, true, &a);

	if (err)
		return err;
	if (a.len < *len)
		return -EINVAL;
	return put(value, len, &a.un, *len);
}

static int get_struct(struct socket *s, int option, void *value, u32 *len)
{
	struct __kernel_sock_timeval time;
	struct linger linger;
	struct sock_cred cred;

	switch (option) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		time = time_of(s->options.receive_ns);
		return put(value, len, &time, sizeof(time));
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		time = time_of(s->options.send_ns);
		return put(value, len, &time, sizeof(time));
	case SO_LINGER:
		linger = (struct linger){s->options.linger, (s32)s->options.linger_sec};
		return put(value, len, &linger, sizeof(linger));
	case SO_PEERCRED:
		sockets_enter();
		cred = s->peer_cred;
		sockets_leave();
		return put(value, len, &cred, sizeof(cred));
	case SO_PEERNAME:
		return get_peer_name(s, value, len);
	default:
		return -ENOPROTOOPT;
	}
}

int socket_get_option(struct socket *s, int option, void *value, u32 *len)
{
	s32 number;

	if (get_number(s, option, &number))
		return get_struct(s, option, value, len);
	return put(value, len, &number, sizeof(number));
}

/* What programs ask for is doubled, as room for the kernel's own bookkeeping. */
static u32 buffer_bytes(s32 asked, u32 least, bool force)
{
	u32 n = force ? (u32)MAX(asked, 0) : MIN((u32)asked, (u32)SOCKET_BUFFER_BYTES);

	return MAX(MIN(n, (u32)INT32_MAX / 2) * 2, least);
}

static int set_buffer(struct socket *s, int option, s32 value)
{
	bool force = option == SO_SNDBUFFORCE || option == SO_RCVBUFFORCE;

	if (force && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (option == SO_RCVBUF || option == SO_RCVBUFFORCE) {
		__atomic_store_n(&s->receive_bytes, buffer_bytes(value, BUFFER_RECEIVE_LEAST, force),
				 __ATOMIC_RELAXED);
		return 0;
	}
	__atomic_store_n(&s->send_bytes, buffer_bytes(value, BUFFER_SEND_LEAST, force), __ATOMIC_RELAXED);
	socket_changed(s);
	return 0;
}

static int set_number(struct socket *s, int option, s32 value)
{
	bool *flag = flag_of(s, option), privileged = capable(CAP_NET_ADMIN);

	if (option == SO_DEBUG && value && !privileged)
		return -EACCES;
	if (flag) {
		__atomic_store_n(flag, value != 0, __ATOMIC_RELAXED);
		return 0;
	}
	switch (option) {
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		return set_buffer(s, option, value);
	case SO_PRIORITY:
		if ((value < 0 || value > PRIORITY_ALL) && !privileged)
			return -EPERM;
		s->options.priority = value;
		return 0;
	case SO_RCVLOWAT:
		s->options.receive_low = value < 0 ? INT32_MAX : MAX(value, 1);
		return 0;
	case SO_PEEK_OFF:
		mutex_lock(&s->read_lock);
		s->options.peek_offset = value;
		mutex_unlock(&s->read_lock);
		return 0;
	case SO_REUSEPORT:
		return value ? -EOPNOTSUPP : 0;
	case SO_BSDCOMPAT:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_time(u64 *to, const void *value, u32 len)
{
	struct __kernel_sock_timeval time;
	u64 ns;

	if (len < sizeof(time))
		return -EINVAL;
	memcpy(&time, value, sizeof(time));
	if (time.tv_usec < 0 || time.tv_usec >= (s64)(NS_PER_SEC / NS_PER_US))
		return -EDOM;
	if (time.tv_sec < 0) {
		*to = 1; /* Linux: no wait at all */
		return 0;
	}
	if (__builtin_mul_overflow((u64)time.tv_sec, NS_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (u64)time.tv_usec * NS_PER_US, &ns))
		ns = 0;
	*to = ns;
	return 0;
}

static int set_linger(struct socket *s, const void *value, u32 len)
{
	struct linger linger;

	if (len < sizeof(linger))
		return -EINVAL;
	memcpy(&linger, value, sizeof(linger));
	s->options.linger = linger.on != 0;
	if (linger.on)
		s->options.linger_sec = (u32)linger.seconds;
	return 0;
}

int socket_set_option(struct socket *s, int option, const void *value, u32 len)
{
	s32 number;

	if (len < sizeof(number))
		return -EINVAL;
	switch (option) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return set_time(&s->options.receive_ns, value, len);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return set_time(&s->options.send_ns, value, len);
	case SO_LINGER:
		return set_linger(s, value, len);
	default:
		memcpy(&number, value, sizeof(number));
		return set_number(s, option, number);
	}
}
