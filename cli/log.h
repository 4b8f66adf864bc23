/* SPDX-License-Identifier: MIT */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 512

/* What to show of the text on the debug console. */
enum log_show {
	LOG_SHOW_NOTHING,
	LOG_SHOW_TRACE, /* all up to a panic */
	LOG_SHOW_ALL,
};

struct log_filter {
	enum log_show show;
	int to; /* descriptor for what is shown */
	bool panicked;
	size_t length; /* of `line` */
	char line[LOG_LINE_MAX];
	char panic[LOG_LINE_MAX]; /* first line of the panic without its mark */
};

void log_take(struct log_filter *filter, const char *data, size_t bytes);
void log_finish(struct log_filter *filter);

#endif
