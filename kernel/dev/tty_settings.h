/* SPDX-License-Identifier: MIT */
/* room: dev */
#ifndef DEV_TTY_SETTINGS_H
#define DEV_TTY_SETTINGS_H

#include "tty.h"

/* TCGETS, TCGETS2, TCGETA: 0 or -EFAULT. */
int tty_get_settings(struct tty *t, unsigned cmd, u64 arg);
/* TCSETS and its kin: 0, -EFAULT, and what tty_check_job says. */
int tty_set_settings(struct tty *t, unsigned cmd, u64 arg);
/* TIOCGLCKTRMIOS, TIOCSLCKTRMIOS: what of the settings stays as it is. */
int tty_get_fixed(struct tty *t, u64 arg);
int tty_set_fixed(struct tty *t, u64 arg);

#endif
