/* SPDX-License-Identifier: MIT */
/* mount(2) of what is mounted already: MS_BIND, MS_MOVE, flags of one place, pivot_root(2), and what umount2(2) says to it. */
#include "abi.h"
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static long flags_of(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v) ? -1
				 : (long)(v.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC |
						      ST_NOATIME | ST_NODIRATIME));
}

static int make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644);

	if (fd < 0)
		return -1;
	if (write(fd, "text", 4) != 4)
		abort();
	close(fd);
	return 0;
}

static void show_cwd(int line)
{
	char buf[PATH_MAX], *at;

	if (!getcwd(buf, sizeof(buf))) {
		printf("%d: cwd %s\n", line, abi_error(errno));
		return;
	}
	at = strstr(buf, "/scratch");
	printf("%d: cwd %s\n", line, at ? at : buf);
}

/* Lines of mountinfo about what is below the scratch folder, without what differs between two machines. */
static void show_mounts(int line, const char *below)
{
	char text[4096], root[PATH_MAX], where[PATH_MAX], options[256], type[64], source[64], *s, *end;
	FILE *f = fopen("/proc/self/mountinfo", "r");

	while (f && fgets(text, sizeof(text), f)) {
		if (sscanf(text, "%*u %*u %*s %s %s %s", root, where, options) != 3 ||
		    !(s = strstr(where, below)))
			continue;
		end = strstr(text, " - ");
		if (sscanf(end, " - %63s %63s", type, source) != 2)
			abort();
		printf("%d: %s on %s: %s %s %s%s%s\n", line,
		       strstr(root, "/scratch") ? strstr(root, "/scratch") : root, s, options,
		       strcmp(source, "mine") ? "-" : source, strstr(text, "shared:") ? "shared" : "",
		       strstr(text, "master:") ? " slave" : "",
		       strstr(text, "unbindable") ? " unbindable" : "");
	}
	if (f)
		fclose(f);
}
#define CWD()	 show_cwd(__LINE__)
#define MOUNTS() show_mounts(__LINE__, "/scratch/")

static long same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) || stat(b, &y) ? -1 : x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static char base[PATH_MAX];

static void names(void)
{
	int fd;

	R(mkdir("a", 0755));
	R(mkdir("b", 0755));
	R(mkdir("a/in", 0755));
	R(make("a/f"));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	MOUNTS();
	R(same("a", "b"));
	R(same("a/in", "b/in"));
	R(same("b/in/..", "b"));
	R(same("b/..", "."));
	R(make("b/g"));
	R(access("a/g", F_OK));
	R(rename("b/g", "a/g"));
	R(link("b/g", "a/h"));
	R(link("b/g", "b/h"));
	R(rename("b/h", "b/in/h"));
	R(access("a/in/h", F_OK));
	R(rmdir("b"));
	R(rename("b", "c"));
	R(rmdir("a"));
	R(unlink("b/in/h"));
	R(access("a/in/h", F_OK));
	R(chdir("b/in"));
	CWD();
	R(chdir(".."));
	CWD();
	R(umount2("../b", 0));
	R(chdir(".."));
	R(chdir("a/in"));
	R(umount2("../../b", 0));
	R(chdir("../.."));
	R(access("b/f", F_OK));
	R(mount("a/in", "b", NULL, MS_BIND, NULL));
	R(same("b/..", "."));
	R(rename("a/in", "a/on"));
	MOUNTS();
	R(mkdir("b/x", 0755));
	R(mkdir("b/x/deep", 0755));
	fd = open("b/x/deep", O_RDONLY | O_DIRECTORY);
	R(umount2("b", 0));
	R(fchdir(fd));
	R(same("../../..", ".."));
	CWD();
	R(rename("../../../a/on/x", "../../../x") ? errno : 0);
	R(chdir("../../.."));
	R(close(fd));
	R(umount2("b", MNT_DETACH));
	R(rmdir("b"));
	R(mkdir("b", 0755));
	R(mount("a/on", "b", NULL, MS_BIND, NULL));
	R(chdir("b/x"));
	R(rename("../../a/on/x", "../../x"));
	CWD();
	R(access("deep/../..", F_OK));
	R(chdir(base));
	R(umount2("b", MNT_DETACH));
	R(mount("x", "b", NULL, MS_BIND, NULL));
	R(rmdir("x/deep"));
	R(rmdir("x"));
	R(mkdir("b/y", 0755));
	MOUNTS();
	R(umount2("b", 0));
}

