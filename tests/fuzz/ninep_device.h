/* SPDX-License-Identifier: MIT */
/*
 * The device under the kernel's 9P driver (dev/virtio_9p.c), which changes what the server answers as the input says, and
 * the machine under both: one thread, whose waiting is the device's turn.
 */
#ifndef NINEP_DEVICE_H
#define NINEP_DEVICE_H

#include "ninep_server.h"

#define ANSWERS_MAX   600 /* of one operation; then its thread is killed */
#define REQUESTS_FREE 200 /* of one operation, however little it has got for them */
#define DIRENT_MIN    25

/* ---- what the input says ---- */

static const u8 *lies;
static size_t lies_len, lies_at;

static u8 next_lie(void)
{
	return lies_len ? lies[lies_at++ % lies_len] : 0;
}

static u64 next_lies(unsigned n)
{
	u64 v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (u64)next_lie() << 8 * i;
	return v;
}

/* ---- the lying device ---- */

enum lie {
	LIE_BYTES, /* up to four bytes of it are others */
	LIE_FIELD, /* eight in a row are */
	LIE_ONES,  /* or all ones */
	LIE_CUT,
	LIE_LONGER, /* with bytes of the input */
	LIE_COUNT,  /* the first number is another */
	LIE_ALL,    /* all behind the header is the input's */
	LIE_TYPE,
	LIE_TAG,
	LIE_SIZE,
	LIE_ERROR,
	LIE_WRITTEN, /* another length in the ring */
	LIE_SILENT,  /* no answer before the thread is killed */
	LIE_RING,    /* an entry that is no request's, or too many of them */
	LIES,
};

static struct ninep_device *device;
static struct virtqueue *queue;
static u8 ring_memory[VIRTQUEUE_BYTES] __attribute__((aligned(64)));
static void (*interrupt)(void *arg);
static u16 avail_seen;
static bool killed;
static bool ring_lied;	 /* from then on it touches no memory any more: it does not know whose that is */
static unsigned answers; /* during this operation */
static u64 got_bytes;	 /* by READ and READDIR */
static u32 asked_fid;	 /* of the last READDIR, and where it was to go on */
static u64 asked_offset;

static void change_bytes(enum lie how)
{
	u32 body = MAX(reply_len, 8u) - 7, n = how == LIE_BYTES ? 1 + next_lie() % 4u : 8;
	u32 at = (u32)next_lies(2) % body;

	for (u32 i = 0; i < n && at < body; i++) {
		reply[7 + at] = how == LIE_ONES ? 0xff : next_lie();
		at = how == LIE_BYTES ? (u32)next_lies(2) % body : at + 1;
	}
}

static void fill_from(u32 at, u32 n)
{
	for (reply_len = at; reply_len < at + n;)
		reply[reply_len++] = next_lie();
}

/* What the message itself says that is not so. */
static void lie(enum lie how)
{
	switch (how) {
	case LIE_BYTES:
	case LIE_FIELD:
	case LIE_ONES:
		change_bytes(how);
		break;
	case LIE_CUT:
		reply_len = (u32)next_lies(2) % (reply_len + 1);
		break;
	case LIE_LONGER:
		fill_from(MIN(reply_len, 5000u), (u32)next_lies(2) % 6000);
		break;
	case LIE_COUNT:
		put_le(reply + 7, (u32)next_lies(4), 4);
		break;
	case LIE_ALL:
		fill_from(7, next_lie());
		break;
	case LIE_TYPE:
		reply[4] = next_lie();
		break;
	case LIE_TAG:
		put_le(reply + 5, (u32)next_lies(2), 2);
		break;
	case LIE_SIZE:
		put_le(reply, (u32)next_lies(4), 4);
		break;
	case LIE_ERROR:
		add_error((u32)next_lies(4));
		put_le(reply, reply_len, 4);
		break;
	default:
		break;
	}
}

/* The request as one piece; *in: the first descriptor that the device may write. */
static u32 gather(const struct vring_desc *table, unsigned count, u8 *out, unsigned *in)
{
	u32 len = 0;

	for (*in = 0; *in < count && !(table[*in].flags & VRING_DESC_F_WRITE); ++*in) {
		u32 n = MIN(table[*in].len, NINEP_OUT_MAX - len);

		memcpy(out + len, direct_map((paddr_t){table[*in].addr}), n);
		len += n;
	}
	return len;
}

/* As much of the reply as there is room for. */
static u32 scatter(const struct vring_desc *table, unsigned count, unsigned in)
{
	u32 done = 0;

	for (; in < count && done < reply_len; in++) {
		u32 n = MIN(table[in].len, reply_len - done);

		memcpy(direct_map((paddr_t){table[in].addr}), reply + done, n);
		done += n;
	}
	return done;
}

