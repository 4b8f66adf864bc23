/* SPDX-License-Identifier: MIT */
/* room: fs */
/* A client of 9P2000.L: one function for each request that is used. All may sleep; -EINTR: the thread is to die. */
#ifndef FS_NINEP_H
#define FS_NINEP_H

#include <moat/mutex.h>
#include <moat/ninep.h>
#include "inode.h"

enum {
	NINEP_ROOT_FID = 0,
	NINEP_READ_MAX = NINEP_PAYLOAD_MAX,
};

#define NINEP_NO_FID UINT32_MAX /* a number that no file has */

/* A session with one server, over one port. */
struct ninep {
	struct ninep_port *port; /* [I] */
	struct mutex start_lock; /* RANK_OBJECT */
	int started;		 /* [a] 1: attached; 0: not yet; < 0: cannot be */
	u32 next_fid;		 /* [a] */
	u32 uid, gid;		 /* [I] who makes files */
};

struct ninep_qid {
	u8 type; /* QT* */
	u64 path;
};

struct ninep_attr {
	struct ninep_qid qid;
	u32 mode, uid, gid, rdev;
	u64 nlink, size_bytes, blocks;
	struct timestamp atime, mtime, ctime;
};

/* The port of that tag, or NULL. */
struct ninep_port *ninep_port_find(const char *tag);
void ninep_init(struct ninep *n, struct ninep_port *port, u32 uid, u32 gid);
/* Starts the device and attaches to the server's root as NINEP_ROOT_FID, unless that is done. Before all others. */
int __must_check ninep_ready(struct ninep *n);
/* A number for a file that was never used before. */
u32 ninep_new_fid(struct ninep *n);
/* fid's entry `name` becomes `to` (a new number). */
int __must_check ninep_walk(struct ninep *n, u32 fid, u32 to, const char *name, size_t len);
/* The same file under another number. */
int __must_check ninep_clone(struct ninep *n, u32 fid, u32 to);
int __must_check ninep_getattr(struct ninep *n, u32 fid, struct ninep_attr *out);
/* The size of what the file lies on, and what is free there: those fields of *out. */
int __must_check ninep_statfs(struct ninep *n, u32 fid, struct fs_facts *out);
/* The text, terminated, from the heap, in *out. */
int __must_check ninep_readlink(struct ninep *n, u32 fid, char **out);
int __must_check ninep_open(struct ninep *n, u32 fid, u32 flags);
/* Up to `bytes` at `offset` into the pages, from byte in_page of the first one on; bytes read, 0 at the end, or -errno. */
s64 ninep_read(struct ninep *n, u32 fid, u64 offset, struct page *const pages[], u32 in_page, u32 bytes);
/* The same for directory entries behind the cookie `offset`, into whole pages. */
s64 ninep_readdir(struct ninep *n, u32 fid, u64 offset, struct page *const pages[], u32 bytes);
/*
 * For writable shares. `made` is the number of the new file, which is open for reading and writing if it is a regular one;
 * *ino its number on the host.
 */
int __must_check ninep_create(struct ninep *n, u32 dir, u32 made, const char *name,
			      const struct inode_seed *seed, u64 *ino);
int __must_check ninep_link(struct ninep *n, u32 dir, u32 fid, const char *name);
int __must_check ninep_unlink(struct ninep *n, u32 dir, const char *name, bool is_dir);
int __must_check ninep_rename(struct ninep *n, u32 dir, const char *name, u32 new_dir, const char *new_name);
int __must_check ninep_setattr(struct ninep *n, u32 fid, const struct inode_change *c);
/* `bytes` from whole pages to `offset`; bytes written or -errno. must_finish: see struct ninep_message. */
s64 ninep_write(struct ninep *n, u32 fid, u64 offset, struct page *const pages[], u32 bytes,
		bool must_finish);
int __must_check ninep_fsync(struct ninep *n, u32 fid);
/* The number is no longer used; nobody waits for the answer. */
void ninep_forget(struct ninep *n, u32 fid);

/* One directory entry at *at of `bytes` in pages; moves *at behind it. 1; 0 at the end; -EIO. name: 256 bytes. Pure. */
struct ninep_dirent {
	struct ninep_qid qid;
	u64 next;
	u8 type; /* DT_* */
	u16 name_len;
	char name[256];
};
int __must_check ninep_next_dirent(struct page *const pages[], u32 bytes, u32 *at, struct ninep_dirent *out);

#endif
