/* SPDX-License-Identifier: MIT */
/* room: task */
/*
 * Loading a program (execve(2)): a file and its strings in, a complete address space and the first registers
 * out. Nothing of the caller is touched: it swaps the result in when it can no longer fail.
 *
 *     exec_open          path                 -> the file, after the checks of execve(2)
 *     exec_args_…        argv, envp           -> strings, in the frames of the future stack
 *     exec_load          file, strings        -> struct exec_image
 *
 * The vDSO and the boot-regression program are here too: both are ELF files that the kernel carries.
 */
#ifndef MOAT_EXEC_H
#define MOAT_EXEC_H

#include <moat/aspace.h>
#include <moat/file.h>
#include <moat/fs.h>
#include <moat/types.h>

#define EXEC_NAME_MAX 16 /* of a process's name, with its NUL */

/* kernel.randomize_va_space: 0 nothing, 1 all but the heap, 2 all. What programs ask for by personality(2) comes on top. [a] */
extern u32 randomize_va_space;

/* Opens a program or script for execution: -EACCES (not a regular file, no execute permission), vfs_open's.
 */
int __must_check exec_open(struct fs_context *fs, struct dentry *base, const char *path, struct file **out);

/* The same for a path with all that says how it is walked; open_flags: O_NOFOLLOW or 0. */
int __must_check exec_open_at(const struct fs_at *at, u32 open_flags, struct file **out);

/* The strings of a new program. Made by one of the two functions below, used by one thread. */
struct exec_args;

/*
 * execfn: path of the program as given to execve. argv and envp end in NULL; an empty argv becomes {""}, as
 * Linux does. stack_limit_bytes: RLIMIT_STACK. 0, -E2BIG, -ENOMEM.
 */
int __must_check exec_args_from_kernel(const char *execfn, const char *const *argv, const char *const *envp,
				       u64 stack_limit_bytes, struct exec_args **out);
/* The same from the active address space; NULL for argv or envp is an empty list. Also -EFAULT, -EINTR (killed). */
int __must_check exec_args_from_user(const char *execfn, const char __user *const __user *argv,
				     const char __user *const __user *envp, u64 stack_limit_bytes,
				     struct exec_args **out);
void exec_args_destroy(struct exec_args *args); /* NULL is allowed */

enum exec_flags {
	EXEC_FIXED_ADDRESSES = 1 << 0, /* personality ADDR_NO_RANDOMIZE */
	EXEC_SETID = 1 << 1,	       /* the file's set-user-ID and set-group-ID bits count */
	EXEC_PATH_LOST = 1 << 2,       /* no interpreter could open execfn: -ENOENT for a script */
};

struct exec_request {
	struct file *file;	/* from exec_open; NULL: the program is `object` */
	struct mobj *object;	/* used when file is NULL: a program that no file system holds */
	struct fs_context *fs;	/* where interpreters are looked for; NULL: there are none */
	struct exec_args *args; /* used up by exec_load; the caller still destroys it */
	u32 flags;		/* enum exec_flags */
	u32 uid, euid, gid, egid;
	u64 limit_as_bytes, limit_data_bytes, limit_stack_bytes;
	u64 min_signal_stack_bytes; /* AT_MINSIGSTKSZ: what a signal frame of this machine takes */
};

#define EXEC_AUXV_WORDS 64

/* Where things lie in a program's memory, for /proc/PID. */
struct exec_facts {
	struct range args, env; /* the strings */
	struct range code,
		data; /* from the lowest executable segment to the end of the last; the last segment */
	u64 stack;    /* the first stack pointer */
	u64 auxv[EXEC_AUXV_WORDS]; /* pairs, AT_NULL included */
	u32 auxv_words;
};

/* A program that is ready to run. The receiver owns one reference to aspace and, unless NULL, to file. */
struct exec_image {
	struct aspace *aspace;
	struct file *file; /* what runs: for a script its interpreter */
	u32 euid, egid;	   /* who it runs as */
	bool secure;	   /* AT_SECURE: that is not who the caller really is */
	u64 rip, rsp;
	struct range args, env;	  /* the strings, for /proc/PID/cmdline and environ */
	char name[EXEC_NAME_MAX]; /* last component of execfn */
	struct exec_facts facts;
};

/*
 * Builds the address space of a program. 0, or with nothing changed and nothing kept (the strings may have
 * been used up): -ENOEXEC not a program, -EACCES, -ENOENT (no interpreter), -ELIBBAD (a bad one), -ELOOP
 * (scripts too deep), -EINVAL, -EIO, -E2BIG, -ENOMEM. May sleep; no lock held.
 */
int __must_check exec_load(const struct exec_request *req, struct exec_image *out);

/*
 * Puts the vDSO into a memory object and makes it follow the clock from then on. Boot, after the frame
 * allocator and the clock; panics when memory is out.
 */
void vdso_init(void);
/* Bytes that vdso_map takes. */
u64 vdso_map_bytes(void);
/*
 * Maps data and code at hint (page-aligned; 0, or a place that is taken: anywhere). The code's address, which
 * is AT_SYSINFO_EHDR, in *base_out. 0 or -ENOMEM.
 */
int __must_check vdso_map(struct aspace *as, u64 hint, u64 *base_out);

/*
 * The boot-regression program (user/baseline) as a memory object with one reference for the caller, or NULL
 * when memory is out: what exec_request.object is for.
 */
struct mobj *__must_check baseline_object(void);

#endif