static void note_request(const u8 *out)
{
	u32 fid = get_le(out + 7, 4);
	u64 offset = get_le(out + 11, 4) | (u64)get_le(out + 15, 4) << 32;

	if (out[4] == T_READ || out[4] == T_READDIR)
		got_bytes += reply_len;
	if (out[4] != T_READDIR)
		return;
	/* A directory is not asked for the same again. */
	REQUIRE(fid != asked_fid || offset != asked_offset);
	asked_fid = fid;
	asked_offset = offset;
}

static void answer(u16 id, enum lie how)
{
	const struct vring_desc *d = &queue->ring.desc[id];
	const struct vring_desc *table = direct_map((paddr_t){d->addr});
	unsigned count = d->len / (unsigned)sizeof(*table), in;
	struct vring_used *used = queue->ring.used;
	u8 out[NINEP_OUT_MAX] = {0};
	u32 written;

	REQUIRE(gather(table, count, out, &in) >= NINEP_HEADER);
	serve(out);
	put_le(reply + 5, get_le(out + 5, 2), 2);
	if (how < LIES && how != LIE_SIZE && how != LIE_ERROR)
		lie(how);
	put_le(reply, reply_len, 4);
	if (how == LIE_SIZE || how == LIE_ERROR)
		lie(how);
	note_request(out);
	written = scatter(table, count, in);
	used->ring[used->idx % queue->ring.num] = (struct vring_used_elem){
		.id = how == LIE_RING ? (u32)next_lies(4) : id,
		.len = how == LIE_WRITTEN ? (u32)next_lies(4) : written,
	};
	used->idx += how == LIE_RING ? next_lie() : 1;
	ring_lied |= how == LIE_RING;
}

/* Answers the oldest request that the device has. */
static void deliver(enum lie how)
{
	u16 head;

	if (queue->broken)
		return;
	answers++;
	if (ring_lied) {
		queue->ring.used->idx += VIRTQUEUE_SLOTS + 1;
	} else {
		REQUIRE(avail_seen != queue->ring.avail->idx);
		head = queue->ring.avail->ring[avail_seen++ % queue->ring.num];
		answer(head, how);
	}
	interrupt(device);
}

/* ---- the machine below the driver ---- */

int virtio_negotiate(struct virtio_device *dev, u64 needed)
{
	(void)dev;
	(void)needed;
	return 0;
}

int virtio_queue_open(struct virtio_device *dev, u32 index, struct virtqueue *vq)
{
	(void)dev;
	(void)index;
	memset(ring_memory, 0, sizeof(ring_memory));
	virtqueue_init(vq, ring_memory, VIRTQUEUE_SLOTS);
	queue = vq;
	avail_seen = 0;
	ring_lied = false;
	return 0;
}

void virtio_start(struct virtio_device *dev)
{
	(void)dev;
}

void virtio_fail(struct virtio_device *dev)
{
	(void)dev;
}

void virtio_notify(struct virtqueue *vq)
{
	(void)vq;
}

static bool interrupt_acked;

u32 virtio_interrupt_ack(struct virtio_device *dev)
{
	(void)dev;
	interrupt_acked = !interrupt_acked;
	return interrupt_acked;
}

u32 virtio_config_read32(const struct virtio_device *dev, u32 offset)
{
	(void)dev;
	return offset ? 0 : 2 | 'f' << 16 | 'z' << 24;
}

int irq_register(u32 gsi, void (*fn)(void *arg), void *arg)
{
	(void)gsi;
	(void)arg;
	interrupt = fn;
	return 0;
}

static void nothing(void)
{
}

static struct thread *current_thread(void)
{
	return NULL;
}

/* Somebody waits: the device does something, or his process is killed. */
static void block(void)
{
	u8 how = next_lie();

	REQUIRE(answers <= ANSWERS_MAX + REQUESTS_FREE);
	REQUIRE(answers <= REQUESTS_FREE + 4 * (got_bytes / DIRENT_MIN));
	if (!killed && (how == LIE_SILENT || answers >= ANSWERS_MAX))
		killed = true;
	else
		deliver(how < LIES ? how : LIES);
}

static void wake(struct thread *t)
{
	(void)t;
}

static bool kill_due(void)
{
	return killed;
}

static const struct wait_ops sched_ops = {.current = current_thread,
					  .prepare = nothing,
					  .cancel = nothing,
					  .block = block,
					  .wake = wake,
					  .signal_due = kill_due,
					  .kill_due = kill_due,
					  .give_way = nothing};

#endif
