/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Files that tell of something: eventfd(2) and timerfd_create(2). Arguments were copied from user memory. */
#ifndef MOAT_EVENT_H
#define MOAT_EVENT_H

#include <moat/file.h>

/* eventfd2(2) without EFD_CLOEXEC: -EINVAL, -ENOMEM. */
int __must_check eventfd_create(u32 count, u32 flags, struct file **out);

/* Times in ns; value 0: not armed. */
struct timerfd_setting {
	u64 value_ns, interval_ns;
};
/* timerfd_create(2) without TFD_CLOEXEC: -EINVAL, -EPERM (privileged is CAP_WAKE_ALARM), -ENOMEM. */
int __must_check timerfd_create(int clock, u32 flags, bool privileged, struct file **out);
bool file_is_timerfd(const struct file *f);
/* timerfd_settime(2), flags TFD_TIMER_*; *old is what timerfd_gettime(2) would have said. 0, -EPERM, -ECANCELED. */
int __must_check timerfd_set(struct file *f, u32 flags, struct timerfd_setting setting, bool privileged,
			     struct timerfd_setting *old);
void timerfd_get(struct file *f, struct timerfd_setting *out);
/* The clock of real time was set: timers with TFD_TIMER_CANCEL_ON_SET are told. Process context. */
void timerfd_realtime_was_set(void);

#endif
