/* SPDX-License-Identifier: MIT */
/*
 * IDs and keys of System V objects (sysvipc(7)).
 *
 *     ID = round * 32768 + index        the index is a place in the table, the round tells apart who was there when
 *
 * Places are given out one after the other, so that an ID is not used again soon.
 */
#include <linux/capability.h>
#include <arch/timer.h>
#include <moat/cred.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "sysv.h"

enum {
	INDEX_BITS = 15,
	ROUNDS = 1 << (31 - INDEX_BITS),
	FIRST_CAPACITY = 64,
};
#define CHARGED_SHARE 8u /* of the machine */

struct sysv_table sysv_tables[SYSV_KINDS];
static u64 charged_bytes; /* [a] */

struct sysv_table *sysv_enter(enum sysv_kind kind)
{
	mutex_lock(&sysv_tables[kind].lock);
	return &sysv_tables[kind];
}

void sysv_leave(struct sysv_table *t)
{
	mutex_unlock(&t->lock);
}

s64 sysv_now_sec(void)
{
	return (s64)(clock_realtime_ns() / 1000000000u);
}

bool sysv_charge(u64 bytes)
{
	u64 now = __atomic_add_fetch(&charged_bytes, bytes, __ATOMIC_RELAXED);

	if (now <= frames_total() * (PAGE_SIZE / CHARGED_SHARE))
		return true;
	sysv_uncharge(bytes);
	return false;
}

void sysv_uncharge(u64 bytes)
{
	__atomic_sub_fetch(&charged_bytes, bytes, __ATOMIC_RELAXED);
}

