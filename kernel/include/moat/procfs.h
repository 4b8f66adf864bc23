/* SPDX-License-Identifier: MIT */
/* room: fs */
/*
 * /proc and /sys: files whose contents are made when somebody reads them (proc(5)).
 *
 * A directory is a table of entries; the rooms that own the facts register tables for the two roots. Nothing is
 * kept for a file that nobody looks at: a walk makes dentry and inode of each name anew and drops them after.
 *
 * Text comes in records. `show` writes the record at *pos and moves *pos to the next one, where *pos means
 * what the entry likes (an address, a descriptor; 0 is the start). So a listing of any length needs room for one
 * record only, and a reader with a buffer of one byte sees the same text as any other.
 */
#ifndef MOAT_PROCFS_H
#define MOAT_PROCFS_H

#include <moat/file.h>
#include <moat/mutex.h>
#include <moat/types.h>

/* Which process, thread or descriptor a file is about; zeros where none. */
struct proc_key {
	int pid, tid, fd;
	u64 life; /* tells two processes apart that had the same PID one after the other */
};

/* Text that is being made; grows as needed. */
struct proc_text {
	char *buf;
	size_t size, len;
	bool no_memory; /* [a] something is missing: the read fails */
};

void proc_printf(struct proc_text *t, const char *fmt, ...) __printf(2, 3);
void proc_put(struct proc_text *t, const char *bytes, size_t len);
/* Spaces until the text behind `from` is `width` bytes long, at least one. */
void proc_pad(struct proc_text *t, size_t from, size_t width);
/* A path or name, the bytes in `escape` (and the backslash, if it is there) as \ooo. */
void proc_put_escaped(struct proc_text *t, const char *name, const char *escape);

/* Numbers below 64 as Linux lists them: "0-2,5". */
void proc_put_set(struct proc_text *t, u64 set);

struct proc_entry;

/* One open file. */
struct proc_open {
	const struct proc_entry *entry; /* [I] */
	struct proc_key key;		/* [I] */
	u64 token;			/* [I after open] for the entry's operations */
	struct mutex lock;		/* RANK_FILE, below an offset_lock: the rest */
	struct proc_text text;		/* the record at hand */
	u64 text_at;			/* its place in the file, bytes */
	u64 pos;			/* of the next record */
	bool done;			/* there is none */
};

/* The children of a directory whose names are numbers. */
struct proc_numbers {
	/* The lowest that is >= from: *number and its key (made from the directory's). False: there is none. */
	bool (*next)(const struct proc_key *dir, u32 from, u32 *number, struct proc_key *child);
	const struct proc_entry *entry; /* what they are */
};

struct proc_entry {
	const char *name; /* NULL ends a table */
	u32 mode;	  /* with S_IFMT */
	/* Directories */
	const struct proc_entry *table;
	const struct proc_numbers *numbers;
	/* Symbolic links: the text (length or -errno, no lock held); and, for one that leads to a file itself, the
	 * name of that file with a reference (tree lock held, must not take it). *jump may stay NULL. */
	ssize_t (*readlink)(const struct proc_key *key, char *buf, size_t size);
	int (*jump)(const struct proc_key *key, struct dentry **jump);
	/* The permission bits, where they depend on more; NULL: those of `mode`. */
	u32 (*permissions)(const struct proc_key *key);
	/* Files. Who may open them besides what the mode says: 0 or -errno; may set o->token. */
	int (*open)(struct proc_open *o, u32 flags);
	/* One record: 1 more follow, 0 this was the last, -errno. */
	int (*show)(struct proc_text *t, const struct proc_open *o, u64 *pos);
	/* What was written, terminated: 0 or -errno. */
	int (*store)(const struct proc_open *o, char *text, size_t len);
	/* Instead of show and store: bytes at an offset, as in struct file_ops. */
	ssize_t (*read)(struct proc_open *o, struct uio *u, u64 *offset);
	ssize_t (*write)(struct proc_open *o, struct uio *u, u64 *offset);
	const void *data; /* for the entry's own operations */
};

struct proc_table {
	const struct proc_entry *entries;
	struct proc_table *next;
};

/* Adds entries to the root of /proc or /sys. Boot, before the first program; the table stays. */
void proc_register(struct proc_table *t);
void sysfs_register(struct proc_table *t);

/* Which process the open directory /proc/PID is about; false: f is another file. */
bool proc_task_key(const struct file *f, struct proc_key *key);

/* What the task room tells. */
struct proc_task_ops {
	struct proc_numbers processes; /* of /proc itself */
	/* Owner of the files about a process; false when it is gone. Any lock but spinlocks may be held. */
	bool (*owner)(const struct proc_key *key, u32 *uid, u32 *gid);
};
void proc_register_tasks(const struct proc_task_ops *ops); /* boot */

/* For `show` of plain values: data points to text, or to a u64. */
int proc_show_text(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_u64(struct proc_text *t, const struct proc_open *o, u64 *pos);
/* A number out of written text, blanks around it allowed: 0, -EINVAL, -ERANGE. Decimal; negative too. */
int __must_check proc_parse(const char *text, s64 *out);

/* mountinfo and mounts of the tree as seen from `root` (fs_context.root); for /proc/PID. */
int proc_show_mounts(struct proc_text *t, const struct proc_open *o, u64 *pos);
int proc_show_mountinfo(struct proc_text *t, const struct proc_open *o, u64 *pos);

#endif
