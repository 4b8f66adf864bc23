/* SPDX-License-Identifier: MIT */
/*
 * What every ABI test shares. A test is an ordinary Linux program that prints one line for each call it
 * makes: the call as written, its result, and the name of the error. It decides nothing itself: what the
 * host's Linux prints is right, and tests/abi/run.sh compares. So no line may hold what differs between two
 * runs or two machines: addresses, inode numbers, process numbers, times.
 *
 * Files that a test makes go to a fresh folder, entered by abi_scratch(); the runner gives a current
 * directory on tmpfs.
 */
#ifndef ABI_H
#define ABI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul

/* The error's symbolic name; both libraries' strerror() texts differ, so this is ours. */
static inline const char *abi_error(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
#define NAME(e) {e, #e}
		NAME(EPERM),	    NAME(ENOENT),	   NAME(ESRCH),		  NAME(EINTR),
		NAME(EIO),	    NAME(ENXIO),	   NAME(E2BIG),		  NAME(ENOEXEC),
		NAME(EBADF),	    NAME(ECHILD),	   NAME(EAGAIN),	  NAME(ENOMEM),
		NAME(EACCES),	    NAME(EFAULT),	   NAME(EBUSY),		  NAME(EEXIST),
		NAME(EXDEV),	    NAME(ENODEV),	   NAME(ENOTDIR),	  NAME(EISDIR),
		NAME(EINVAL),	    NAME(ENFILE),	   NAME(EMFILE),	  NAME(ENOTTY),
		NAME(ETXTBSY),	    NAME(EFBIG),	   NAME(ENOSPC),	  NAME(ESPIPE),
		NAME(EROFS),	    NAME(EMLINK),	   NAME(EPIPE),		  NAME(EDOM),
		NAME(ERANGE),	    NAME(EDEADLK),	   NAME(ENAMETOOLONG),	  NAME(ENOSYS),
		NAME(ENOTEMPTY),    NAME(ELOOP),	   NAME(ENODATA),	  NAME(EOVERFLOW),
		NAME(EOPNOTSUPP),   NAME(ENOTSOCK),	   NAME(EMSGSIZE),	  NAME(EPROTOTYPE),
		NAME(ENOPROTOOPT),  NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT), NAME(EAFNOSUPPORT),
		NAME(EADDRINUSE),   NAME(ECONNABORTED),	   NAME(ECONNRESET),	  NAME(ENOBUFS),
		NAME(EISCONN),	    NAME(ENOTCONN),	   NAME(ETIMEDOUT),	  NAME(ECONNREFUSED),
		NAME(ETOOMANYREFS), NAME(EIDRM),	   NAME(ENOMSG),	  NAME(EDESTADDRREQ),
#undef NAME
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].error == error)
			return names[i].name;
	}
	return "E?";
}

static inline void abi_report(int line, const char *call, long result, int error)
{
	if (result == -1 && error)
		printf("%d: %s = -1 %s\n", line, call, abi_error(error));
	else
		printf("%d: %s = %ld\n", line, call, result);
}

static inline void abi_report_pointer(int line, const char *call, const void *result, int error)
{
	if (result == NULL || result == MAP_FAILED)
		printf("%d: %s = failed, %s\n", line, call, abi_error(error));
	else
		printf("%d: %s = ok\n", line, call);
}

/* A call whose number counts; its value is that of the expression. */
#define R(call)                                                 \
	({                                                      \
		errno = 0;                                      \
		long abi_result = (long)(call);                 \
		abi_report(__LINE__, #call, abi_result, errno); \
		abi_result;                                     \
	})

/* A call that returns an address: only success and the error count. */
#define P(call)                                                          \
	({                                                               \
		errno = 0;                                               \
		void *abi_pointer = (void *)(call);                      \
		abi_report_pointer(__LINE__, #call, abi_pointer, errno); \
		abi_pointer;                                             \
	})

/* A statement that must hold. It is printed either way, so that both outcomes are compared. */
#define HOLDS(condition) printf("%d: %s: %s\n", __LINE__, #condition, (condition) ? "yes" : "NO")

/* Enter a new, empty folder below the current directory. */
static inline void abi_scratch(void)
{
	if (mkdir("scratch", 0777) != 0 || chdir("scratch") != 0) {
		printf("no scratch folder: %s\n", abi_error(errno));
		exit(1);
	}
}

/* Make file `path` with `text` in it, for a test to work on. */
static inline void abi_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		printf("cannot make %s: %s\n", path, abi_error(errno));
		exit(1);
	}
	close(fd);
}

/* Print what file `path` holds, with the bytes that are not text shown in octal. */
static inline void abi_show_file(const char *path)
{
	unsigned char buffer[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));

	printf("file %s holds %zd: ", path, n);
	for (ssize_t i = 0; i < n; i++) {
		if (buffer[i] >= 32 && buffer[i] < 127)
			putchar(buffer[i]);
		else
			printf("\\%03o", buffer[i]);
	}
	putchar('\n');
	if (fd >= 0)
		close(fd);
}

/* Two pages, the second of them unmapped: a buffer that ends at the returned address plus PAGE ends there. */
static inline char *abi_page_before_hole(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + PAGE, PAGE) != 0) {
		printf("no page before a hole: %s\n", abi_error(errno));
		exit(1);
	}
	return p;
}

#endif
