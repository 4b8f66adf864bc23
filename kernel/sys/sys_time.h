/* SPDX-License-Identifier: MIT */
/* room: sys */
/* Times that programs give. */
#ifndef SYS_TIME_H
#define SYS_TIME_H

#include <linux/time_types.h>
#include <moat/types.h>

/*
 * A span or moment in ns: INT64_MAX for what is beyond 292 years, from which for ever does not differ. 0, -EFAULT, -EINVAL
 * (negative, or a second and more of nanoseconds).
 */
int __must_check user_time_get(const struct __kernel_timespec __user *from, u64 *ns);
/* What settimeofday(2) was told of the time zone: minutes west of Greenwich, and a number that nobody uses. */
void time_zone_get(int to[2]);
/* A moment of the clock of real time as one of the monotonic clock: now, if it is past. */
u64 monotonic_of_realtime(u64 realtime_ns);

#endif
