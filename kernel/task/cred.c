/* SPDX-License-Identifier: MIT */
/*
 * Capabilities and groups: the rules of capabilities(7) as functions of values, and the questions that other rooms ask. A
 * process starts with every capability; it keeps them as long as it stays user 0 and drops none.
 *
 * A thread changes its own, and reads it without a lock; it does so under the table's lock, under which others look.
 */
#include <asm/errno.h>
#include <linux/securebits.h>
#include <moat/heap.h>
#include "table.h"

#define BIT_OF(cap) (1ull << (cap))
/* Those that matter for files only and so follow fsuid. */
#define FS_CAPS                                                                                           \
	(BIT_OF(CAP_CHOWN) | BIT_OF(CAP_MKNOD) | BIT_OF(CAP_DAC_OVERRIDE) | BIT_OF(CAP_DAC_READ_SEARCH) | \
	 BIT_OF(CAP_FOWNER) | BIT_OF(CAP_FSETID) | BIT_OF(CAP_LINUX_IMMUTABLE) | BIT_OF(CAP_MAC_OVERRIDE))
/* Newer than some headers: what a program may set for itself without any right. */
#define SECURE_BITS_OF_ANYONE 0xf00u

void cred_init_root(struct cred *c)
{
	*c = (struct cred){.permitted = CAP_ALL, .effective = CAP_ALL, .bounding = CAP_ALL};
}

void cred_copy(struct cred *to, const struct cred *from)
{
	*to = *from;
	if (to->groups)
		ref_get(&to->groups->refs);
}

void groups_put(struct groups *g)
{
	if (g && ref_put(&g->refs))
		kfree(g);
}

void cred_put_groups(struct cred *c)
{
	groups_put(c->groups);
	c->groups = NULL;
}

bool capable(unsigned cap)
{
	return current_cred()->effective & BIT_OF(cap);
}

static bool has_group(const struct groups *g, u32 gid)
{
	u32 low = 0, high = g ? g->count : 0;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (g->gids[middle] == gid)
			return true;
		if (g->gids[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool in_group(u32 gid)
{
	const struct cred *me = current_cred();

	return me->fsgid == gid || has_group(me->groups, gid);
}

/* access(2) asks for the real user: as root it has what is permitted, as another one nothing. */
static bool capable_for_files(unsigned cap, u32 uid)
{
	const struct cred *me = current_cred();

	(void)uid;
	if (!current_thread()->asks_as_real_user || (me->securebits & SECBIT_NO_SETUID_FIXUP))
		return capable(cap);
	return me->uid == 0 && (me->permitted & BIT_OF(cap));
}

static struct fs_ids ids_for_files(void)
{
	return (struct fs_ids){current_cred()->fsuid, current_cred()->fsgid};
}

void cred_init(void)
{
	static const struct fs_cred_ops ops = {
		.ids = ids_for_files, .capable = capable_for_files, .in_group = in_group};

	cred_init_root(&kernel_process.cred);
	fs_register_cred_ops(&ops);
}

/* Where others look while they hold the lock. */
static void set(struct cred *to, const struct cred *new)
{
	struct groups *groups = to->groups;

	*to = *new;
	to->groups = groups;
}

static bool is_leader(const struct thread *t)
{
	return t->process->leader == t;
}

/* Others that could look into the process before may not see what it does as somebody else (prctl(2), PR_SET_DUMPABLE). */
static void hide(struct process *p, const struct cred *old, const struct cred *new)
{
	if (old->euid == new->euid && old->egid == new->egid && old->fsuid == new->fsuid &&
	    old->fsgid == new->fsgid && !(new->permitted & ~old->permitted))
		return;
	p->not_dumpable = true;
	p->parent_death_signal = 0;
}

void cred_change(const struct cred *new)
{
	struct thread *t = current_thread();
	u64 irq = table_lock();

	hide(t->process, &t->cred, new);
	set(&t->cred, new);
	if (is_leader(t))
		set(&t->process->cred, new);
	table_unlock(irq);
}

/* g: the list to take; then the one that was there. */
static void swap_groups(struct cred *c, struct groups **g)
{
	struct groups *old = c->groups;

	c->groups = *g;
	*g = old;
}

void cred_take_groups(struct groups *g)
{
	struct thread *t = current_thread();
	struct groups *shown = g;
	u64 irq;

	if (g)
		ref_get(&g->refs);
	irq = table_lock();
	swap_groups(&t->cred, &g);
	if (is_leader(t))
		swap_groups(&t->process->cred, &shown);
	table_unlock(irq);
	groups_put(g);
	groups_put(shown);
}

void cred_exec(u32 euid, u32 egid)
{
	struct cred c = *current_cred();

	c.euid = c.suid = c.fsuid = euid;
	c.egid = c.sgid = c.fsgid = egid;
	cred_after_exec(&c);
	cred_change(&c);
	if (c.groups)
		ref_get(&c.groups->refs);
	cred_take_groups(c.groups);
}

void cred_after_setuid(struct cred *c, const struct user_ids *old, const struct user_ids *new)
{
	bool was_root = !old->uid || !old->euid || !old->suid,
	     is_root = !new->uid || !new->euid || !new->suid;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->permitted = c->effective = 0;
		c->ambient = 0;
	}
	if (!old->euid && new->euid)
		c->effective = 0;
	if (old->euid && !new->euid)
		c->effective = c->permitted;
}

void cred_after_setfsuid(struct cred *c, u32 old, u32 new)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (!old && new)
		c->effective &= ~FS_CAPS;
	if (old && !new)
		c->effective |= c->permitted & FS_CAPS;
}

void cred_after_exec(struct cred *c)
{
	bool root_is_special = !(c->securebits & SECBIT_NOROOT);

	c->permitted = root_is_special && (!c->uid || !c->euid) ? c->bounding | c->inheritable : 0;
	if (c->euid != c->uid || c->egid != c->gid)
		c->ambient = 0;
	c->permitted |= c->ambient;
	c->effective = root_is_special && !c->euid ? c->permitted : c->ambient;
	c->securebits &= ~(u32)SECBIT_KEEP_CAPS;
}

static bool is_subset(u64 set, u64 of)
{
	return !(set & ~of);
}

int cred_set_caps(struct cred *c, const struct cap_sets *want)
{
	if (!(c->effective & BIT_OF(CAP_SETPCAP)) &&
	    !is_subset(want->inheritable, c->inheritable | c->permitted))
		return -EPERM;
	if (!is_subset(want->inheritable, c->inheritable | c->bounding) ||
	    !is_subset(want->permitted, c->permitted) || !is_subset(want->effective, want->permitted))
		return -EPERM;
	c->effective = want->effective;
	c->permitted = want->permitted;
	c->inheritable = want->inheritable;
	c->ambient &= c->permitted & c->inheritable;
	return 0;
}

int cred_set_securebits(struct cred *c, u64 bits)
{
	const u32 all = SECURE_ALL_BITS | SECURE_ALL_LOCKS | SECURE_BITS_OF_ANYONE;
	const u32 locks = (SECURE_ALL_LOCKS | SECURE_BITS_OF_ANYONE) & 0xaaau;
	u64 changed = c->securebits ^ bits;

	if (((c->securebits & locks) >> 1 & changed) || (c->securebits & locks & ~bits) || (bits & ~(u64)all))
		return -EPERM;
	if (!(c->effective & BIT_OF(CAP_SETPCAP)) && (!changed || (changed & ~(u64)SECURE_BITS_OF_ANYONE)))
		return -EPERM;
	c->securebits = (u32)bits;
	return 0;
}
