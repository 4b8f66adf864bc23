/* SPDX-License-Identifier: MIT */
/*
 * Who a process is: user and group IDs with what their changes do to the capabilities, supplementary groups, and what files
 * may be reached with them. Each part runs in a child. A capability that some hosts do not give their root is never
 * shown.
 */
#include "abi.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#endif

#define HIDDEN (~(1ul << CAP_SYS_RESOURCE))
#define BIT(c) (1ul << (c))

struct caps {
	unsigned version;
	int pid;
	unsigned sets[6]; /* effective, permitted, inheritable; low halves, then high ones */
};

static long get(struct caps *c, unsigned version)
{
	memset(c, 0, sizeof(*c));
	c->version = version;
	return syscall(SYS_capget, &c->version, c->sets);
}

static long put(struct caps *c)
{
	return syscall(SYS_capset, &c->version, c->sets);
}

/* Sets all three: effective, permitted, inheritable. */
static long want(unsigned long e, unsigned long p, unsigned long i)
{
	struct caps c = {.version = _LINUX_CAPABILITY_VERSION_3,
			 .sets = {(unsigned)e, (unsigned)p, (unsigned)i, (unsigned)(e >> 32),
				  (unsigned)(p >> 32), (unsigned)(i >> 32)}};

	return put(&c);
}

static unsigned long set_of(const struct caps *c, int which)
{
	return (c->sets[which] | (unsigned long)c->sets[3 + which] << 32) & HIDDEN;
}

static void show(int line)
{
	struct caps c;
	unsigned long bounding = 0, ambient = 0;
	uid_t r, e, s;

	get(&c, _LINUX_CAPABILITY_VERSION_3);
	for (unsigned long i = 0; i <= CAP_LAST_CAP; i++) {
		bounding |= (unsigned long)(prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) << i;
		ambient |= (unsigned long)(prctl(PR_CAP_AMBIENT, 1, i, 0, 0) == 1) << i;
	}
	getresuid(&r, &e, &s);
	printf("%d: uid %u %u %u fs %ld eff %lx prm %lx inh %lx bnd %lx amb %lx secure %x\n", line, r, e, s,
	       syscall(SYS_setfsuid, -1), set_of(&c, 0), set_of(&c, 1), set_of(&c, 2), bounding & HIDDEN,
	       ambient & HIDDEN, prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
}
#define SHOW() show(__LINE__)

static void show_groups(int line)
{
	gid_t list[8], r, e, s;
	int n = (int)syscall(SYS_getgroups, 8, list);

	getresgid(&r, &e, &s);
	printf("%d: gid %u %u %u fs %ld, %d:", line, r, e, s, syscall(SYS_setfsgid, -1), n);
	for (int i = 0; i < n; i++)
		printf(" %u", list[i]);
	printf("\n");
}
#define GROUPS() show_groups(__LINE__)

static void versions(void)
{
	static const unsigned known[] = {0x19980330, 0x20071026, 0x20080522};
	struct caps c;

	for (unsigned i = 0; i < 3; i++) {
		R(get(&c, known[i]));
		printf("eff %lx prm %lx inh %lx\n", set_of(&c, 0), set_of(&c, 1), set_of(&c, 2));
	}
	R(get(&c, 1));
	printf("version %x\n", c.version);
	c.version = 1;
	R(syscall(SYS_capget, &c.version, NULL));
	printf("version %x\n", c.version);
	R(syscall(SYS_capget, &c.version, NULL));
	c.version = 0;
	R(put(&c));
	R(syscall(SYS_capget, NULL, c.sets));
	c.pid = -1;
	R(syscall(SYS_capget, &c.version, c.sets));
	c.pid = 0x3fffffff;
	R(syscall(SYS_capget, &c.version, c.sets));
	R(put(&c));
	c.pid = getppid();
	R(put(&c));
	c.pid = 1;
	R(syscall(SYS_capget, &c.version, c.sets));
	c.pid = getpid();
	R(syscall(SYS_capget, &c.version, c.sets));
	R(put(&c));
	R(syscall(SYS_capset, &c.version, NULL));
}

static void sets(void)
{
	const unsigned long some = BIT(CAP_KILL) | BIT(CAP_CHOWN) | BIT(CAP_SETPCAP) | BIT(CAP_SETUID);

	R(want(some, some, 0));
	SHOW();
	R(want(some | BIT(CAP_FOWNER), some | BIT(CAP_FOWNER), 0));
	R(want(some | BIT(CAP_FOWNER), some, 0));
	R(want(some, some, BIT(CAP_FOWNER)));
	SHOW();
	R(prctl(PR_CAP_AMBIENT, 2, CAP_FOWNER, 0, 0));
	R(want(some, some, some));
	R(prctl(PR_CAP_AMBIENT, 2, CAP_CHOWN, 0, 0));
	R(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0));
	R(prctl(PR_CAP_AMBIENT, 3, CAP_KILL, 0, 0));
	R(prctl(PR_CAP_AMBIENT, 2, 64, 0, 0));
	R(prctl(PR_CAP_AMBIENT, 9, 1, 0, 0));
	R(prctl(PR_CAP_AMBIENT, 1, 1, 1, 0));
	R(prctl(PR_CAP_AMBIENT, 4, 1, 0, 0));
	SHOW();
	R(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0));
	R(prctl(PR_CAPBSET_DROP, 64, 0, 0, 0));
	R(prctl(PR_CAPBSET_READ, 64, 0, 0, 0));
	SHOW();
	R(want(some & ~BIT(CAP_SETPCAP), some, some));
	R(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0));
	R(want(0, 0, BIT(CAP_KILL)));
	SHOW();
	R(want(0, 0, BIT(CAP_FOWNER)));
	R(prctl(PR_CAP_AMBIENT, 4, 0, 0, 0));
	SHOW();
}

