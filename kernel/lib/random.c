/* SPDX-License-Identifier: MIT */
/*
 * ChaCha20 and the generator built on it.
 *
 * The state is one 256-bit key. A request runs the cipher under that key from block 0 on: the first 32 bytes
 * of key stream become the next key, the request gets what follows, and the old key is gone.
 *
 *     key stream:  [ next key | output ............................ ]
 *                    32 bytes   len bytes, the rest of the last block is wiped
 *
 * Mixing xors 32 bytes into the key and replaces it by key stream under another nonce. The block function is
 * not invertible (it adds its input at the end), so the key afterwards does not tell the one before.
 */
#include <moat/rng.h>
#include <moat/string.h>

#define BLOCK_BYTES 64
#define KEY_BYTES   32

static const u32 nonce_output[3] = {0, 0, 1};
static const u32 nonce_mix[3] = {0, 0, 2};

static inline u32 rotate_left(u32 x, unsigned n)
{
	return (x << n) | (x >> (32 - n));
}

/* RFC 8439, 2.1, on four words of the state, which are loaded and stored once. */
static __always_inline void quarter_round(u32 x[16], unsigned i, unsigned j, unsigned k, unsigned l)
{
	u32 a = x[i], b = x[j], c = x[k], d = x[l];

	a += b;
	d = rotate_left(d ^ a, 16);
	c += d;
	b = rotate_left(b ^ c, 12);
	a += b;
	d = rotate_left(d ^ a, 8);
	c += d;
	b = rotate_left(b ^ c, 7);
	x[i] = a;
	x[j] = b;
	x[k] = c;
	x[l] = d;
}

/* Columns, then diagonals. */
static void double_round(u32 x[16])
{
	quarter_round(x, 0, 4, 8, 12);
	quarter_round(x, 1, 5, 9, 13);
	quarter_round(x, 2, 6, 10, 14);
	quarter_round(x, 3, 7, 11, 15);
	quarter_round(x, 0, 5, 10, 15);
	quarter_round(x, 1, 6, 11, 12);
	quarter_round(x, 2, 7, 8, 13);
	quarter_round(x, 3, 4, 9, 14);
}

void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64])
{
	u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}; /* "expand 32-byte k" */
	u32 x[16];

	memcpy(&start[4], key, KEY_BYTES);
	start[12] = counter;
	memcpy(&start[13], nonce, 3 * sizeof(u32));
	memcpy(x, start, sizeof(x));
	for (int i = 0; i < 10; i++)
		double_round(x);
	for (int i = 0; i < 16; i++)
		x[i] += start[i];
	memcpy(out, x, BLOCK_BYTES);
	wipe(start, sizeof(start));
	wipe(x, sizeof(x));
}

__noinline void wipe(void *p, size_t len)
{
	volatile u64 *word = p;

	/* Whole words, where they are; volatile, so that the compiler leaves none out. */
	for (; IS_ALIGNED(word, sizeof(*word)) && len >= sizeof(*word); len -= sizeof(*word))
		*word++ = 0;
	for (volatile u8 *byte = (volatile u8 *)word; len > 0; len--)
		*byte++ = 0;
}

/* One step of at most KEY_BYTES. The length goes in through the counter, so that {0} and {0, 0} differ. */
static void mix_chunk(struct rng *r, const u8 *bytes, size_t len)
{
	u8 block[BLOCK_BYTES];
	u8 *key = (u8 *)r->key;

	for (size_t i = 0; i < len; i++)
		key[i] ^= bytes[i];
	chacha20_block(r->key, (u32)len, nonce_mix, block);
	memcpy(r->key, block, KEY_BYTES);
	wipe(block, sizeof(block));
}

void rng_mix(struct rng *r, const void *bytes, size_t len)
{
	const u8 *p = bytes;

	while (len > 0) {
		size_t n = MIN(len, KEY_BYTES);
		mix_chunk(r, p, n);
		p += n;
		len -= n;
	}
}

void rng_bytes(struct rng *r, void *buf, size_t len)
{
	u8 *out = buf;
	u8 block[BLOCK_BYTES];
	u32 old_key[8];
	u32 counter = 0;
	size_t used = KEY_BYTES; /* bytes of `block` that are spoken for */

	memcpy(old_key, r->key, KEY_BYTES);
	chacha20_block(old_key, counter++, nonce_output, block);
	memcpy(r->key, block, KEY_BYTES);
	while (len > 0) {
		if (used == BLOCK_BYTES) {
			chacha20_block(old_key, counter++, nonce_output, block);
			used = 0;
		}
		size_t n = MIN(len, BLOCK_BYTES - used);
		memcpy(out, block + used, n);
		out += n;
		len -= n;
		used += n;
	}
	wipe(block, sizeof(block));
	wipe(old_key, sizeof(old_key));
}
