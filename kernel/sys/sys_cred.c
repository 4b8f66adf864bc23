/* SPDX-License-Identifier: MIT */
/*
 * System calls about who a process is: user and group IDs, supplementary groups, capabilities. What a change of user does to
 * the capabilities is in task/cred.c. Each call is about the calling thread alone; C libraries make it in all threads.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/syscall.h>
#include "sys_cred.h"
#include "sys_fs.h"

#define ID_SAME	   UINT32_MAX /* "leave it as it is" */
#define GROUPS_MAX 65536u

/* --- user and group IDs --- */

s64 sys_getuid(void)
{
	return current_cred()->uid;
}

s64 sys_geteuid(void)
{
	return current_cred()->euid;
}

s64 sys_getgid(void)
{
	return current_cred()->gid;
}

s64 sys_getegid(void)
{
	return current_cred()->egid;
}

static s64 put_three(const u32 v[3], void __user *const to[3])
{
	for (int i = 0; i < 3; i++) {
		if (copy_to_user(to[i], &v[i], sizeof(v[i])))
			return -EFAULT;
	}
	return 0;
}

s64 sys_getresuid(void __user *ruid, void __user *euid, void __user *suid)
{
	const struct cred *c = current_cred();

	return put_three((u32[]){c->uid, c->euid, c->suid}, (void __user *[]){ruid, euid, suid});
}

s64 sys_getresgid(void __user *rgid, void __user *egid, void __user *sgid)
{
	const struct cred *c = current_cred();

	return put_three((u32[]){c->gid, c->egid, c->sgid}, (void __user *[]){rgid, egid, sgid});
}

static struct user_ids current_users(void)
{
	const struct cred *c = current_cred();

	return (struct user_ids){c->uid, c->euid, c->suid};
}

static struct user_ids current_groups(void)
{
	const struct cred *c = current_cred();

	return (struct user_ids){c->gid, c->egid, c->sgid};
}

static void set_users(const struct user_ids *new)
{
	const struct user_ids old = current_users();
	struct cred c = *current_cred();

	c.uid = new->uid;
	c.euid = c.fsuid = new->euid;
	c.suid = new->suid;
	cred_after_setuid(&c, &old, new);
	cred_change(&c);
}

static void set_groups_ids(const struct user_ids *new)
{
	struct cred c = *current_cred();

	c.gid = new->uid;
	c.egid = c.fsgid = new->euid;
	c.sgid = new->suid;
	cred_change(&c);
}

/* setuid(2), setgid(2): who may sets all three, others may only go to an identity that they have. */
static int decide_one(struct user_ids *ids, u32 id, unsigned cap)
{
	if (id == ID_SAME)
		return -EINVAL;
	if (capable(cap))
		ids->uid = ids->suid = id;
	else if (id != ids->uid && id != ids->suid)
		return -EPERM;
	ids->euid = id;
	return 0;
}

/* setreuid(2), setregid(2). */
static int decide_two(struct user_ids *ids, u32 real, u32 effective, unsigned cap)
{
	const struct user_ids old = *ids;

	if (real != ID_SAME && real != old.uid && real != old.euid && !capable(cap))
		return -EPERM;
	if (effective != ID_SAME && effective != old.uid && effective != old.euid && effective != old.suid &&
	    !capable(cap))
		return -EPERM;
	if (real != ID_SAME)
		ids->uid = real;
	if (effective != ID_SAME)
		ids->euid = effective;
	if (real != ID_SAME || (effective != ID_SAME && effective != old.uid))
		ids->suid = ids->euid;
	return 0;
}

static bool is_one_of(const struct user_ids *ids, u32 id)
{
	return id == ID_SAME || id == ids->uid || id == ids->euid || id == ids->suid;
}

/* setresuid(2), setresgid(2). */
static int decide_three(struct user_ids *ids, const u32 want[3], unsigned cap)
{
	if (!(is_one_of(ids, want[0]) && is_one_of(ids, want[1]) && is_one_of(ids, want[2])) && !capable(cap))
		return -EPERM;
	if (want[0] != ID_SAME)
		ids->uid = want[0];
	if (want[1] != ID_SAME)
		ids->euid = want[1];
	if (want[2] != ID_SAME)
		ids->suid = want[2];
	return 0;
}

s64 sys_setuid(u32 uid)
{
	struct user_ids ids = current_users();
	int err = decide_one(&ids, uid, CAP_SETUID);

	if (!err)
		set_users(&ids);
	return err;
}

s64 sys_setgid(u32 gid)
{
	struct user_ids ids = current_groups();
	int err = decide_one(&ids, gid, CAP_SETGID);

	if (!err)
		set_groups_ids(&ids);
	return err;
}

s64 sys_setreuid(u32 ruid, u32 euid)
{
	struct user_ids ids = current_users();
	int err = decide_two(&ids, ruid, euid, CAP_SETUID);

	if (!err)
		set_users(&ids);
	return err;
}

