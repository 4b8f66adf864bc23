/* SPDX-License-Identifier: MIT */
/* room: dev */
/* The devices of /dev that have no hardware. */
#ifndef MOAT_MEMDEV_H
#define MOAT_MEMDEV_H

#include <moat/file.h>

void memdev_register(void);    /* null, zero, full */
void randomdev_register(void); /* random, urandom */
/* Registers each of them; one that cannot be is logged and left out. */
void chardev_register_all(const struct chardev *devices, unsigned count);

#endif
