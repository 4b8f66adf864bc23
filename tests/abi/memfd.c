/* SPDX-License-Identifier: MIT */
/* memfd_create: names and flags; seals: which can be added when, and what each forbids. */
#include "mem.h"
#include <sys/uio.h>

#define ARENA_PAGES 16

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC	  1u
#define MFD_ALLOW_SEALING 2u
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC	16u
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#endif
#undef F_SEAL_SEAL
#undef F_SEAL_SHRINK
#undef F_SEAL_GROW
#undef F_SEAL_WRITE
#undef F_SEAL_FUTURE_WRITE
#undef F_SEAL_EXEC
#define F_SEAL_SEAL	    1
#define F_SEAL_SHRINK	    2
#define F_SEAL_GROW	    4
#define F_SEAL_WRITE	    8
#define F_SEAL_FUTURE_WRITE 16
#define F_SEAL_EXEC	    32

static int make(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

/* A sealable one of two pages that begin with 'a' and 'b'. */
static int sealable(void)
{
	int fd = make("sealable", MFD_ALLOW_SEALING);

	ftruncate(fd, 2 * PAGE);
	pwrite(fd, "a", 1, 0);
	pwrite(fd, "b", 1, PAGE);
	return fd;
}

static int mode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (int)st.st_mode : -1;
}

/* A descriptor's number differs between two runs' environments; that there is one counts. */
#define MAKE(call)                                                                           \
	({                                                                                   \
		int made = (call);                                                           \
		printf("%d: %s: %s\n", __LINE__, #call, made < 0 ? abi_error(errno) : "ok"); \
		made;                                                                        \
	})

static void creation(void)
{
	char name[260];
	int fd;

	fd = MAKE(make("", 0));
	printf("mode %o\n", (unsigned)mode(fd));
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000);
	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(lseek(fd, 0, SEEK_END));
	R(write(fd, "hello", 5));
	R(close(fd));
	fd = MAKE(make("x", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GET_SEALS));
	R(close(fd));
	fd = MAKE(make("x", MFD_NOEXEC_SEAL));
	printf("mode %o\n", (unsigned)mode(fd));
	R(fcntl(fd, F_GET_SEALS));
	R(fchmod(fd, 0777));
	R(fchmod(fd, 0600));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	R(close(fd));
	fd = MAKE(make("x", MFD_EXEC));
	printf("mode %o\n", (unsigned)mode(fd));
	R(fcntl(fd, F_GET_SEALS));
	R(close(fd));
	MAKE(make("x", MFD_EXEC | MFD_NOEXEC_SEAL));
	MAKE(make("x", 32));
	MAKE(make("x", -1u));
	MAKE(make(NULL, 0));
	MAKE(make((char *)-1, 0));
	memset(name, 'n', sizeof(name));
	name[249] = 0;
	MAKE(make(name, 0));
	name[249] = 'n';
	name[250] = 0;
	MAKE(make(name, 0));
	fd = MAKE(make("a/b c", 0));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	memset(name + 100, 0, 100);
	R(readlink(name, name + 100, 100));
	printf("%s\n", name + 100);
	W(mmap(arena, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	MAPS(arena, ARENA_PAGES);
	munmap(arena, PAGE);
	close(fd);
}

static void adding(void)
{
	int fd = sealable(), file = open("file", O_RDWR | O_CREAT, 0600), ro;
	char name[40];

	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(fd, F_ADD_SEALS, 64));
	R(fcntl(fd, F_ADD_SEALS, -1));
	R(fcntl(fd, F_ADD_SEALS, 0));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	R(fcntl(fd, F_GET_SEALS));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY);
	R(ro >= 0);
	R(fcntl(ro, F_GET_SEALS));
	R(fcntl(ro, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(fd, F_ADD_SEALS, 0));
	R(fcntl(fd, F_GET_SEALS));
	R(fcntl(file, F_GET_SEALS));
	R(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE));
	R(fcntl(0, F_GET_SEALS));
	R(fcntl(-1, F_GET_SEALS));
	close(ro);
	close(file);
	close(fd);
}