s64 sys_setregid(u32 rgid, u32 egid)
{
	struct user_ids ids = current_groups();
	int err = decide_two(&ids, rgid, egid, CAP_SETGID);

	if (!err)
		set_groups_ids(&ids);
	return err;
}

s64 sys_setresuid(u32 ruid, u32 euid, u32 suid)
{
	struct user_ids ids = current_users();
	int err = decide_three(&ids, (u32[]){ruid, euid, suid}, CAP_SETUID);

	if (!err)
		set_users(&ids);
	return err;
}

s64 sys_setresgid(u32 rgid, u32 egid, u32 sgid)
{
	struct user_ids ids = current_groups();
	int err = decide_three(&ids, (u32[]){rgid, egid, sgid}, CAP_SETGID);

	if (!err)
		set_groups_ids(&ids);
	return err;
}

/* setfsuid(2), setfsgid(2) know no errors: they say what was, and who asks again sees what is. */
s64 sys_setfsuid(u32 uid)
{
	const struct user_ids ids = current_users();
	struct cred c = *current_cred();
	u32 old = c.fsuid;

	if (uid == ID_SAME || !(is_one_of(&ids, uid) || uid == old || capable(CAP_SETUID)))
		return old;
	c.fsuid = uid;
	cred_after_setfsuid(&c, old, uid);
	cred_change(&c);
	return old;
}

s64 sys_setfsgid(u32 gid)
{
	const struct user_ids ids = current_groups();
	struct cred c = *current_cred();
	u32 old = c.fsgid;

	if (gid == ID_SAME || !(is_one_of(&ids, gid) || gid == old || capable(CAP_SETGID)))
		return old;
	c.fsgid = gid;
	cred_change(&c);
	return old;
}

/* --- supplementary groups --- */

s64 sys_getgroups(int size, void __user *list)
{
	const struct groups *g = current_cred()->groups;
	u32 count = g ? g->count : 0;

	if (size < 0 || (size && count > (u32)size))
		return -EINVAL;
	if (size && count && copy_to_user(list, g->gids, count * sizeof(g->gids[0])))
		return -EFAULT;
	return count;
}

/* In ascending order, as getgroups(2) shows them: heap sort, since the list is the program's. */
static void sift(u32 *v, u32 root, u32 count)
{
	for (u32 child; (child = 2 * root + 1) < count; root = child) {
		u32 other;

		if (child + 1 < count && v[child] < v[child + 1])
			child++;
		if (v[root] >= v[child])
			return;
		other = v[root];
		v[root] = v[child];
		v[child] = other;
	}
}

static void sort(u32 *v, u32 count)
{
	for (u32 i = count / 2; i-- > 0;)
		sift(v, i, count);
	for (u32 end = count; end > 1; end--) {
		u32 largest = v[0];

		v[0] = v[end - 1];
		v[end - 1] = largest;
		sift(v, 0, end - 1);
	}
}

static int make_groups(u32 count, const void __user *list, struct groups **out)
{
	struct groups *g = kmalloc(sizeof(*g) + count * sizeof(g->gids[0]));
	int err = 0;

	if (!g)
		return -ENOMEM;
	ref_init(&g->refs, 1);
	g->count = count;
	if (copy_from_user(g->gids, list, count * sizeof(g->gids[0])))
		err = -EFAULT;
	for (u32 i = 0; i < count && !err; i++)
		if (g->gids[i] == ID_SAME)
			err = -EINVAL;
	if (err) {
		kfree(g);
		return err;
	}
	sort(g->gids, count);
	*out = g;
	return 0;
}

s64 sys_setgroups(size_t size, const void __user *list)
{
	struct groups *g = NULL;
	int err = 0;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((u32)size > GROUPS_MAX)
		return -EINVAL;
	if ((u32)size)
		err = make_groups((u32)size, list, &g);
	if (err)
		return err;
	cred_take_groups(g);
	return 0;
}

/* --- capabilities --- */

/* struct __user_cap_header_struct: the version, then the PID. The address is the program's, and may be anything. */
static const void __user *pid_of_header(const void __user *header)
{
	return (const void __user *)((__force u64)header + offsetof(struct __user_cap_header_struct, pid));
}

/* How many 32-bit words a set has in this version of the structures; 0: unknown, and the program is told the newest. */
static int words_of_version(void __user *header, unsigned *words)
{
	const u32 newest = _LINUX_CAPABILITY_VERSION_3;
	u32 version;

	*words = 0;
	if (copy_from_user(&version, header, sizeof(version)))
		return -EFAULT;
	if (version == _LINUX_CAPABILITY_VERSION_1)
		*words = _LINUX_CAPABILITY_U32S_1;
	else if (version == _LINUX_CAPABILITY_VERSION_2 || version == _LINUX_CAPABILITY_VERSION_3)
		*words = _LINUX_CAPABILITY_U32S_3;
	if (*words)
		return 0;
	return copy_to_user(header, &newest, sizeof(newest)) ? -EFAULT : -EINVAL;
}

