/* SPDX-License-Identifier: MIT */
/* The less usual calls about files: copying inside the kernel, allocation, advice, old forms, files without names. */
#include "abi.h"

/* Where nothing is mapped; not a constant to the compiler. */
static void *volatile bad_pointer = (void *)8;
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <utime.h>

static char buffer[1 << 16];

static void sending(void)
{
	int in = R(open("in", O_RDWR | O_CREAT, 0644)), out = R(open("out", O_RDWR | O_CREAT, 0644));
	int append = R(open("out", O_WRONLY | O_APPEND)), reader = R(open("in", O_RDONLY)),
	    dir = R(open(".", O_RDONLY));
	off_t at = 3;

	for (int i = 0; i < 50000; i++)
		buffer[i] = (char)(i * 7);
	R(write(in, buffer, 50000));
	R(sendfile(out, in, NULL, 10));
	R(lseek(in, 0, SEEK_SET));
	R(sendfile(out, in, NULL, 40000));
	R(lseek(in, 0, SEEK_CUR));
	R(sendfile(out, in, &at, 100000));
	R(at);
	R(lseek(in, 0, SEEK_CUR));
	R(lseek(out, 0, SEEK_END));
	R(pread(out, buffer + 55000, 100, 40000));
	HOLDS(memcmp(buffer + 55000, buffer + 3, 100) == 0);
	R(sendfile(append, in, NULL, 10));
	R(sendfile(reader, in, NULL, 10));
	R(sendfile(out, append, NULL, 10));
	R(sendfile(out, dir, NULL, 10));
	R(sendfile(99, in, NULL, 10));
	R(sendfile(out, 99, NULL, 10));
	at = -1;
	R(sendfile(out, in, &at, 10));
	R(sendfile(out, in, bad_pointer, 10));
	R(sendfile(out, in, NULL, 0));
	close(append);
	close(dir);
	R(ftruncate(out, 0));
	R(lseek(in, 0, SEEK_SET));
	R(lseek(out, 0, SEEK_SET));
	R(copy_file_range(in, NULL, out, NULL, 20, 0));
	R(lseek(in, 0, SEEK_CUR));
	R(lseek(out, 0, SEEK_CUR));
	at = 5;
	R(copy_file_range(in, &at, out, NULL, 100000, 0));
	R(at);
	R(copy_file_range(in, &at, in, NULL, 10, 0));
	R(copy_file_range(in, NULL, in, NULL, 10, 0));
	R(copy_file_range(in, NULL, out, NULL, 10, 1));
	R(copy_file_range(in, NULL, reader, NULL, 10, 0));
	R(copy_file_range(in, NULL, out, NULL, 0, 0));
	close(reader);
	close(in);
	close(out);
}

