/* SPDX-License-Identifier: MIT */
/* room: task */
/* Between filters (seccomp.c) and those that listen to them (seccomp_notify.c). */
#ifndef TASK_SECCOMP_NOTIFY_H
#define TASK_SECCOMP_NOTIFY_H

#include <moat/file.h>
#include <moat/seccomp.h>

/* A listener with a reference for the filter that it is made for, and its file, which has another: 0 or -ENOMEM. */
int __must_check seccomp_listener_create(bool wait_killable, struct seccomp_listener **out,
					 struct file **file);
/* The filter has gone; gives back its reference. NULL is allowed. */
void seccomp_listener_unused(struct seccomp_listener *l);

#endif