/* With the table locked. */
static int get_sets(struct thread *t, void *arg)
{
	struct cap_sets *s = arg;

	*s = (struct cap_sets){t->cred.effective, t->cred.permitted, t->cred.inheritable};
	return 0;
}

/* The same for a process without the thread of its number: PID 1, or one whose leader has ended. */
static int get_process_sets(struct process *p, void *arg)
{
	struct cap_sets *s = arg;

	*s = (struct cap_sets){p->cred.effective, p->cred.permitted, p->cred.inheritable};
	return 0;
}

s64 sys_capget(void __user *hdr, void __user *data)
{
	struct __user_cap_data_struct out[_LINUX_CAPABILITY_U32S_3];
	struct cap_sets s;
	unsigned words;
	int pid, err = words_of_version(hdr, &words);

	if (err || !data)
		return !data && err == -EINVAL ? 0 : err;
	if (copy_from_user(&pid, pid_of_header(hdr), sizeof(pid)))
		return -EFAULT;
	if (pid < 0)
		return -EINVAL;
	err = thread_with(pid, get_sets, &s);
	if (err == -ESRCH)
		err = process_with(pid, get_process_sets, &s);
	if (err)
		return err;
	for (unsigned i = 0; i < words; i++)
		out[i] = (struct __user_cap_data_struct){(u32)(s.effective >> 32 * i),
							 (u32)(s.permitted >> 32 * i),
							 (u32)(s.inheritable >> 32 * i)};
	return copy_to_user(data, out, words * sizeof(out[0])) ? -EFAULT : 0;
}

s64 sys_capset(void __user *hdr, const void __user *data)
{
	struct __user_cap_data_struct in[_LINUX_CAPABILITY_U32S_3] = {0};
	struct cap_sets want;
	unsigned words;
	struct cred c;
	int pid, err = words_of_version(hdr, &words);

	if (err)
		return err;
	if (copy_from_user(&pid, pid_of_header(hdr), sizeof(pid)))
		return -EFAULT;
	if (pid && pid != current_thread()->tid)
		return -EPERM;
	if (copy_from_user(in, data, words * sizeof(in[0])))
		return -EFAULT;
	want.effective = (in[0].effective | (u64)in[1].effective << 32) & CAP_ALL;
	want.permitted = (in[0].permitted | (u64)in[1].permitted << 32) & CAP_ALL;
	want.inheritable = (in[0].inheritable | (u64)in[1].inheritable << 32) & CAP_ALL;
	c = *current_cred();
	err = cred_set_caps(&c, &want);
	if (!err)
		cred_change(&c);
	return err;
}

/* --- prctl(2) --- */

static s64 drop_from_bounding(struct cred *c, u64 cap)
{
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	c->bounding &= ~(1ull << cap);
	return 0;
}

static s64 change_ambient(struct cred *c, u64 what, u64 cap, u64 rest)
{
	u64 bit = cap <= CAP_LAST_CAP ? 1ull << cap : 0;

	if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap || rest)
			return -EINVAL;
		c->ambient = 0;
		return 0;
	}
	if (!bit || rest)
		return -EINVAL;
	switch (what) {
	case PR_CAP_AMBIENT_IS_SET:
		return (c->ambient & bit) != 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->permitted & c->inheritable & bit) || (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		c->ambient |= bit;
		return 0;
	case PR_CAP_AMBIENT_LOWER:
		c->ambient &= ~bit;
		return 0;
	default:
		return -EINVAL;
	}
}

static s64 set_keep_caps(struct cred *c, u64 keep)
{
	if (keep > 1)
		return -EINVAL;
	if (c->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c->securebits = (c->securebits & ~(u32)SECBIT_KEEP_CAPS) | (keep ? SECBIT_KEEP_CAPS : 0);
	return 0;
}

/* *c is a copy, which the caller makes the thread's own. */
static bool change(struct cred *c, int option, const u64 arg[4], s64 *result)
{
	switch (option) {
	case PR_CAPBSET_READ:
		*result = arg[0] > CAP_LAST_CAP ? -EINVAL : (s64)(c->bounding >> arg[0] & 1);
		return true;
	case PR_CAPBSET_DROP:
		*result = drop_from_bounding(c, arg[0]);
		return true;
	case PR_CAP_AMBIENT:
		*result = change_ambient(c, arg[0], arg[1], arg[2] | arg[3]);
		return true;
	case PR_GET_SECUREBITS:
		*result = c->securebits;
		return true;
	case PR_SET_SECUREBITS:
		*result = cred_set_securebits(c, arg[0]);
		return true;
	case PR_GET_KEEPCAPS:
		*result = (c->securebits & SECBIT_KEEP_CAPS) != 0;
		return true;
	case PR_SET_KEEPCAPS:
		*result = set_keep_caps(c, arg[0]);
		return true;
	default:
		return false;
	}
}

bool sys_prctl_cred(int option, const u64 arg[4], s64 *result)
{
	struct cred c = *current_cred();
	bool known = change(&c, option, arg, result);

	if (known && *result >= 0)
		cred_change(&c);
	return known;
}
