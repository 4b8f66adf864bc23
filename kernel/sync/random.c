/* SPDX-License-Identifier: MIT */
/*
 * The kernel's one random number generator, behind a spinlock.
 *
 * A long request draws a key from it and runs a generator of its own outside the lock: no CPU waits with
 * interrupts off for another one's megabyte.
 */
#include <moat/random.h>
#include <moat/spinlock.h>

static struct spinlock random_lock = SPINLOCK_INIT(RANK_RANDOM);
static struct rng generator; /* [random_lock] */

static void draw(void *buf, size_t len)
{
	u64 irq = spin_lock_irqsave(&random_lock);

	rng_bytes(&generator, buf, len);
	spin_unlock_irqrestore(&random_lock, irq);
}

void random_mix(const void *bytes, size_t len)
{
	u64 irq = spin_lock_irqsave(&random_lock);

	rng_mix(&generator, bytes, len);
	spin_unlock_irqrestore(&random_lock, irq);
}

void random_bytes(void *buf, size_t len)
{
	struct rng own;

	if (len <= sizeof(own.key)) {
		draw(buf, len);
		return;
	}
	draw(own.key, sizeof(own.key));
	rng_bytes(&own, buf, len);
	wipe(&own, sizeof(own));
}

u64 random_u64(void)
{
	u64 value;

	draw(&value, sizeof(value));
	return value;
}

/*
 * The high half of a 128-bit product maps 2^64 values onto `bound` of them; those of the low halves that
 * would make some results more likely than others (2^64 mod bound of them) are drawn again.
 */
u64 random_below(u64 bound)
{
	u64 uneven = (0 - bound) % bound;

	for (;;) {
		unsigned __int128 product = (unsigned __int128)random_u64() * bound;
		if ((u64)product >= uneven)
			return (u64)(product >> 64);
	}
}