int sysv_check_rights(const struct sysv *o, u32 rights)
{
	const struct cred *me = current_cred();
	u32 wanted = (rights >> 6 | rights >> 3 | rights) & 7, granted = o->mode;

	if (me->euid == o->cuid || me->euid == o->uid)
		granted >>= 6;
	else if (me->egid == o->cgid || me->egid == o->gid)
		granted >>= 3;
	return (wanted & ~granted) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

static struct sysv *at_index(const struct sysv_table *t, u32 index)
{
	return index < t->capacity ? t->slots[index] : NULL;
}

int sysv_find(struct sysv_table *t, int id, u32 rights, struct sysv **out)
{
	struct sysv *o = id < 0 ? NULL : at_index(t, (u32)id & ((1u << INDEX_BITS) - 1));

	if (!o || o->id != id)
		return -EINVAL;
	*out = o;
	return sysv_check_rights(o, rights);
}

int sysv_find_for(struct sysv_table *t, int id, enum sysv_look look, struct sysv **out)
{
	if (look == LOOK_BY_ID)
		return sysv_find(t, id, 0444, out);
	*out = id < 0 ? NULL : at_index(t, (u32)id);
	if (!*out)
		return -EINVAL;
	return look == LOOK_BY_INDEX ? sysv_check_rights(*out, 0444) : 0;
}

int sysv_find_owned(struct sysv_table *t, int id, struct sysv **out)
{
	u32 euid = current_cred()->euid;
	int err = sysv_find(t, id, 0, out);

	if (err)
		return err;
	return euid == (*out)->uid || euid == (*out)->cuid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

struct sysv *sysv_next(struct sysv_table *t, u32 *index)
{
	for (; *index < t->capacity; ++*index) {
		if (t->slots[*index])
			return t->slots[*index];
	}
	return NULL;
}

struct sysv *sysv_find_key(struct sysv_table *t, s32 key)
{
	struct sysv *o;

	for (u32 i = 0; (o = sysv_next(t, &i)); i++) {
		if (o->key == key)
			return o;
	}
	return NULL;
}

int sysv_get(struct sysv_table *t, s32 key, int flags, struct sysv **out)
{
	*out = key == IPC_PRIVATE ? NULL : sysv_find_key(t, key);
	if (!*out)
		return key == IPC_PRIVATE || (flags & IPC_CREAT) ? 1 : -ENOENT;
	return (flags & IPC_CREAT) && (flags & IPC_EXCL) ? -EEXIST : 0;
}

/* Makes room for one more object. */
static int grow(struct sysv_table *t)
{
	u32 capacity = t->capacity ? t->capacity * 2 : FIRST_CAPACITY;
	struct sysv **slots;

	if (t->count < t->capacity)
		return 0;
	slots = kcalloc(capacity, sizeof(struct sysv *));
	if (!slots)
		return -ENOMEM;
	for (u32 i = 0; i < t->capacity; i++)
		slots[i] = t->slots[i];
	kfree(t->slots);
	t->slots = slots;
	t->capacity = capacity;
	return 0;
}

int sysv_add(struct sysv_table *t, struct sysv *o, s32 key, int flags)
{
	const struct cred *me = current_cred();

	if (t->count >= t->max)
		return -ENOSPC;
	if (grow(t))
		return -ENOMEM;
	while (at_index(t, t->next) || t->next >= t->capacity) {
		if (++t->next < t->capacity)
			continue;
		t->next = 0;
		t->round = (t->round + 1) % ROUNDS;
	}
	o->id = (int)(t->round << INDEX_BITS | t->next);
	o->key = key;
	o->mode = (u32)flags & 0777;
	o->uid = o->cuid = me->euid;
	o->gid = o->cgid = me->egid;
	o->changed_sec = sysv_now_sec();
	t->slots[t->next++] = o;
	t->count++;
	return o->id;
}

void sysv_take_out(struct sysv_table *t, struct sysv *o)
{
	u32 index = (u32)o->id & ((1u << INDEX_BITS) - 1);

	if (at_index(t, index) == o) {
		t->slots[index] = NULL;
		t->count--;
	}
	__atomic_store_n(&o->removed, true, __ATOMIC_RELEASE);
}

void sysv_put(struct sysv_table *t, struct sysv *o)
{
	if (o && ref_put(&o->refs))
		t->destroy(o);
}

int sysv_remove(enum sysv_kind kind, int id)
{
	struct sysv_table *t = sysv_enter(kind);
	struct sysv *o;
	int err = sysv_find_owned(t, id, &o);

	bool put = !err && t->gone(o);

	sysv_leave(t);
	if (put)
		sysv_put(t, o);
	return err;
}

void sysv_put_perm(const struct sysv *o, struct ipc64_perm *out)
{
	memset(out, 0, sizeof(*out));
	out->key = o->key;
	out->uid = o->uid;
	out->gid = o->gid;
	out->cuid = o->cuid;
	out->cgid = o->cgid;
	out->mode = o->mode;
	out->seq = (unsigned short)(o->id >> INDEX_BITS);
}

int sysv_set_perm(struct sysv *o, const struct ipc64_perm *perm)
{
	if (perm->uid == UINT32_MAX || perm->gid == UINT32_MAX)
		return -EINVAL;
	o->uid = perm->uid;
	o->gid = perm->gid;
	o->mode = (o->mode & ~0777u) | (perm->mode & 0777u);
	o->changed_sec = sysv_now_sec();
	return 0;
}

int sysv_set(enum sysv_kind kind, int id, const struct ipc64_perm *perm)
{
	struct sysv_table *t = sysv_enter(kind);
	struct sysv *o;
	int err = sysv_find_owned(t, id, &o);

	if (!err)
		err = sysv_set_perm(o, perm);
	sysv_leave(t);
	return err;
}

int sysv_max_index(enum sysv_kind kind)
{
	struct sysv_table *t = sysv_enter(kind);
	int max = -1;

	for (u32 i = 0; sysv_next(t, &i); i++)
		max = (int)i;
	sysv_leave(t);
	return max;
}

u32 sysv_count(enum sysv_kind kind)
{
	return __atomic_load_n(&sysv_tables[kind].count, __ATOMIC_RELAXED);
}

void sysv_init(void)
{
	static const u32 max[SYSV_KINDS] = {SHM_COUNT_MAX, SEM_SETS_MAX, MSG_COUNT_MAX};

	for (int i = 0; i < SYSV_KINDS; i++) {
		mutex_init(&sysv_tables[i].lock, RANK_INODE);
		sysv_tables[i].max = max[i];
	}
	shm_init();
	sem_init();
	msg_init();
	mq_init();
	process_register_exit(sem_exit);
}

void sysv_end(void)
{
	mq_end();
	for (int i = 0; i < SYSV_KINDS; i++) {
		struct sysv_table *t = &sysv_tables[i];
		struct sysv *o;

		for (u32 index = 0; (o = sysv_next(t, &index)); index++) {
			bool put;

			mutex_lock(&t->lock);
			put = t->gone(o);
			mutex_unlock(&t->lock);
			if (put)
				sysv_put(t, o);
		}
		kfree(t->slots);
		t->slots = NULL;
		t->capacity = 0;
	}
	DEBUG_ASSERT(!charged_bytes);
}
