/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues against a model of the device, honest and hostile, and the command line's words for
 * devices.
 *
 * The device model reads and writes the ring by the specification's layout alone.
 */
#include "unit.h"
#include <errno.h>
#include "dev/virtio_window.c"
#include "dev/virtqueue.c"

#define OPERATIONS 200000

/* Ring memory and the device's side of it. */
static _Alignas(16) u8 memory[VIRTQUEUE_BYTES];
static struct virtqueue vq;
static u16 device_seen; /* available entries taken by the device */

static u16 *avail_word(unsigned slots, unsigned i)
{
	return (u16 *)(memory + 16 * slots) + i;
}

static u8 *used_base(unsigned slots)
{
	return memory + ((16 * slots + 2 * (3 + slots) + 3) & ~3u);
}

static void set_used(unsigned slots, u16 at, u32 id, u32 len, u16 idx)
{
	u32 *entry = (u32 *)(used_base(slots) + 4 + 8 * (at % slots));

	entry[0] = id;
	entry[1] = len;
	((u16 *)used_base(slots))[1] = idx;
}

static void start(unsigned slots)
{
	memset(memory, 0, sizeof(memory));
	virtqueue_init(&vq, memory, slots);
	device_seen = 0;
}

/* Adds, device uses in random order, driver takes: tokens, lengths and counts always match the model. */
static void test_random_traffic(void **state)
{
	(void)state;
	for (unsigned slots = 1; slots <= VIRTQUEUE_SLOTS; slots *= 2) {
		u64 seed = slots;
		static int tokens[VIRTQUEUE_SLOTS]; /* by descriptor, as the device found them */
		u32 held[VIRTQUEUE_SLOTS], expected_len[VIRTQUEUE_SLOTS];
		void *expected[VIRTQUEUE_SLOTS];
		unsigned held_count = 0, used_head = 0, used_tail = 0, free_slots = slots;
		u16 used_idx = 0;
		u64 next_buffer = 0x1000;

		start(slots);
		for (unsigned op = 0; op < OPERATIONS; op++) {
			u32 len;
			switch (unit_random_below(&seed, 3)) {
			case 0: { /* the driver adds */
				enum virtqueue_direction d =
					unit_random_below(&seed, 2) ? DEVICE_WRITES : DEVICE_READS;
				u16 before = vq.avail_idx;
				int err = virtqueue_add(&vq, paddr(next_buffer), 100, d,
							tokens + next_buffer % slots);
				assert_int_equal(err, free_slots ? 0 : -ENOSPC);
				if (err)
					break;
				free_slots--;
				assert_int_equal(*avail_word(slots, 1), (u16)(before + 1));
				u16 id = *avail_word(slots, 2 + before % slots);
				assert_true(id < slots);
				const struct vring_desc *desc = (const void *)(memory + 16 * id);
				assert_int_equal(desc->addr, next_buffer);
				assert_int_equal(desc->len, 100);
				assert_int_equal(desc->flags, d == DEVICE_WRITES ? VRING_DESC_F_WRITE : 0);
				next_buffer++;
				break;
			}
			case 1: /* the device takes one, and uses any of those it holds */
				if (device_seen != *avail_word(slots, 1))
					held[held_count++] = *avail_word(slots, 2 + device_seen++ % slots);
				if (!held_count)
					break;
				unsigned pick = (unsigned)unit_random_below(&seed, held_count);
				u32 id = held[pick];
				const struct vring_desc *desc = (const void *)(memory + 16 * id);
				u32 claimed = (u32)unit_random_below(&seed, 300);
				u32 capacity = desc->flags & VRING_DESC_F_WRITE ? 100 : 0;
				expected[used_tail % slots] = tokens + desc->addr % slots;
				expected_len[used_tail++ % slots] = MIN(claimed, capacity);
				held[pick] = held[--held_count];
				set_used(slots, used_idx, id, claimed, (u16)(used_idx + 1));
				used_idx++;
				break;
			default: { /* the driver takes */
				void *token = virtqueue_take(&vq, &len);
				assert_int_equal(token != NULL, used_head != used_tail);
				if (!token)
					break;
				assert_ptr_equal(token, expected[used_head % slots]);
				assert_int_equal(len, expected_len[used_head++ % slots]);
				free_slots++;
			}
			}
			assert_int_equal(vq.in_flight, slots - free_slots);
			assert_false(vq.broken);
		}
	}
}

