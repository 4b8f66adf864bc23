/* SPDX-License-Identifier: MIT */
/* room: task */
/*
 * Who a thread is (credentials(7)): its user and groups, and what it may do beyond them (capabilities(7)). Each thread has an
 * identity of its own, as on Linux; the C libraries keep those of a process equal. What others see of a process is its first
 * thread's, of which struct process keeps a copy.
 *
 *     bounding      what exec can give at most
 *     permitted     what may be made effective          effective ⊆ permitted
 *     effective     what counts now
 *     inheritable   what exec may keep, ambient ⊆ it    ambient ⊆ permitted: what exec keeps
 */
#ifndef MOAT_CRED_H
#define MOAT_CRED_H

#include <linux/capability.h>
#include <moat/refcount.h>
#include <moat/types.h>

struct process;

#define CAP_ALL ((1ull << (CAP_LAST_CAP + 1)) - 1)

/* A list of groups never changes: who wants another one makes it. */
struct groups {
	struct refcount refs;
	u32 count;
	u32 gids[]; /* in ascending order */
};

struct cred {
	u32 uid, euid, suid, fsuid; /* fsuid, fsgid: by which files are reached */
	u32 gid, egid, sgid, fsgid;
	u64 permitted, effective, inheritable, bounding, ambient; /* sets of 1 << CAP_… */
	u32 securebits;						  /* SECBIT_… of <linux/securebits.h> */
	struct groups *groups;					  /* a reference, or NULL: none */
};

void cred_init(void); /* boot: the fs room learns whom to ask */
/* All capabilities, no groups: the first process. */
void cred_init_root(struct cred *c);
/* For a child. */
void cred_copy(struct cred *to, const struct cred *from);
void cred_put_groups(struct cred *c);
void groups_put(struct groups *g); /* NULL is allowed */

/* Has the current process the capability now? */
bool capable(unsigned cap);
/* Is gid the current thread's group for files, or one of its supplementary groups? */
bool in_group(u32 gid);

/*
 * The current thread is who `new` says from now on; its groups, which new->groups is not looked at for, stay. Takes the lock of
 * the table of processes.
 */
void cred_change(const struct cred *new);
/* The same for the groups, whose reference is taken over. */
void cred_take_groups(struct groups *g);
/* The current thread has become a program that runs as these, and its process's first thread. */
void cred_exec(u32 euid, u32 egid);

/* The three user IDs, before and after a call of setuid(2)'s kin. */
struct user_ids {
	u32 uid, euid, suid;
};
/* What such a change does to the sets, capabilities(7), "Effect of user ID changes on capabilities". Pure. */
void cred_after_setuid(struct cred *c, const struct user_ids *old, const struct user_ids *new);
void cred_after_setfsuid(struct cred *c, u32 old, u32 new);
/* What exec(2) of a file without capabilities of its own does to the sets; c has the new IDs. Pure. */
void cred_after_exec(struct cred *c);
/* capset(2): 0, or -EPERM with nothing changed. Pure. */
struct cap_sets {
	u64 effective, permitted, inheritable;
};
int __must_check cred_set_caps(struct cred *c, const struct cap_sets *want);
/* prctl(2), PR_SET_SECUREBITS: 0 or -EPERM. Pure. */
int __must_check cred_set_securebits(struct cred *c, u64 bits);

#endif