static void securebits(void)
{
	R(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0));
	R(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0));
	R(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT_LOCKED, 0, 0, 0));
	R(prctl(PR_SET_SECUREBITS, 1ul << 20 | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0));
	R(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
	R(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	R(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	SHOW();
	R(setresuid(1, 2, 3));
	SHOW();
	R(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
}

static void users(void)
{
	R(setresuid(-1, 5, -1));
	SHOW();
	R(setuid(7));
	R(setresuid(-1, 0, -1));
	SHOW();
	R(syscall(SYS_setfsuid, 9));
	SHOW();
	R(syscall(SYS_setfsuid, 0));
	SHOW();
	R(setreuid(11, 12));
	SHOW();
	R(setreuid(12, 11));
	SHOW();
	R(setreuid(-1, 0));
	R(setreuid(0, -1));
	R(setresuid(0, -1, -1));
	R(setuid(12));
	R(setuid(-1));
	SHOW();
	R(syscall(SYS_setfsuid, 12));
	R(syscall(SYS_setfsuid, 99));
	SHOW();
	R(kill(1, 0));
}

static void groups(void)
{
	gid_t list[6] = {30, 10, 20, 10, 5, 40}, bad[2] = {1, -1u};

	GROUPS();
	R(setgroups(6, list));
	GROUPS();
	R(syscall(SYS_getgroups, 0, NULL));
	R(syscall(SYS_getgroups, 3, list));
	R(syscall(SYS_getgroups, -1, list));
	R(setgroups(2, bad));
	R(syscall(SYS_setgroups, 65537, list));
	R(syscall(SYS_setgroups, 2, NULL));
	R(setregid(3, 4));
	GROUPS();
	R(setresgid(-1, 5, 6));
	GROUPS();
	R(syscall(SYS_setfsgid, 77));
	GROUPS();
	R(setgid(8));
	GROUPS();
	R(want(BIT(CAP_SETUID), BIT(CAP_SETUID), 0));
	R(setgid(9));
	R(setresgid(9, -1, -1));
	R(setgroups(0, NULL));
	GROUPS();
}

/* A file for its group only, and one for nobody. */
static void files(void)
{
	gid_t list[1] = {50};
	int fd = open("mine", O_RDWR | O_CREAT, 0640);

	R(fchown(fd, 0, 50));
	R(fchmod(fd, 0640));
	R(mkdir("dir", 0700));
	R(chmod(".", 0755));
	R(setgroups(1, list));
	R(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	R(setresuid(60, 60, 60));
	SHOW();
	R(open("mine", O_RDONLY) >= 0);
	R(open("mine", O_RDWR));
	R(chmod("mine", 0600));
	R(open("dir", O_RDONLY));
	R(chown("mine", 60, 50));
	R(want(BIT(CAP_DAC_READ_SEARCH), BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_DAC_OVERRIDE),
	       0));
	R(open("dir", O_RDONLY) >= 0);
	R(open("mine", O_RDWR));
	R(access("mine", W_OK));
	R(access("dir", R_OK));
	R(want(BIT(CAP_FOWNER) | BIT(CAP_DAC_OVERRIDE), BIT(CAP_FOWNER) | BIT(CAP_DAC_OVERRIDE), 0));
	R(open("mine", O_RDWR) >= 0);
	R(chmod("mine", 0600));
	R(chown("mine", 60, 50));
	R(chroot("."));
}

static void again(const char *what)
{
	fflush(stdout);
	execl("/proc/self/exe", "cred", what, NULL);
	printf("no exec: %s\n", abi_error(errno));
}

static void exec_root(void)
{
	R(want(BIT(CAP_SETPCAP) | BIT(CAP_KILL), BIT(CAP_SETPCAP) | BIT(CAP_KILL), BIT(CAP_KILL)));
	R(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0));
	R(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	again("show");
}

static void exec_ambient(void)
{
	const unsigned long some = BIT(CAP_KILL) | BIT(CAP_CHOWN);

	R(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	R(setresuid(60, 60, 60));
	R(want(some, some, some));
	R(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0));
	SHOW();
	again("show");
}

static void exec_noroot(void)
{
	R(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
	R(setresuid(-1, 70, -1));
	SHOW();
	R(setresuid(-1, 0, -1));
	again("show");
}

/* In a child, so that the next part has every right again. */
static void part(const char *name, void (*fn)(void))
{
	int status;
	pid_t child;

	printf("-- %s\n", name);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("status %d\n", status);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "show") == 0) {
		SHOW();
		return 0;
	}
	part("versions", versions);
	part("sets", sets);
	part("securebits", securebits);
	part("users", users);
	part("groups", groups);
	abi_scratch();
	part("files", files);
	part("exec as root", exec_root);
	part("exec with ambient", exec_ambient);
	part("exec without root's rights", exec_noroot);
	return 0;
}
