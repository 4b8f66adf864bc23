/* SPDX-License-Identifier: MIT */
/* What each signal is called and does when nothing else was asked for (signal(7)). */
#ifndef TASK_SIGNAL_NAMES_H
#define TASK_SIGNAL_NAMES_H

enum signal_default_action {
	SIGNAL_DEFAULT_END,
	SIGNAL_DEFAULT_IGNORE,
	SIGNAL_DEFAULT_STOP,
};

enum signal_default_action signal_default(int signo);

#endif
