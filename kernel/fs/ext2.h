/* SPDX-License-Identifier: MIT */
/* room: fs */
/* The second extended file system, on a disk: what its files share. docs/disk.md tells how it works. */
#ifndef FS_EXT2_H
#define FS_EXT2_H

#include <moat/block.h>
#include "dentry.h"

/* ---- on the disk; all numbers are little-endian, as the machine's ---- */

#define EXT2_MAGIC	       0xef53
#define EXT2_SUPER_AT	       1024u /* bytes from the start of the disk */
#define EXT2_ROOT_INO	       2u
#define EXT2_NAME_MAX	       255u
#define EXT2_LINKS_MAX	       32000u
#define EXT2_STATE_VALID       1u
#define EXT2_STATE_ERROR       2u
#define EXT2_INCOMPAT_FILETYPE 0x2u
#define EXT2_RO_SPARSE_SUPER   0x1u
#define EXT2_RO_LARGE_FILE     0x2u
#define EXT2_FLAG_APPEND       0x20u
#define EXT2_FLAG_IMMUTABLE    0x10u
#define EXT2_FLAG_INDEX	       0x1000u /* a hash tree of names, which is not kept up */
#define EXT2_DIRECT	       12u
#define EXT2_SLOTS	       15u
#define EXT2_OLD_INODE_BYTES   128u
#define EXT2_FAST_LINK_BYTES   60u /* a text that is shorter is in the inode */
#define EXT2_ATTR_MAGIC	       0xea020000u

struct ext2_disk_super {
	u32 inodes_count, blocks_count, reserved_blocks, free_blocks, free_inodes, first_data_block;
	u32 log_block_size, log_frag_size, blocks_per_group, frags_per_group, inodes_per_group;
	u32 mount_time, write_time;
	u16 mount_count, max_mount_count, magic, state, errors, minor_revision;
	u32 last_check, check_interval, creator_os, revision;
	u16 reserved_uid, reserved_gid;
	/* revision 1 */
	u32 first_inode;
	u16 inode_bytes, group_number;
	u32 compat, incompat, ro_compat;
	u8 uuid[16], volume[16], last_mounted[64];
	u8 rest[824];
};
_Static_assert(sizeof(struct ext2_disk_super) == 1024, "as it is on the disk");

struct ext2_disk_group {
	u32 block_bitmap, inode_bitmap, inode_table;
	u16 free_blocks, free_inodes, directories;
	u16 rest[7];
};
_Static_assert(sizeof(struct ext2_disk_group) == 32, "as it is on the disk");

struct ext2_disk_inode {
	u16 mode, uid;
	u32 size, atime, ctime, mtime, dtime;
	u16 gid, links;
	u32 sectors, flags, version;
	u32 slots[EXT2_SLOTS]; /* block numbers; the text of a short symbolic link; a device's number */
	u32 generation, attr_block, size_high, fragment;
	u16 fragment_number, sectors_high, uid_high, gid_high;
	u32 reserved;
	/* Only where inodes are larger than 128 bytes, as far as `extra_bytes` says. */
	u16 extra_bytes, checksum_high;
	u32 ctime_extra, mtime_extra, atime_extra, btime, btime_extra;
};
#define EXT2_EXTRA_BYTES 24u /* what is used here of the part behind 128 bytes */

struct ext2_dirent {
	u32 ino;	   /* 0: free room */
	u16 bytes;	   /* up to the next one */
	u8 name_len, type; /* type: enum ext2_type, with EXT2_INCOMPAT_FILETYPE */
	char name[];
};
#define EXT2_DIRENT_HEAD 8u

/* ---- in memory ---- */

#define EXT2_HASH 256u

/* A mounted file system. Lives for ever. */
struct ext2_super {
	struct super super;	   /* first */
	struct block_device *disk; /* [I] */
	struct mutex
		lock; /* RANK_DISK: all that the disk has but the contents of files; each call below wants it held */
	struct mobj *
		meta; /* [I] the disk's blocks of that kind, by position; its pages stay until they are dropped */
	struct radix dirty;		    /* [lock] numbers of blocks in `meta` that differ from the disk */
	struct ext2_disk_super *disk_super; /* [I, contents: lock] a copy, stored by ext2_sync_meta */
	u32 block_bytes, block_shift, groups, inode_bytes, first_inode, blocks_count, inodes_count; /* [I] */
	u32 first_data_block, blocks_per_group, inodes_per_group, group_table, group_blocks;	    /* [I] */
	bool filetype;	    /* [I] directory entries say what kind of file they name */
	bool readonly;	    /* [I] */
	bool failed;	    /* [a] something on the disk made no sense: nothing is changed any more */
	u32 next_block;	    /* [lock] where the search for a free block goes on */
	struct range freed; /* [lock] blocks that the disk may still take for used lie in it */
	LIST_HEAD(, ext2_node) hash[EXT2_HASH]; /* [lock] */
	TAILQ_HEAD(, ext2_node) nodes;		/* [lock] the same, for walks */
	u64 walk;				/* [lock] number of the last walk */
	u64 gone_count;				/* [a] inodes that have left the hash */
	struct waitq gone;			/* for that to change */
	TAILQ_ENTRY(ext2_super) link;		/* [boot] */
};