static void files(void)
{
	R(make("one"));
	R(make("two"));
	R(truncate("two", 1));
	R(mount("one", "two", NULL, MS_BIND, NULL));
	R(same("one", "two"));
	abi_show_file("two");
	R(mount("a", "two", NULL, MS_BIND, NULL));
	R(mount("one", "a", NULL, MS_BIND, NULL));
	R(unlink("two"));
	R(mount(NULL, "two", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	R(open("two", O_WRONLY));
	R(open("one", O_RDWR) >= 0);
	R(chmod("two", 0600));
	R(truncate("two", 0));
	R(umount2("two", 0));
	abi_show_file("two");
	R(mount("nothing", "two", NULL, MS_BIND, NULL));
	R(mount("", "two", NULL, MS_BIND, NULL));
	R(mount(NULL, "two", NULL, MS_BIND, NULL));
	R(mount("one", "nothing", NULL, MS_BIND, NULL));
}

static void flags(void)
{
	char *argv[] = {"prog", NULL};
	int fd;

	R(mount("mine", "a", "tmpfs", 0, NULL));
	R(make("a/f"));
	R(make("a/prog"));
	R(chmod("a/prog", 0755));
	R(mknod("a/null", S_IFCHR | 0666, makedev(1, 3)));
	R(mount("a", "b", NULL, MS_BIND | MS_RDONLY, NULL));
	R(flags_of("b"));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NODEV | MS_NOSUID, NULL));
	MOUNTS();
	R(flags_of("a"));
	R(flags_of("b"));
	R(make("b/g"));
	R(mkdir("b/f", 0755));
	R(mkdir("b/d", 0755));
	R(unlink("b/nothing"));
	R(rmdir("b/nothing"));
	R(rename("b/f", "b/g"));
	R(link("b/f", "b/g"));
	R(symlink("b/f", "b/g"));
	R(open("b/f", O_RDWR));
	R(open("b/f", O_RDONLY | O_TRUNC));
	R(open("b/f", O_RDWR | O_CREAT, 0600));
	R(open("b", O_TMPFILE | O_RDWR, 0600));
	R(open("b/null", O_RDONLY));
	R(truncate("b/f", 1));
	R(chmod("b/f", 0600));
	R(chown("b/f", 1, 1));
	R(utimensat(AT_FDCWD, "b/f", NULL, 0));
	R(access("b/f", W_OK));
	R(access("b/null", W_OK));
	R(access("b/prog", X_OK));
	R(access("b/prog", R_OK));
	R(execv("b/prog", argv));
	fd = open("b/f", O_RDONLY);
	R(fchmod(fd, 0600));
	P(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
	R(close(fd));
	R(make("a/g"));
	R(access("a/prog", X_OK));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND, NULL));
	R(flags_of("b"));
	fd = open("b/f", O_RDWR);
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(close(fd));
	fd = open("a/f", O_RDWR);
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(close(fd));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	R(flags_of("b"));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL));
	R(flags_of("b"));
	R(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	R(make("a/h"));
	R(make("b/h"));
	R(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(make("b/i"));
	MOUNTS();
	R(mount(NULL, "a", NULL, MS_REMOUNT, NULL));
	R(make("a/i"));
	R(make("b/i"));
	R(mount(NULL, "b/prog", NULL, MS_REMOUNT | MS_BIND, NULL));
	R(umount2("a", 0));
	R(access("b/f", F_OK));
	R(mount("b", "a", NULL, MS_BIND, NULL));
	R(umount2("b", 0));
	R(access("a/f", F_OK));
	R(umount2("a", 0));
}

static void trees(void)
{
	R(mount("mine", "a", "tmpfs", 0, NULL));
	R(mkdir("a/x", 0755));
	R(mkdir("a/x/y", 0755));
	R(mount("mine", "a/x/y", "tmpfs", 0, NULL));
	R(mkdir("a/x/y/z", 0755));
	R(mount("mine", "a/x/y/z", "tmpfs", 0, NULL));
	R(make("a/x/y/z/f"));
	R(mount("a/x", "b", NULL, MS_BIND, NULL));
	R(access("b/y/z", F_OK));
	R(rmdir("b/y"));
	R(umount2("b", 0));
	R(mount("a/x", "b", NULL, MS_BIND | MS_REC, NULL));
	MOUNTS();
	R(access("b/y/z/f", F_OK));
	R(same("b/y/z/..", "b/y"));
	R(umount2("b", 0));
	R(umount2("b/y/z", 0));
	R(access("a/x/y/z/f", F_OK));
	R(mount(NULL, "a/x/y", NULL, MS_UNBINDABLE, NULL));
	R(umount2("b", MNT_DETACH));
	R(mount("a/x/y", "b", NULL, MS_BIND, NULL));
	R(mount("a/x", "b", NULL, MS_BIND | MS_REC, NULL));
	MOUNTS();
	R(umount2("b", 0));
	R(mount("a", "a/x", NULL, MS_BIND | MS_REC, NULL));
	MOUNTS();
	R(umount2("a/x", MNT_DETACH));
	R(umount2("a", 0));
	R(umount2("a", MNT_DETACH));
	MOUNTS();
}

static void moves(void)
{
	R(mount("mine", "a", "tmpfs", 0, NULL));
	R(mkdir("a/x", 0755));
	R(mount("mine", "a/x", "tmpfs", 0, NULL));
	R(make("a/x/f"));
	R(mount("a", "b", NULL, MS_MOVE, NULL));
	MOUNTS();
	R(access("b/x/f", F_OK));
	R(access("a/x", F_OK));
	R(mount("a", "b", NULL, MS_MOVE, NULL));
	R(mount("b", "b/x", NULL, MS_MOVE, NULL));
	R(mount("b", "one", NULL, MS_MOVE, NULL));
	R(mount("b/x", "a", NULL, MS_MOVE, NULL));
	R(mount("/", "a", NULL, MS_MOVE, NULL));
	R(mount("a", "nothing", NULL, MS_MOVE, NULL));
	R(mount("nothing", "a", NULL, MS_MOVE, NULL));
	R(mount(NULL, "a", NULL, MS_MOVE, NULL));
	MOUNTS();
	R(mount("b", "a", NULL, MS_BIND, NULL));
	MOUNTS();
	R(umount2("a", 0));
	R(umount2("a", 0));
	R(mount(NULL, "b", NULL, MS_SHARED, NULL));
	R(mount("mine", "b/x", "tmpfs", 0, NULL));
	R(mount("b/x", "a", NULL, MS_MOVE, NULL));
	R(mount(NULL, "b", NULL, MS_PRIVATE | MS_REC, NULL));
	R(mount("b/x", "a", NULL, MS_MOVE, NULL));
	R(mount(NULL, "b", NULL, MS_SHARED | MS_SLAVE, NULL));
	R(mount(NULL, "b", NULL, MS_SLAVE, NULL));
	R(mount(NULL, "b/x", NULL, MS_SLAVE, NULL));
	R(mount(NULL, "b", NULL, MS_SLAVE | MS_RDONLY, NULL));
	R(umount2("a", 0));
	R(umount2("b", 0));
}

/* Groups and their slaves, without anything that would propagate. */
static void groups(void)
{
	R(mount("mine", "a", "tmpfs", 0, NULL));
	R(mkdir("a/x", 0755));
	R(mount(NULL, "a", NULL, MS_SLAVE, NULL));
	MOUNTS();
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount(NULL, "a", NULL, MS_SLAVE, NULL));
	MOUNTS();
	R(mount(NULL, "a", NULL, MS_SHARED, NULL));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	MOUNTS();
	R(mount(NULL, "b", NULL, MS_SLAVE, NULL));
	MOUNTS();
	R(mkdir("c", 0755));
	R(mount("b", "c", NULL, MS_BIND, NULL));
	MOUNTS();
	R(mount(NULL, "b", NULL, MS_SHARED, NULL));
	MOUNTS();
	R(mount("mine", "b/x", "tmpfs", 0, NULL));
	MOUNTS();
	R(umount2("b/x", 0));
	R(mount(NULL, "b", NULL, MS_UNBINDABLE, NULL));
	MOUNTS();
	R(mount(NULL, "b", NULL, MS_SLAVE, NULL));
	MOUNTS();
	R(umount2("a", 0));
	MOUNTS();
	R(mount(NULL, "c", NULL, MS_PRIVATE, NULL));
	MOUNTS();
	R(umount2("c", 0));
	R(umount2("b", 0));
	R(rmdir("c"));
}