static void allocating(void)
{
	struct stat st;
	int fd = R(open("alloc", O_RDWR | O_CREAT, 0644)), reader = R(open("alloc", O_RDONLY));
	int dir = R(open(".", O_RDONLY)), null = R(open("/dev/null", O_RDWR));

	R(fallocate(fd, 0, 0, 10000));
	R(fstat(fd, &st));
	R(st.st_size);
	R(st.st_blocks);
	R(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20480));
	R(fstat(fd, &st));
	R(st.st_size);
	R(st.st_blocks);
	memset(buffer, 'x', sizeof(buffer));
	R(pwrite(fd, buffer, 20480, 0));
	R(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 8192));
	R(fstat(fd, &st));
	R(st.st_size);
	R(st.st_blocks);
	R(pread(fd, buffer, 20480, 0));
	HOLDS(buffer[99] == 'x' && buffer[100] == 0 && buffer[8291] == 0 && buffer[8292] == 'x');
	R(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
	R(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 10));
	R(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	R(fallocate(fd, 0x1000, 0, 10));
	R(fallocate(fd, 0, -1, 10));
	R(fallocate(fd, 0, 0, 0));
	R(fallocate(fd, 0, 0, -1));
	R(fallocate(fd, 0, LONG_MAX, 10));
	R(fallocate(reader, 0, 0, 10));
	R(fallocate(dir, 0, 0, 10));
	R(fallocate(null, 0, 0, 10));
	R(fallocate(99, 0, 0, 10));
	R(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	R(posix_fadvise(fd, 0, 0, 99));
	R(posix_fadvise(99, 0, 0, 0));
	R(syscall(SYS_readahead, fd, 0, 4096));
	R(syscall(SYS_readahead, 99, 0, 4096));
	R(syncfs(fd));
	R(syncfs(99));
	sync();
	R(fsync(dir));
	R(fsync(null));
	R(ftruncate(null, 0));
	close(fd);
	close(reader);
	close(dir);
	close(null);
}

static void without_names(void)
{
	struct stat st;
	int fd = R(open(".", O_TMPFILE | O_RDWR, 0640)), other;

	R(write(fd, "kept", 4));
	R(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	R(linkat(fd, "", AT_FDCWD, "named2", AT_EMPTY_PATH));
	R(fstat(fd, &st));
	R(st.st_nlink);
	abi_show_file("named");
	R(unlink("named"));
	R(unlink("named2"));
	R(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
	close(fd);
	other = R(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640));
	R(linkat(other, "", AT_FDCWD, "never", AT_EMPTY_PATH));
	close(other);
	R(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0640));
	R(open(".", O_DIRECTORY | O_RDWR | O_CREAT, 0640));
	R(open("in", O_TMPFILE | O_WRONLY, 0600));
	R(open("none", O_TMPFILE | O_WRONLY, 0600));
}

/* The record of the old getdents(2). */
struct old_entry {
	unsigned long ino, off;
	unsigned short reclen;
	char name[];
};

static void old_forms(void)
{
	struct timeval tv[2] = {{5, 600000}, {7, 800000}};
	struct utimbuf ut = {11, 12};
	struct stat st;
	int fd, types = 0, n, names = 0;

	R(mkdir("old", 0755));
	R(mkdir("old/sub", 0755));
	abi_write_file("old/file", "x");
	fd = R(open("old", O_RDONLY));
	n = (int)syscall(SYS_getdents, fd, buffer, sizeof(buffer));
	for (int at = 0; at < n;) {
		struct old_entry *e = (struct old_entry *)(buffer + at);

		types += buffer[at + e->reclen - 1];
		names++;
		at += e->reclen;
	}
	R(names);
	R(types);
	R(n);
	R(syscall(SYS_getdents, fd, buffer, 20));
	close(fd);
	R(utimes("old/file", tv));
	R(stat("old/file", &st));
	R(st.st_atim.tv_sec + st.st_mtim.tv_nsec);
	tv[0].tv_usec = 1000000;
	R(utimes("old/file", tv));
	R(utime("old/file", &ut));
	R(stat("old/file", &st));
	R(st.st_atim.tv_sec + st.st_mtim.tv_sec + st.st_mtim.tv_nsec);
	R(utime("old/file", NULL));
	R(utime("none", &ut));
	R(syscall(SYS_utimes, "old/file", bad_pointer));
	R(syscall(SYS_futimesat, AT_FDCWD, "old/file", NULL));
	fd = open("old/file", O_RDWR);
	R(syscall(SYS_futimesat, fd, NULL, NULL));
	R(syscall(SYS_futimesat, 99, NULL, NULL));
	R(syscall(SYS_futimesat, AT_FDCWD, NULL, NULL));
	R(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
	R(syscall(SYS_utimensat, fd, NULL, NULL, AT_SYMLINK_NOFOLLOW));
	close(fd);
}

static void controls(void)
{
	struct statfs fs;
	int fd = R(open("in", O_RDWR)), dir = R(open(".", O_RDONLY)), path = R(open("in", O_PATH)), n = -1,
	    null;
	long long size = -1;

	R(lseek(fd, 49990, SEEK_SET));
	R(ioctl(fd, FIONREAD, &n));
	R(n);
	R(ioctl(fd, FIONREAD, bad_pointer));
	R(ioctl(dir, FIONREAD, &n));
	R(ioctl(fd, FIGETBSZ, &n));
	R(n);
	R(ioctl(fd, FIOQSIZE, &size));
	R(size);
	n = 1;
	R(ioctl(fd, FIONBIO, &n));
	R(fcntl(fd, F_GETFL) & O_NONBLOCK);
	R(ioctl(fd, FIOCLEX));
	R(fcntl(fd, F_GETFD));
	R(ioctl(fd, FIONCLEX));
	R(fcntl(fd, F_GETFD));
	R(ioctl(path, FIONREAD, &n));
	R(ioctl(fd, 0x12345678, &n));
	R(fcntl(path, F_GETFD));
	R(fcntl(path, F_SETFD, 1));
	R(fcntl(path, F_SETFL, 0));
	R(fcntl(path, F_DUPFD, 0) >= 0);
	R(fcntl(fd, F_GETOWN));
	R(fcntl(fd, F_GETSIG));
	R(fcntl(fd, F_GETLEASE));
	R(fcntl(fd, F_GETPIPE_SZ));
	R(fcntl(fd, F_SETPIPE_SZ, 4096));
	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(fd, F_ADD_SEALS, 1));
	R(fcntl(dir, F_GET_SEALS));
	R(fcntl(fd, F_SETFL, O_DIRECT));
	R(fcntl(fd, F_GETFL) & O_DIRECT);
	null = R(open("/dev/null", O_RDWR));
	R(fcntl(null, F_SETFL, O_DIRECT));
	R(open("/dev/null", O_RDWR | O_DIRECT));
	R(statfs("in", &fs));
	R(fs.f_type == 0x01021994);
	R(fs.f_bsize);
	R(fs.f_namelen);
	R(fstatfs(fd, &fs));
	R(fstatfs(path, &fs));
	R(statfs("none", &fs));
	R(fstatfs(99, &fs));
	R(statfs("in", bad_pointer));
	close(fd);
	close(dir);
	close(path);
	close(null);
}

static void second_forms(void)
{
	struct iovec v = {buffer, 4};
	int fd = R(open("in", O_RDWR));

	R(syscall(SYS_preadv2, fd, &v, 1, 2l, 0l, 0));
	R(lseek(fd, 0, SEEK_CUR));
	R(syscall(SYS_preadv2, fd, &v, 1, -1l, 0l, 0));
	R(lseek(fd, 0, SEEK_CUR));
	R(syscall(SYS_preadv2, fd, &v, 1, -2l, 0l, 0));
	R(syscall(SYS_pwritev2, fd, &v, 1, 0l, 0l, RWF_DSYNC));
	R(syscall(SYS_pwritev2, fd, &v, 1, 0l, 0l, 0x8000));
	R(syscall(SYS_pwritev2, fd, &v, 1, -1l, 0l, 0));
	R(lseek(fd, 0, SEEK_CUR));
	v.iov_base = bad_pointer;
	R(readv(fd, &v, 1));
	R(readv(fd, bad_pointer, 1));
	R(readv(fd, NULL, 0));
	R(writev(fd, &v, 1));
	R(lseek(fd, 0, SEEK_CUR));
	R(lseek(fd, 0, SEEK_END));
	R(read(fd, bad_pointer, 10));
	R(read(fd, (void *)-1, 10));
	R(write(fd, bad_pointer, 0));
	R(write(fd, (void *)0x800000000000, 0));
	close(fd);
	fd = R(open("/dev/null", O_RDWR));
	R(write(fd, bad_pointer, 10));
	R(write(fd, (void *)-4096, 10));
	R(read(fd, bad_pointer, 10));
	R(pread(fd, buffer, 5, 100));
	R(pwrite(fd, buffer, 5, 100));
	close(fd);
}

static void nodes(void)
{
	struct stat st;

	R(mknod("plain", 0644, 0));
	R(mknod("plain", S_IFREG | 0644, 0));
	R(mknod("sock", S_IFSOCK | 0600, 0));
	R(open("sock", O_RDONLY));
	R(mknod("dir", S_IFDIR | 0755, 0));
	R(mknod("odd", 0150000, 0));
	R(mknod("chr", S_IFCHR | 0600, 0x103));
	R(stat("chr", &st));
	R(st.st_rdev);
	R(open("chr", O_RDWR) >= 0);
	R(mknod("unknown", S_IFCHR | 0600, 0xfff00ff));
	R(open("unknown", O_RDWR));
	R(mkfifo("fifo", 0600));
	R(mkfifo("fifo", 0600));
	R(readlink("plain", buffer, 10));
	R(syscall(SYS_readlinkat, AT_FDCWD, "", buffer, 10));
}

static void changing_root(void)
{
	R(mkdir("jail", 0755));
	R(mkdir("jail/in", 0755));
	R(symlink("/in", "jail/link"));
	R(chroot("none"));
	R(chroot("in"));
	R(chroot("jail"));
	R(syscall(SYS_getcwd, buffer, sizeof(buffer)) > 0);
	R(strncmp(buffer, "(unreachable)", 13));
	R(chdir("/"));
	R(access("link/..", F_OK));
	R(access("../../link", F_OK));
	P(getcwd(buffer, sizeof(buffer)));
	R(strcmp(buffer, "/"));
	R(access("/dev", F_OK));
}

int main(void)
{
	abi_scratch();
	umask(022);
	sending();
	allocating();
	without_names();
	old_forms();
	controls();
	second_forms();
	nodes();
	if (geteuid() == 0)
		changing_root();
	return 0;
}
