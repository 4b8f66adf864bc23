/* SPDX-License-Identifier: MIT */
/* room: fs */
/* epoll(7). Arguments were copied from user memory; flags are EPOLL*. */
#ifndef MOAT_EPOLL_H
#define MOAT_EPOLL_H

#include <moat/file.h>

struct epoll_event;

/* A description with nothing in it, or NULL. */
struct file *__must_check epoll_create(void);
bool file_is_epoll(const struct file *f);
/*
 * epoll_ctl(2): `target` is what `fd` means now; *event is not looked at for EPOLL_CTL_DEL. 0, -EPERM, -EINVAL, -EEXIST,
 * -ENOENT, -ELOOP, -ENOMEM, -ENOSPC.
 */
int __must_check epoll_control(struct file *f, int op, struct file *target, int fd,
			       const struct epoll_event *event);
/*
 * epoll_wait(2) until the monotonic clock shows deadline_ns (KTIMER_NEVER: no limit). How many events were written to
 * `out`, which has room for `max`; -EINTR, -EFAULT.
 */
int __must_check epoll_wait(struct file *f, struct epoll_event __user *out, int max, u64 deadline_ns);

/*
 * Which file f watches as `fd`, the index-th of those that were added by that number: *out is to be compared only, it may be
 * gone. -EINVAL (f is no epoll file), -ENOENT.
 */
int __must_check epoll_watched_file(struct file *f, int fd, u32 index, const struct file **out);

/* The last reference to f goes: nobody watches it any more. Called before its `release`. */
void epoll_forget(struct file *f);

/* The most items that there may be, for /proc/sys/fs/epoll/max_user_watches. */
u64 epoll_items_max(void);

#endif