static void goes(void)
{
	R(mount("mine", "a", "tmpfs", 0, NULL));
	R(symlink("a", "link"));
	R(umount2("link", UMOUNT_NOFOLLOW));
	R(umount2("a", MNT_EXPIRE | MNT_DETACH));
	R(umount2("a", MNT_EXPIRE));
	R(access("a/f", F_OK));
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", MNT_EXPIRE));
	R(umount2("a", MNT_EXPIRE));
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(umount2("b", MNT_EXPIRE));
	R(umount2("b", MNT_EXPIRE));
	R(unlink("link"));
}

static void with_chroot(void)
{
	R(mount("a", "b", NULL, MS_BIND, NULL));
	R(mkdir("a/in", 0755));
	R(make("a/in/f"));
	if (fork() == 0) {
		R(chroot("b/in"));
		R(access("/f", F_OK));
		R(chdir("/"));
		CWD();
		R(chdir("../../.."));
		CWD();
		R(access("/../f", F_OK));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(umount2("b", 0));
}

static void pivots(void)
{
	R(mount("mine", "a", "tmpfs", 0, NULL));
	R(mkdir("a/old", 0755));
	R(mkdir("a/in", 0755));
	R(make("a/here"));
	R(syscall(SYS_pivot_root, "a", "/"));
	R(syscall(SYS_pivot_root, "a/in", "a/old"));
	R(syscall(SYS_pivot_root, "/", "a/old"));
	R(syscall(SYS_pivot_root, "a", "a/nothing"));
	R(syscall(SYS_pivot_root, "a/here", "a/old"));
	R(syscall(SYS_pivot_root, "a", "a/here"));
	R(syscall(SYS_pivot_root, "/", "/"));
	if (fork() == 0) {
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			abort();
		R(syscall(SYS_pivot_root, "none", "a/old"));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(chdir("a/in"));
	R(syscall(SYS_pivot_root, "..", "../old"));
	CWD();
	R(access("/here", F_OK));
	R(access("/old/proc/self", F_OK));
	R(chdir("/"));
	CWD();
	R(same("/..", "/"));
	R(umount2("/old", 0));
	R(umount2("/old", MNT_DETACH));
	R(access("/old/proc", F_OK));
	R(mkdir("/proc", 0755));
	R(mount("mine", "/proc", "proc", 0, NULL));
	show_mounts(__LINE__, "/");
	R(mkdir("/next", 0755));
	R(mount("mine", "/next", "tmpfs", 0, NULL));
	R(chdir("/next"));
	R(syscall(SYS_pivot_root, ".", "."));
	CWD();
	R(umount2(".", MNT_DETACH));
	CWD();
	R(access("/here", F_OK));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	abi_scratch();
	if (!getcwd(base, sizeof(base)))
		return 1;
	/* On the host, where nobody else sees it; in Moat nobody else is. */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	umask(022);
	names();
	files();
	flags();
	trees();
	moves();
	groups();
	goes();
	with_chroot();
	pivots();
	return 0;
}
