/* SPDX-License-Identifier: MIT */
/*
 * System V message queues (msgget(2), msgop(2)). A message is copied in before the lock is taken and copied out after
 * it has left the queue: one that a reader cannot take is gone, as on Linux.
 */
#include <linux/capability.h>
#include <linux/limits.h>
#include <moat/cred.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "message.h"
#include "sysv.h"
#include "wait.h"

#define MSG_NOERROR 010000
#define MSG_EXCEPT  020000
#define MSG_COPY    040000

struct msg_queue {
	struct sysv sysv;
	struct message_list messages; /* [table] oldest first */
	u64 count, bytes;	      /* [table] */
	u64 bytes_max;		      /* [table] */
	u32 changes;		      /* [table for change, a for read] */
	s64 sent_sec, received_sec;   /* [table] */
	int sent_by, received_by;     /* [table] PIDs */
	struct waitq changed;
};

static u64 all_messages, all_bytes; /* [table] */

static struct msg_queue *queue_of(struct sysv *o)
{
	return CONTAINER_OF(o, struct msg_queue, sysv);
}

/* Takes m out of the queue. */
static void take_out(struct msg_queue *q, struct message *m)
{
	TAILQ_REMOVE(&q->messages, m, link);
	q->count--;
	q->bytes -= m->len;
	all_messages--;
	all_bytes -= m->len;
}

static void changed(struct msg_queue *q)
{
	__atomic_store_n(&q->changes, q->changes + 1, __ATOMIC_RELEASE);
	waitq_wake_all(&q->changed);
}

static void msg_destroy(struct sysv *o)
{
	sysv_uncharge(sizeof(struct msg_queue));
	kfree(queue_of(o));
}

static bool msg_gone(struct sysv *o)
{
	struct msg_queue *q = queue_of(o);
	struct message *m;

	while ((m = TAILQ_FIRST(&q->messages))) {
		take_out(q, m);
		message_free(m);
	}
	sysv_take_out(&sysv_tables[SYSV_MSG], o);
	changed(q);
	return true;
}

void msg_init(void)
{
	sysv_tables[SYSV_MSG].gone = msg_gone;
	sysv_tables[SYSV_MSG].destroy = msg_destroy;
}

void msg_totals(u64 *messages, u64 *bytes)
{
	struct sysv_table *t = sysv_enter(SYSV_MSG);

	*messages = all_messages;
	*bytes = all_bytes;
	sysv_leave(t);
}

static int create(struct sysv_table *t, s32 key, int flags)
{
	struct msg_queue *q;
	int id;

	if (!sysv_charge(sizeof(*q)))
		return -ENOMEM;
	q = kzalloc(sizeof(*q));
	if (!q) {
		sysv_uncharge(sizeof(*q));
		return -ENOMEM;
	}
	ref_init(&q->sysv.refs, 1);
	TAILQ_INIT(&q->messages);
	waitq_init(&q->changed);
	q->bytes_max = MSG_QUEUE_MAX;
	id = sysv_add(t, &q->sysv, key, flags);
	if (id < 0)
		sysv_put(t, &q->sysv);
	return id;
}

int msg_get(s32 key, int flags)
{
	struct sysv_table *t = sysv_enter(SYSV_MSG);
	struct sysv *o;
	int err = sysv_get(t, key, flags, &o);

	if (err > 0) {
		err = create(t, key, flags);
	} else if (!err) {
		err = sysv_check_rights(o, (u32)flags);
		err = err ? err : o->id;
	}
	sysv_leave(t);
	return err;
}

/* Waits with the lock given up until the queue has changed: 0, -EINTR, -EIDRM. */
static int await_change(struct sysv_table *t, struct msg_queue *q)
{
	u32 seen = q->changes;
	int err;

	ref_get(&q->sysv.refs);
	sysv_leave(t);
	err = IPC_WAIT(&q->changed, __atomic_load_n(&q->changes, __ATOMIC_ACQUIRE) != seen, WAIT_FOREVER);
	(void)sysv_enter(SYSV_MSG);
	if (q->sysv.removed)
		err = -EIDRM;
	if (!err) {
		/* The table has its own reference still. */
		(void)!ref_put(&q->sysv.refs);
		return 0;
	}
	sysv_leave(t);
	sysv_put(t, &q->sysv);
	(void)sysv_enter(SYSV_MSG);
	return err;
}

static bool fits(const struct msg_queue *q, size_t len)
{
	return len + q->bytes <= q->bytes_max && q->count + 1 <= q->bytes_max;
}