/* What belongs to an inode here; a regular file's object holds it too. */
struct ext2_node {
	struct refcount refs;
	struct ext2_super *s;  /* [I] */
	struct inode *inode;   /* [lock] no reference; NULL once it has gone */
	u32 ino;	       /* [I once made] 0: not on the disk yet */
	u32 slots[EXT2_SLOTS]; /* [lock] */
	u32 sectors;	       /* [lock] of 512 bytes, that its blocks take */
	u32 attr_block, flags; /* [lock] */
	u32 last_block;	       /* [lock] the one it got last */
	u32 room_index;	       /* [lock] a directory: the first block that may have room for a name */
	bool placed;	       /* [tree lock] a directory that has its name */
	u32 mapped; /* [a] descriptions through which a mapping may write; more once marks could not be kept */
	int error;  /* [a] of a write that nobody heard of */
	struct mutex io_lock;		 /* RANK_WRITEBACK: writing back, and giving blocks back */
	struct radix dirty;		 /* [super's lock] indexes of pages that differ from the disk */
	u64 next_index;			 /* [object lock] where the last fill ended */
	u32 run_pages;			 /* [object lock] */
	u64 walk;			 /* [lock] the last walk that saw it */
	LIST_ENTRY(ext2_node) hash_link; /* [lock] */
	TAILQ_ENTRY(ext2_node) link;	 /* [lock] */
};

static inline struct ext2_super *ext2_of(struct super *s)
{
	return (struct ext2_super *)s;
}

static inline struct ext2_node *ext2_node_of(const struct inode *i)
{
	return i->disk;
}

/* ---- ext2_meta.c: blocks in memory; the lock held throughout ---- */

/* Takes the lock, and gives memory back while nobody looks at a block. */
void ext2_lock(struct ext2_super *s);
void ext2_unlock(struct ext2_super *s);
/* The contents of a block, valid as long as the lock is held. -EUCLEAN (there is no such block), -EIO, -ENOMEM. */
int __must_check ext2_block(struct ext2_super *s, u32 block, void **out);
/* The same for a block that is new here: zeros, and dirty. */
int __must_check ext2_new_block(struct ext2_super *s, u32 block, void **out);
/* It was changed, and will be written. */
void ext2_dirty(struct ext2_super *s, u32 block);
/* It no longer holds anything: what was changed is forgotten. */
void ext2_forget(struct ext2_super *s, u32 block);
/* Writes all dirty blocks: those of directories first. */
int __must_check ext2_write_meta(struct ext2_super *s);
/* Something on the disk contradicts itself: said once, and nothing is changed from now on. Returns -EUCLEAN. */
int ext2_corrupt(struct ext2_super *s, const char *what, u64 number);
/* May the disk be changed? 0 or -EROFS. */
int __must_check ext2_may_change(const struct ext2_super *s);

/* Blocks that are read or written in one request, as far as they follow each other on the disk. */
struct ext2_run {
	struct ext2_super *s;
	enum block_request what;
	unsigned count;
	u32 first, next; /* [first, next) */
	struct block_piece pieces[BLOCK_PIECES_MAX];
};
struct ext2_run *__must_check ext2_run_create(struct ext2_super *s,
					      enum block_request what); /* kfree; or NULL */
/* May send what was there before. The page is borrowed until it is sent; the last one by ext2_run_send. */
int __must_check ext2_run_add(struct ext2_run *run, u32 block, struct page *page, u32 offset);
int __must_check ext2_run_send(struct ext2_run *run);

/* ---- ext2_alloc.c: blocks and inodes, free or not; the lock held ---- */

