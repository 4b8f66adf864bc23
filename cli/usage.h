/* SPDX-License-Identifier: MIT */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

extern const char usage_moat[];
extern const char usage_run[];
extern const char usage_shell[];

#endif
