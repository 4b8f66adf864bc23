/* SPDX-License-Identifier: MIT */
/* mount(2) and umount2(2): file systems in memory, what they refuse, and what their flags do. */
#include "abi.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static long mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (long)(st.st_mode & 07777);
}

static long same_device(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) || stat(b, &y) ? -1 : x.st_dev == y.st_dev;
}

static long flags_of(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v)
		       ? -1
		       : (long)(v.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME));
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

static void one(void)
{
	int fd;

	R(mkdir("t", 0755));
	R(mount("none", "t", "tmpfs", 0, NULL));
	R(mode_of("t"));
	R(same_device("t", "."));
	R(make("t/f"));
	R(rename("t/f", "f"));
	R(link("t/f", "f"));
	R(rmdir("t"));
	R(rename("t", "u"));
	fd = open("t/f", O_RDONLY);
	R(umount2("t", 0));
	R(close(fd));
	R(umount2("t", 0));
	R(access("t/f", F_OK));
	R(mode_of("t"));
	R(umount2("t", 0));
	R(mount("none", "t", "tmpfs", 0, "mode=0710,uid=7,gid=8"));
	R(mode_of("t"));
	R(umount("t/"));
}

static void refused(void)
{
	R(mount("none", "t", "nosuch", 0, NULL));
	R(mount("none", "t", NULL, 0, NULL));
	R(mount("none", "none", "tmpfs", 0, NULL));
	R(make("file"));
	R(mount("none", "file", "tmpfs", 0, NULL));
	R(mount("none", "t", "tmpfs", 0, "nonsense"));
	R(mount("none", "t", "tmpfs", 0, "mode=9"));
	R(mount((char *)1, "t", "tmpfs", 0, NULL));
	R(mount("none", (char *)1, "tmpfs", 0, NULL));
	R(mount("none", "t", NULL, MS_REMOUNT, NULL));
	R(mount("none", "t", NULL, MS_PRIVATE, NULL));
	R(mount("none", "t", NULL, MS_PRIVATE | MS_SLAVE, NULL));
	R(umount2("none", 0));
	R(umount2("file", 0));
	R(umount2("t", 0x100));
	R(umount2((char *)1, 0));
}

static void detached(void)
{
	char buf[8] = "";
	int fd;

	R(mount("none", "t", "tmpfs", 0, NULL));
	R(mkdir("t/in", 0755));
	R(mount("none", "t/in", "tmpfs", 0, NULL));
	R(make("t/in/f"));
	R(umount2("t", 0));
	fd = open("t/in/f", O_RDONLY);
	R(umount2("t", MNT_DETACH));
	R(access("t/in", F_OK));
	R(read(fd, buf, 4));
	R(strcmp(buf, "text"));
	R(close(fd));
	R(mount("none", "t", "tmpfs", 0, NULL));
	R(mount("none", "t", "tmpfs", 0, NULL));
	R(make("t/upper"));
	R(umount2("t", 0));
	R(access("t/upper", F_OK));
	R(mount(NULL, "t", NULL, MS_PRIVATE, NULL));
	R(umount2("t", 0));
}

static void read_only(void)
{
	int fd;

	R(mount("none", "t", "tmpfs", MS_RDONLY, NULL));
	R(flags_of("t"));
	R(make("t/f"));
	R(mkdir("t/d", 0755));
	R(chmod("t", 0700));
	R(access("t", W_OK));
	R(mount(NULL, "t", NULL, MS_REMOUNT, NULL));
	R(flags_of("t"));
	R(make("t/f"));
	fd = open("t/f", O_RDWR);
	R(mount(NULL, "t", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(close(fd));
	R(mount(NULL, "t", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(open("t/f", O_RDWR));
	R(truncate("t/f", 1));
	R(unlink("t/f"));
	R(symlink("x", "t/s"));
	R(link("t/f", "t/g"));
	R(rename("t/f", "t/g"));
	R(utimensat(AT_FDCWD, "t/f", NULL, 0));
	R(umount2("t", 0));
}

static void protected(void)
{
	char *argv[] = {"prog", NULL};
	int fd;

	R(mount("none", "t", "tmpfs", MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_NOATIME, NULL));
	R(flags_of("t"));
	R(mknod("t/null", S_IFCHR | 0666, makedev(1, 3)));
	R(open("t/null", O_RDONLY));
	R(make("t/prog"));
	R(chmod("t/prog", 0755));
	R(access("t/prog", X_OK));
	R(execv("t/prog", argv));
	fd = open("t/prog", O_RDONLY);
	P(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
	P(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	R(close(fd));
	R(umount2("t", MNT_DETACH));
}

static void others(void)
{
	R(mount("none", "t", "proc", 0, NULL));
	R(access("t/self/status", R_OK));
	R(umount2("t", 0));
	R(mount("none", "t", "sysfs", 0, NULL));
	R(access("t/devices", F_OK));
	R(umount2("t", 0));
}

static void not_root(void)
{
	if (fork() == 0) {
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			abort();
		R(mount("none", "t", "tmpfs", 0, NULL));
		R(mount("none", "none", "tmpfs", 0, NULL));
		R(umount2("t", 0));
		R(umount2("none", 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	abi_scratch();
	/* On the host, where nobody else sees it; in Moat nobody else is. */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	umask(022);
	one();
	refused();
	detached();
	read_only();
	protected();
	others();
	not_root();
	return 0;
}
