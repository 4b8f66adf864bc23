/* SPDX-License-Identifier: MIT */
/* Tests that only a booted kernel can make, chosen by `selftest=NAME` on the command line; debug kernels only. */
#ifndef BOOT_SELFTEST_H
#define BOOT_SELFTEST_H

/* Runs the named test and ends the machine; returns when none is asked for. */
void selftest_run(const char *cmdline);

#endif