/* Everything that may change the size. */
static void sizes(void)
{
	for (int seals = 0; seals <= (F_SEAL_SHRINK | F_SEAL_GROW); seals += 2) {
		int fd = sealable();

		printf("seals %d\n", seals);
		R(fcntl(fd, F_ADD_SEALS, seals));
		R(ftruncate(fd, 2 * PAGE));
		R(ftruncate(fd, 3 * PAGE));
		R(ftruncate(fd, PAGE));
		R(pwrite(fd, "xyz", 3, 2 * PAGE - 1));
		R(pwrite(fd, "xyz", 3, 8 * PAGE));
		R(lseek(fd, 0, SEEK_END));
		R(fallocate(fd, 0, 0, 20 * PAGE));
		R(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 30 * PAGE));
		R(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
		R(lseek(fd, 0, SEEK_END));
		close(fd);
	}
}

static void writing(int seal)
{
	int fd = sealable(), other;
	struct iovec v = {"yy", 2};
	char name[40], byte = 0, *p;

	printf("write seal %d\n", seal);
	W(p = mmap(arena, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	R(fcntl(fd, F_ADD_SEALS, seal));
	PUT(p, 'A');
	R(munmap(p, 2 * PAGE));
	W(mmap(arena, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
	R(fcntl(fd, F_ADD_SEALS, seal));
	R(munmap(p, 2 * PAGE));
	R(fcntl(fd, F_ADD_SEALS, seal));
	R(fcntl(fd, F_GET_SEALS));
	R(write(fd, "x", 1));
	R(pwrite(fd, "x", 1, 8 * PAGE));
	R(pwrite(fd, "x", 0, 0));
	R(pwritev(fd, &v, 1, 0));
	R(ftruncate(fd, PAGE));
	R(ftruncate(fd, 2 * PAGE));
	R(fallocate(fd, 0, 0, PAGE));
	R(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	R(pread(fd, &byte, 1, 0));
	R(byte);
	W(mmap(arena, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	W(mmap(arena, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
	R(mprotect(arena, PAGE, RW));
	R(madvise(arena, PAGE, MADV_REMOVE));
	LOOK(arena);
	MAPS(arena, ARENA_PAGES);
	W(mmap(arena, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	PUT(arena, 'P');
	R(pread(fd, &byte, 1, 0));
	R(byte);
	munmap(arena, ARENA_PAGES * PAGE);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	other = open(name, O_RDWR);
	R(other >= 0);
	R(write(other, "x", 1));
	close(other);
	close(fd);
}

/* An exec seal fixes the execute bits and brings seals of size and writing with it. */
static void execution(void)
{
	int fd = sealable();

	R(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	R(fcntl(fd, F_GET_SEALS));
	R(fchmod(fd, 0600));
	R(fchmod(fd, 0755));
	R(fchmod(fd, 0711));
	printf("mode %o\n", (unsigned)mode(fd));
	R(pwrite(fd, "x", 1, 0));
	close(fd);
	fd = sealable();
	R(fchmod(fd, 0600));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	R(fcntl(fd, F_GET_SEALS));
	R(fchmod(fd, 0700));
	R(fchmod(fd, 0640));
	R(pwrite(fd, "x", 1, 0));
	close(fd);
}

/* Writable maps that were made before, of a child too, keep the seal off. */
static void over_fork(void)
{
	int fd = sealable();
	char *p = mmap(arena, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);

	IN_CHILD({
		R(munmap(p, PAGE));
		R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	});
	R(mprotect(p, PAGE, PROT_READ));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	R(munmap(p, PAGE));
	R(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	IN_CHILD(R(pwrite(fd, "x", 1, 0)));
	close(fd);
}

int main(void)
{
	abi_scratch();
	umask(022);
	mem_catch();
	mem_arena(ARENA_PAGES);
	creation();
	adding();
	sizes();
	writing(F_SEAL_WRITE);
	writing(F_SEAL_FUTURE_WRITE);
	execution();
	over_fork();
	return 0;
}
