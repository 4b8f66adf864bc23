/* SPDX-License-Identifier: MIT */
/* ChaCha20 against RFC 8439, and the generator's promises: it depends on all that went in, and forgets. */
#include "unit.h"
#include <moat/random.h>

/* RFC 8439, 2.3.2. */
static void test_rfc8439_block(void **state)
{
	(void)state;
	static const u8 want[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	static const u32 nonce[3] = {0x09000000, 0x4a000000, 0x00000000};
	u32 key[8];
	u8 out[64];

	for (u32 i = 0; i < 8; i++)
		key[i] = 0x03020100u + 0x04040404u * i;
	chacha20_block(key, 1, nonce, out);
	assert_memory_equal(out, want, 64);
}

/* RFC 8439, A.1, vector 1: all zero. */
static void test_rfc8439_zero(void **state)
{
	(void)state;
	static const u8 want[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
				    0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
	static const u32 zero[8];
	u8 out[64];

	chacha20_block(zero, 0, zero, out);
	assert_memory_equal(out, want, 16);
}

static void test_same_seed_same_output(void **state)
{
	(void)state;
	struct rng a = {0}, b = {0};
	u8 x[200], y[200];

	rng_mix(&a, "seed", 4);
	rng_mix(&b, "seed", 4);
	rng_bytes(&a, x, sizeof(x));
	rng_bytes(&b, y, sizeof(y));
	assert_memory_equal(x, y, sizeof(x));
	rng_bytes(&a, x, sizeof(x));
	assert_memory_not_equal(x, y, sizeof(x));
}

static void test_every_byte_counts(void **state)
{
	(void)state;
	u8 seed[70] = {0};
	u8 want[32], have[32];
	struct rng plain = {0};

	rng_mix(&plain, seed, sizeof(seed));
	rng_bytes(&plain, want, sizeof(want));
	for (size_t i = 0; i < sizeof(seed); i++) {
		struct rng r = {0};
		seed[i] = 1;
		rng_mix(&r, seed, sizeof(seed));
		seed[i] = 0;
		rng_bytes(&r, have, sizeof(have));
		assert_memory_not_equal(have, want, sizeof(want));
	}
	struct rng shorter = {0};
	rng_mix(&shorter, seed, sizeof(seed) - 1);
	rng_bytes(&shorter, have, sizeof(have));
	assert_memory_not_equal(have, want, sizeof(want));
}

/* The state after a request is not in what was given out, and nothing behind the buffer is written. */
static void test_lengths_and_erasure(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 300; len++) {
		struct rng r = {0};
		u8 *buf = malloc(len + 1);
		memset(buf, 0, len);
		buf[len] = 0x5a;
		rng_bytes(&r, buf, len);
		assert_int_equal(buf[len], 0x5a);
		for (size_t i = 0; i + sizeof(r.key) <= len; i++)
			assert_memory_not_equal(buf + i, r.key, sizeof(r.key));
		free(buf);
	}
}

/* A long output has as many ones as zeros, to within six standard deviations. */
static void test_balance(void **state)
{
	(void)state;
	static u8 buf[1 << 20];
	struct rng r = {0};
	long ones = 0, half = sizeof(buf) * 4;

	rng_bytes(&r, buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		ones += __builtin_popcount(buf[i]);
	assert_in_range(ones, half - 8700, half + 8700);
}

/* The kernel's generator: short and long requests differ from each other and leave what is beside them alone.
 */
static void test_random_bytes(void **state)
{
	(void)state;
	u8 a[100], b[100];

	for (size_t len = 8; len < sizeof(a); len++) {
		memset(a, 0x77, sizeof(a));
		memset(b, 0x77, sizeof(b));
		random_bytes(a, len);
		random_bytes(b, len);
		assert_memory_not_equal(a, b, len);
		for (size_t i = len; i < sizeof(a); i++)
			assert_int_equal(a[i], 0x77);
	}
	random_mix("x", 1);
	assert_true(random_u64() != random_u64());
}

/* Every value below a small bound comes about equally often; a bound just above 2^63 has the most to draw
 * again. */
static void test_random_below(void **state)
{
	(void)state;
	int count[6] = {0};

	for (int i = 0; i < 6000; i++)
		count[random_below(6)]++;
	for (int i = 0; i < 6; i++)
		assert_in_range(count[i], 820, 1180);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(random_below(1), 0);
		assert_true(random_below(((u64)1 << 63) + 1) <= (u64)1 << 63);
	}
}

static void test_wipe(void **state)
{
	(void)state;
	u8 buf[5] = {1, 2, 3, 4, 5};

	wipe(buf + 1, 3);
	assert_memory_equal(buf, ((u8[]){1, 0, 0, 0, 5}), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8439_block),
		cmocka_unit_test(test_rfc8439_zero),
		cmocka_unit_test(test_same_seed_same_output),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_lengths_and_erasure),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_random_below),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests_name("lib_random", tests, NULL, NULL);
}
