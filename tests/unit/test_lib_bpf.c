/* SPDX-License-Identifier: MIT */
/* Classic BPF: what the check refuses, what programs compute, and that whatever it accepts runs to its end. */
#include "unit.h"
#include <errno.h>
#include <string.h>
#include <moat/bpf.h>

#define DATA_BYTES 64
#define RET_K(v)   BPF_STMT(BPF_RET | BPF_K, (v))
#define RET_A	   BPF_STMT(BPF_RET | BPF_A, 0)
#define LD(v)	   BPF_STMT(BPF_LD | BPF_IMM, (v))
#define LDX(v)	   BPF_STMT(BPF_LDX | BPF_IMM, (v))
#define ALU(op, v) BPF_STMT(BPF_ALU | (op) | BPF_K, (v))
#define ALUX(op)   BPF_STMT(BPF_ALU | (op) | BPF_X, 0)

static u16 scratch[BPF_MAXINSNS];

#define CHECK(...)                                                                     \
	({                                                                             \
		const struct sock_filter p_[] = {__VA_ARGS__};                         \
		bpf_check(p_, (u32)(sizeof(p_) / sizeof(p_[0])), DATA_BYTES, scratch); \
	})
#define RUN(...)                                                                                            \
	({                                                                                                  \
		const struct sock_filter p_[] = {__VA_ARGS__};                                              \
		u32 data_[DATA_BYTES / 4];                                                                  \
		for (u32 i_ = 0; i_ < DATA_BYTES / 4; i_++)                                                 \
			data_[i_] = 100 + i_;                                                               \
		assert_int_equal(bpf_check(p_, (u32)(sizeof(p_) / sizeof(p_[0])), DATA_BYTES, scratch), 0); \
		bpf_run(p_, data_, DATA_BYTES);                                                             \
	})

static void test_refused(void **state)
{
	(void)state;
	static struct sock_filter longest[BPF_MAXINSNS + 1];

	for (u32 i = 0; i < ARRAY_SIZE(longest); i++)
		longest[i] = (struct sock_filter)RET_K(1);
	assert_int_equal(bpf_check(longest, 0, DATA_BYTES, scratch), -EINVAL);
	assert_int_equal(bpf_check(longest, BPF_MAXINSNS, DATA_BYTES, scratch), 0);
	assert_int_equal(bpf_check(longest, BPF_MAXINSNS + 1, DATA_BYTES, scratch), -EINVAL);
	assert_int_equal(CHECK(LD(1)), -EINVAL);
	assert_int_equal(CHECK(RET_K(1), LD(1)), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_RET | BPF_X, 0)), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 60), RET_A), 0);
	assert_int_equal(CHECK(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 62), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET_A), -EINVAL);
	assert_int_equal(CHECK(ALU(BPF_MOD, 3), RET_A), -EINVAL);
	assert_int_equal(CHECK(ALU(BPF_DIV, 0), RET_A), -EINVAL);
	assert_int_equal(CHECK(ALU(BPF_LSH, 32), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_ST, 16), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_JMP | BPF_JA, 1), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 1), RET_A), -EINVAL);
}

/*
 *     0: jeq ─┬─> 1: st 1 ──> 2: ja ─┐
 *             └─> 3: st 1            │
 *                 4: ld 1 <──────────┘      both ways have written it
 */
static void test_memory(void **state)
{
	(void)state;
	assert_int_equal(CHECK(BPF_STMT(BPF_LD | BPF_MEM, 0), RET_A), -EINVAL);
	assert_int_equal(CHECK(BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 2), BPF_STMT(BPF_ST, 1),
			       BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_ST, 1),
			       BPF_STMT(BPF_LD | BPF_MEM, 1), RET_A),
			 0);
	assert_int_equal(CHECK(BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 2), BPF_STMT(BPF_ST, 1),
			       BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_ST, 2),
			       BPF_STMT(BPF_LD | BPF_MEM, 1), RET_A),
			 -EINVAL);
}

static void test_results(void **state)
{
	(void)state;
	assert_int_equal(RUN(RET_K(7)), 7);
	assert_int_equal(RUN(RET_A), 0);
	assert_int_equal(RUN(BPF_STMT(BPF_MISC | BPF_TXA, 0), RET_A), 0);
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 60), RET_A), 115);
	assert_int_equal(RUN(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RET_A), 64);
	assert_int_equal(RUN(LD(5), LDX(0), ALUX(BPF_DIV), RET_K(9)), 0);
	assert_int_equal(RUN(LD(1), LDX(33), ALUX(BPF_LSH), RET_A), 2);
	assert_int_equal(RUN(LD(1), BPF_STMT(BPF_ALU | BPF_NEG, 0), RET_A), 0xffffffff);
	assert_int_equal(RUN(LD(0x80000000), BPF_JUMP(BPF_JMP | BPF_JGT, 1, 1, 0), RET_K(1), RET_K(2)), 2);
	assert_int_equal(RUN(BPF_STMT(BPF_JMP | BPF_JA, 1), RET_K(1), RET_K(2)), 2);
}

/* Programs of likely instructions: those that are accepted end (ASan and UBSan look on). */
static void test_random(void **state)
{
	(void)state;
	static const u16 codes[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c,
				    0x14, 0x15, 0x16, 0x1d, 0x20, 0x25, 0x2c, 0x34, 0x35,
				    0x3c, 0x45, 0x60, 0x61, 0x6c, 0x74, 0x84, 0x87};
	u32 data[DATA_BYTES / 4] = {0}, accepted = 0;
	u64 seed = 1;

	for (int round = 0; round < 200000; round++) {
		struct sock_filter p[6];

		for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			p[i] = (struct sock_filter){codes[(seed >> 33) % ARRAY_SIZE(codes)], (u8)(seed >> 60),
						    (u8)(seed >> 56 & 3), (u32)(seed >> 40 & 7)};
		}
		p[5].code = BPF_RET | BPF_A;
		if (bpf_check(p, ARRAY_SIZE(p), DATA_BYTES, scratch) == 0) {
			(void)bpf_run(p, data, DATA_BYTES);
			accepted++;
		}
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
