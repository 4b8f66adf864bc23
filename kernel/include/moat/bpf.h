/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * Classic BPF, the language of seccomp(2)'s filters: a machine with two registers and sixteen words of memory that reads
 * an array of words, jumps forward only and returns a number. Pure functions.
 */
#ifndef MOAT_BPF_H
#define MOAT_BPF_H

#include <linux/filter.h>
#include <moat/types.h>

/*
 * Is this a program for data of `data_bytes` bytes that bpf_run can run to its end? 0 or -EINVAL. len: instructions, 1 to
 * BPF_MAXINSNS; scratch: room for as many words, for the check alone.
 */
int __must_check bpf_check(const struct sock_filter *prog, u32 len, u32 data_bytes, u16 *scratch);
/* Runs a program that bpf_check has accepted for so many bytes of data; what it returns. A division by 0 returns 0. */
u32 bpf_run(const struct sock_filter *prog, const u32 *data, u32 data_bytes);

#endif
