/* SPDX-License-Identifier: MIT */
/*
 * Identity and capabilities across execve: set-user-ID and set-group-ID files, no_new_privs, securebits, ambient sets, what a change
 * of identity takes away. The program copies itself, and is executed by users that have and have not the right to.
 */
#include "abi.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define HIDDEN (~(1ul << CAP_SYS_RESOURCE))

static void caps(unsigned long out[3])
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	syscall(SYS_capget, &h, d);
	out[0] = d[0].effective & HIDDEN;
	out[1] = d[0].permitted & HIDDEN;
	out[2] = d[0].inheritable & HIDDEN;
}

static const char *size_of(unsigned long set)
{
	return !set ? "none" : __builtin_popcountl(set) > 5 ? "many" : "few";
}

static void show(const char *title)
{
	uid_t u[3];
	gid_t g[3];
	unsigned long c[3];
	int signo = -1;

	getresuid(&u[0], &u[1], &u[2]);
	getresgid(&g[0], &g[1], &g[2]);
	caps(c);
	prctl(PR_GET_PDEATHSIG, &signo, 0, 0, 0);
	printf("%s: uid %u %u %u gid %u %u %u secure %lu eff %s perm %s inh %s nnp %d bits %x pdeath %d\n",
	       title, u[0], u[1], u[2], g[0], g[1], g[2], getauxval(AT_SECURE), size_of(c[0]), size_of(c[1]),
	       size_of(c[2]), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECUREBITS, 0, 0, 0, 0),
	       signo);
	printf("  auxv %lu %lu %lu %lu\n", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
	       getauxval(AT_EGID));
	fflush(stdout);
}

static void copy_self(const char *to)
{
	static char buffer[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		write(out, buffer, (size_t)n);
	close(in);
	close(out);
}

static void run(const char *name)
{
	char *argv[] = {(char *)name, "show", NULL}, *envp[] = {NULL};

	fflush(stdout);
	execve(name, argv, envp);
	printf("no exec of %s: %s\n", name, abi_error(errno));
}

static const char *file;
static unsigned mode, owner, group;

static void prepare(unsigned m, unsigned u, unsigned g)
{
	mode = m;
	owner = u;
	group = g;
	chown(file, u, g);
	chmod(file, m);
	printf("mode %o owner %u:%u\n", m, u, g);
}

static void as(int line, uid_t uid, gid_t gid, int nnp)
{
	fflush(stdout);
	if (fork() == 0) {
		setresgid(gid, gid, gid);
		setresuid(uid, uid, uid);
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
		if (nnp)
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		printf("%d: as %u:%u%s\n", line, uid, gid, nnp ? ", no_new_privs" : "");
		run(file);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void set_ids(void)
{
	const unsigned modes[] = {0755, 04755, 02755, 06755, 02745, 04711, 04700};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		prepare(modes[i], 2000, 3000);
		as(__LINE__, 1000, 1000, 0);
		as(__LINE__, 1000, 1000, 1);
		as(__LINE__, 0, 0, 0);
	}
	prepare(04755, 0, 0);
	as(__LINE__, 1000, 1000, 0);
	as(__LINE__, 1000, 1000, 1);
	prepare(04755, 1000, 1000);
	as(__LINE__, 1000, 1000, 0);
	as(__LINE__, 0, 0, 0);
}

static void bits(int line, unsigned securebits, uid_t uid, unsigned long ambient, unsigned m)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	prepare(m, 0, 0);
	fflush(stdout);
	if (fork() == 0) {
		printf("%d: bits %x uid %u ambient %lx\n", line, securebits, uid, ambient);
		R(prctl(PR_SET_SECUREBITS, securebits | SECBIT_KEEP_CAPS, 0, 0, 0));
		setresuid(uid, uid, uid);
		syscall(SYS_capget, &h, d);
		d[0].inheritable = (unsigned)ambient;
		d[0].effective = d[0].permitted;
		R(syscall(SYS_capset, &h, d));
		for (int i = 0; i < 32; i++) {
			if (ambient >> i & 1)
				R(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0));
		}
		run(file);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void dumpable(void)
{
	R(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	R(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0));
	R(prctl(PR_SET_DUMPABLE, -1, 0, 0, 0));
	R(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	R(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	fflush(stdout);
	if (fork() == 0) {
		R(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
		R(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
		R(prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0));
		R(setresuid(-1, 1000, -1));
		HOLDS(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1);
		int signo = -1;
		R(prctl(PR_GET_PDEATHSIG, &signo, 0, 0, 0));
		R(signo);
		R(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
		R(setresuid(-1, -1, 1001));
		R(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
		R(setresuid(1002, -1, -1));
		R(setresgid(1002, -1, -1));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	R(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0));
	R(prctl(PR_SET_PDEATHSIG, -1, 0, 0, 0));
	R(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	R(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* Who is not dumpable is closed to its own user. */
static void closed(void)
{
	int ready[2];
	char path[64], c;
	pid_t pid;

	pipe(ready);
	fflush(stdout);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	for (int open_ = 0; open_ < 2; open_++) {
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_DUMPABLE, open_, 0, 0, 0);
			write(ready[1], "x", 1);
			pause();
		}
		read(ready[0], &c, 1);
		snprintf(path, sizeof(path), "/proc/%d/maps", pid);
		HOLDS(open(path, O_RDONLY) >= 0);
		snprintf(path, sizeof(path), "/proc/%d/environ", pid);
		HOLDS(open(path, O_RDONLY) >= 0);
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		HOLDS(open(path, O_RDONLY) >= 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		show(argv[1]);
		return 0;
	}
	if (geteuid() != 0) {
		printf("not root\n");
		return 0;
	}
	abi_scratch();
	chmod(".", 0755);
	file = "program";
	copy_self(file);
	set_ids();
	bits(__LINE__, 0, 0, 0, 0755);
	bits(__LINE__, 0, 1000, 0, 0755);
	bits(__LINE__, 0, 1000, 1, 0755);
	bits(__LINE__, 0, 1000, 1, 04755);
	bits(__LINE__, SECBIT_NOROOT, 0, 0, 0755);
	bits(__LINE__, SECBIT_NOROOT, 1000, 0, 04755);
	bits(__LINE__, SECBIT_NOROOT, 0, 1, 0755);
	bits(__LINE__, SECBIT_NO_SETUID_FIXUP, 1000, 0, 0755);
	bits(__LINE__, SECBIT_NO_SETUID_FIXUP | SECBIT_NOROOT, 1000, 3, 0755);
	fflush(stdout);
	if (fork() == 0) {
		dumpable();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	fflush(stdout);
	if (fork() == 0) {
		closed();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