/* Puts m into the queue. Lock held. */
static int enqueue(struct sysv_table *t, int id, struct message *m, int flags)
{
	struct msg_queue *q;
	struct sysv *o;
	int err;

	for (;;) {
		err = sysv_find(t, id, 0222, &o);
		if (err)
			return err;
		q = queue_of(o);
		if (fits(q, m->len))
			break;
		err = flags & IPC_NOWAIT ? -EAGAIN : await_change(t, q);
		if (err)
			return err;
	}
	TAILQ_INSERT_TAIL(&q->messages, m, link);
	q->count++;
	q->bytes += m->len;
	all_messages++;
	all_bytes += m->len;
	q->sent_by = current_process()->pid;
	q->sent_sec = sysv_now_sec();
	changed(q);
	return 0;
}

int msg_send(int id, s64 type, struct uio *text, int flags)
{
	struct sysv_table *t;
	struct message *m;
	int err = message_new(type, text, &m);

	if (err)
		return err;
	t = sysv_enter(SYSV_MSG);
	err = enqueue(t, id, m, flags);
	sysv_leave(t);
	if (err)
		message_free(m);
	return err;
}

/* The message that msgrcv(2) asks for; NULL: none. */
static struct message *choose(const struct msg_queue *q, s64 type, int flags)
{
	struct message *m, *best = NULL;
	s64 below = type == INT64_MIN ? INT64_MAX : -type;
	s64 nth = type;

	TAILQ_FOREACH (m, &q->messages, link) {
		if (flags & MSG_COPY) {
			if (nth-- == 0)
				return m;
		} else if (type == 0 || (type > 0 && (m->type == type) == !(flags & MSG_EXCEPT))) {
			return m;
		} else if (type < 0 && m->type <= below && (!best || m->type < best->type)) {
			best = m;
		}
	}
	return best;
}

/* Takes the message from the queue, or (MSG_COPY) a copy of it. Lock held. */
static int dequeue(struct sysv_table *t, int id, s64 type, size_t size, int flags, struct message *copy,
		   struct message **out)
{
	struct msg_queue *q;
	struct sysv *o;
	int err;

	for (;;) {
		err = sysv_find(t, id, 0444, &o);
		if (err)
			return err;
		q = queue_of(o);
		*out = choose(q, type, flags);
		if (*out)
			break;
		err = flags & IPC_NOWAIT ? -ENOMSG : await_change(t, q);
		if (err)
			return err;
	}
	if ((*out)->len > size && !(flags & MSG_NOERROR))
		return -E2BIG;
	if (copy) {
		copy->type = (*out)->type;
		copy->len = MIN((*out)->len, size);
		memcpy(copy->text, (*out)->text, copy->len);
		*out = copy;
		return 0;
	}
	take_out(q, *out);
	q->received_by = current_process()->pid;
	q->received_sec = sysv_now_sec();
	changed(q);
	return 0;
}

ssize_t msg_receive(int id, s64 *type, size_t size, struct uio *text, int flags)
{
	struct message *m, *copy = NULL;
	struct sysv_table *t;
	ssize_t result;

	if (flags & MSG_COPY) {
		if ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT))
			return -EINVAL;
		copy = kmalloc(sizeof(*copy) + MIN(size, (size_t)MSG_BYTES_MAX));
		if (!copy)
			return -ENOMEM;
	}
	t = sysv_enter(SYSV_MSG);
	result = dequeue(t, id, *type, size, flags, copy, &m);
	sysv_leave(t);
	if (!result) {
		size_t n = MIN(m->len, size);

		*type = m->type;
		result = uio_copy_out(text, m->text, n) < n ? -EFAULT : (ssize_t)n;
		if (!copy)
			message_free(m);
	}
	kfree(copy);
	return result;
}

int msg_stat(int id, enum sysv_look look, struct msqid64_ds *out)
{
	struct sysv_table *t = sysv_enter(SYSV_MSG);
	struct sysv *o;
	int result = sysv_find_for(t, id, look, &o);

	if (!result) {
		const struct msg_queue *q = queue_of(o);

		memset(out, 0, sizeof(*out));
		sysv_put_perm(o, &out->msg_perm);
		out->msg_stime = q->sent_sec;
		out->msg_rtime = q->received_sec;
		out->msg_ctime = o->changed_sec;
		out->msg_cbytes = q->bytes;
		out->msg_qnum = q->count;
		out->msg_qbytes = q->bytes_max;
		out->msg_lspid = q->sent_by;
		out->msg_lrpid = q->received_by;
		result = look == LOOK_BY_ID ? 0 : o->id;
	}
	sysv_leave(t);
	return result;
}

int msg_set(int id, const struct ipc64_perm *perm, u64 bytes_max)
{
	struct sysv_table *t = sysv_enter(SYSV_MSG);
	struct sysv *o;
	int err = sysv_find_owned(t, id, &o);

	if (!err && bytes_max > MSG_QUEUE_MAX && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	if (!err)
		err = sysv_set_perm(o, perm);
	if (!err) {
		queue_of(o)->bytes_max = bytes_max;
		changed(queue_of(o));
	}
	sysv_leave(t);
	return err;
}
