/* SPDX-License-Identifier: MIT */
/* Tests that the kernel makes of itself at boot. */
#ifndef BOOT_BOOT_TEST_H
#define BOOT_BOOT_TEST_H

/*
 * The boot regression test, on every boot before anything else runs: a program in ring 3, PID 1, writes a line through
 * INT 0x80 and exits. Ends the machine with its own status when anything about that is wrong.
 */
void boot_test_run(void);

/* Takes apart what boot_test_run left for later; once, when no program runs any more. */
void boot_test_end(void);

#endif