/* Whatever the device writes into the used ring, nothing outside is touched and the queue stops. */
static void test_hostile_device(void **state)
{
	(void)state;
	static const struct {
		u32 id, len;
		u16 idx;
	} lies[] = {
		{16, 0, 1},					/* no such descriptor */
		{UINT32_MAX, 0, 1}, {0x10000, 0, 1}, {1, 0, 1}, /* a descriptor that is not out */
		{0, 0, 2},					/* more used than out */
		{0, 0, UINT16_MAX},				/* an index that went back */
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		u32 len = 77;
		int token;
		start(16);
		assert_int_equal(virtqueue_add(&vq, paddr(0), 10, DEVICE_WRITES, &token), 0);
		assert_int_equal(*avail_word(16, 2), 0); /* descriptor 0 is out */
		set_used(16, 0, lies[i].id, lies[i].len, lies[i].idx);
		assert_null(virtqueue_take(&vq, &len));
		assert_true(vq.broken);
		assert_int_equal(len, 77);
		set_used(16, 0, 0, 5, 1); /* too late */
		assert_null(virtqueue_take(&vq, &len));
	}
}

/* The same descriptor twice is refused the second time; a length past the buffer is cut. */
static void test_replay(void **state)
{
	(void)state;
	int tokens[2];
	u32 len;

	start(16);
	assert_int_equal(virtqueue_add(&vq, paddr(0), 10, DEVICE_WRITES, &tokens[0]), 0);
	assert_int_equal(virtqueue_add(&vq, paddr(64), 10, DEVICE_WRITES, &tokens[1]), 0);
	set_used(16, 0, 0, UINT32_MAX, 1);
	assert_ptr_equal(virtqueue_take(&vq, &len), &tokens[0]);
	assert_int_equal(len, 10);
	set_used(16, 1, 0, 10, 2);
	assert_null(virtqueue_take(&vq, &len));
	assert_true(vq.broken);
}

static void test_event_suppression(void **state)
{
	(void)state;
	start(16);
	virtqueue_suppress_interrupts(&vq);
	assert_int_equal(*avail_word(16, 0), VRING_AVAIL_F_NO_INTERRUPT);
	virtqueue_allow_interrupts(&vq);
	assert_int_equal(*avail_word(16, 0), 0);
	assert_true(virtqueue_wants_notify(&vq));
	((u16 *)used_base(16))[0] = VRING_USED_F_NO_NOTIFY;
	assert_false(virtqueue_wants_notify(&vq));
}

static void test_window(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int err;
		u64 start, size;
		u32 gsi;
	} cases[] = {
		{"512@0xfeb00e00:12", 0, 0xfeb00e00, 512, 12},
		{"4K@0xd0000000:5", 0, 0xd0000000, 4096, 5},
		{"0x200@0xfeb02e00:47", 0, 0xfeb02e00, 512, 47},
		{"1m@4096:0", 0, 4096, 1 << 20, 0},
		{"0@0x1000:5", -EINVAL, 0, 0, 0},
		{"@0x1000:5", -EINVAL, 0, 0, 0},
		{"K@0x1000:5", -EINVAL, 0, 0, 0},
		{"512@:5", -EINVAL, 0, 0, 0},
		{"512@0x1000:", -EINVAL, 0, 0, 0},
		{"512@0x1000", -EINVAL, 0, 0, 0},
		{"512", -EINVAL, 0, 0, 0},
		{"", -EINVAL, 0, 0, 0},
		{"512@0x1000:5:6", -EINVAL, 0, 0, 0},
		{"512@0x1000:4294967296", -ERANGE, 0, 0, 0},
		{"0xffffffffffffffff@0x1000:5", -ERANGE, 0, 0, 0},
		{"0x4000000000000000K@0x1000:5", -ERANGE, 0, 0, 0},
		{"5120000000000000000000000000000000@0x1000:5", -EINVAL, 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct virtio_window w;
		assert_int_equal(virtio_window_parse(cases[i].text, &w), cases[i].err);
		if (cases[i].err)
			continue;
		assert_int_equal(w.regs.start, cases[i].start);
		assert_int_equal(range_len(w.regs), cases[i].size);
		assert_int_equal(w.gsi, cases[i].gsi);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_traffic), cmocka_unit_test(test_hostile_device),
		cmocka_unit_test(test_replay),	       cmocka_unit_test(test_event_suppression),
		cmocka_unit_test(test_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
