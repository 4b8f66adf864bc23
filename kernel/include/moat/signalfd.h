/* SPDX-License-Identifier: MIT */
/* room: task */
/* signalfd(2). */
#ifndef MOAT_SIGNALFD_H
#define MOAT_SIGNALFD_H

#include <moat/file.h>

/* A description for the signals in `mask`: -EINVAL (flags other than O_NONBLOCK), -ENOMEM. */
int __must_check signalfd_create(u64 mask, u32 flags, struct file **out);
/* Other signals from now on. -EINVAL: f is none. */
int __must_check signalfd_set(struct file *f, u64 mask);
/* A signal was made pending for somebody. Any context, hand lock held. */
void signalfd_notify(void);

#endif
