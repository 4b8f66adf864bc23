/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a program of classic BPF. What the check accepts runs to its end and stays inside its data. */
#include <stdlib.h>
#include <string.h>
#include <moat/bpf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static u16 scratch[BPF_MAXINSNS];
	u32 len = (u32)(size / sizeof(struct sock_filter));
	struct sock_filter *prog = malloc(size);
	u32 *words = malloc(WORDS * sizeof(*words));

	memcpy(prog, data, size);
	for (u32 i = 0; i < WORDS; i++)
		words[i] = i * 0x01010101u;
	if (size && bpf_check(prog, len, WORDS * sizeof(*words), scratch) == 0)
		(void)bpf_run(prog, words, WORDS * sizeof(*words));
	free(words);
	free(prog);
	return 0;
}