int __must_check ext2_group(struct ext2_super *s, u32 group, struct ext2_disk_group **out);
/* Is it a part of the groups themselves, whose place is fixed? */
bool ext2_is_system(struct ext2_super *s, u32 block);
bool ext2_is_data_block(const struct ext2_super *s, u32 block);
/* A free block, at `near` if that can be. -ENOSPC and what reading gives. */
int __must_check ext2_alloc_block(struct ext2_super *s, u32 near, u32 *out);
int ext2_free_block(struct ext2_super *s, u32 block);
/* A free inode, in the group of the directory if that can be. */
int __must_check ext2_alloc_inode(struct ext2_super *s, u32 dir_ino, bool is_dir, u32 *out);
int ext2_free_inode(struct ext2_super *s, u32 ino, bool is_dir);

/* ---- ext2_map.c: which block of the disk is which of a file; the lock held ---- */

/* Blocks that a file can have. */
u64 ext2_blocks_max(const struct ext2_super *s);
/* The block of the disk, 0: a hole. With `create` a hole gets a block, *fresh says whether. -EFBIG, -ENOSPC, -EUCLEAN… */
int __must_check ext2_map(struct ext2_node *n, u64 index, bool create, u32 *out, bool *fresh);
/* Gives back all blocks from `first` on. */
int ext2_cut(struct ext2_node *n, u64 first);

/* ---- ext2_inode.c, ext2_place.c ---- */

/* Where inode `ino` is on the disk: -EUCLEAN: it is none that a name may lead to. Lock held. */
int __must_check ext2_locate(struct ext2_super *s, u32 ino, struct ext2_disk_inode **out, u32 *block);
struct ext2_node *__must_check ext2_node_create(struct ext2_super *s, struct inode *i);
/* Gives the inode what its kind needs here, the node too, but for a link's text. */
int __must_check ext2_set_ops(struct inode *i, struct ext2_node *n);
/* Into the hash, and out of it. Lock held. */
void ext2_list_node(struct ext2_node *n);
void ext2_unlist_node(struct ext2_node *n);
/* The inode of that number, with a reference. Lock not held. -EUCLEAN, -EIO, -ENOMEM. */
int __must_check ext2_inode_get(struct ext2_super *s, u32 ino, struct inode **out);
/* Its S_IFMT. Lock held. */
int __must_check ext2_inode_kind(struct ext2_super *s, u32 ino, u32 *mode);
/* One that is not on the disk yet: super_ops.create. */
int __must_check ext2_inode_prepare(struct super *s, const struct inode_seed *seed, struct inode **out);
/* It gets its place on the disk. Lock held. */
int __must_check ext2_inode_place(struct inode *i, u32 dir_ino, const struct inode_seed *seed);
/* And gives it back, before anybody has seen it. Lock held. */
void ext2_inode_unplace(struct inode *i);
/* Writes the inode's fields to its block, if they differ. Lock held. */
int ext2_inode_store(struct inode *i, u32 links);
void ext2_inode_destroy(struct inode *i);
void ext2_inode_attr(struct inode *i, struct file_attr *out);
int ext2_inode_change(struct inode *i, const struct inode_change *c);
void ext2_node_put(struct ext2_node *n);

/* ---- ext2_dir.c, ext2_names.c ---- */

int ext2_dir_fetch(struct dentry *dir, const char *name, size_t len);
/* Entries of a directory on the disk; lock held. */
int __must_check ext2_dir_add(struct inode *dir, const char *name, size_t len, u32 ino, u32 mode);
int __must_check ext2_dir_remove(struct inode *dir, const char *name, size_t len);
/* The entry `name` leads to another inode from now on. */
int __must_check ext2_dir_set(struct inode *dir, const char *name, size_t len, u32 ino, u32 mode);
int __must_check ext2_dir_begin(struct inode *dir, u32 parent_ino); /* `.` and `..` */
extern const struct super_ops ext2_super_ops, ext2_readonly_super_ops;
extern const struct inode_ops ext2_inode_ops, ext2_file_inode_ops;
extern const struct file_ops ext2_file_ops, ext2_dir_file_ops;
extern const struct mobj_ops ext2_object_ops;

/* ---- ext2_file.c ---- */

/* Writes the changed pages of a regular file. Lock not held. */
int ext2_flush(struct ext2_node *n, struct mobj *obj);

/* ---- ext2_super.c ---- */

/* The inode's metadata and all others': what fsync(2) does after the pages. Lock not held. */
int ext2_sync_inode(struct inode *i);
int ext2_sync_node(struct ext2_node *n);
int ext2_sync(struct super *s);

#endif
