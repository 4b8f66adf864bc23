/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: a hostile server of 9P behind a hostile device. The kernel's own driver (dev/virtio_9p.c), client and
 * file system run over a device that is made here:
 *
 *     input     | flags | count |  count times: operation, paths  |  lies: bytes, taken in turns, from the start again  |
 *
 * The server has an honest tree and makes an honest answer; then a byte of the lies says what becomes of it: bytes changed,
 * cut, made longer, replaced, another type, tag or size, an error, another length in the ring, an entry of the ring that
 * must not be, or no answer until the thread that waits is killed.
 *
 * Whatever it says: each operation ends, with a number of requests that what was read accounts for; no operation gives an
 * impossible result; afterwards, with the share unmounted, no byte of heap and no frame is missing.
 */
#include "fs_fixture.h"
#include "fs/hostfs.h"
#include "fs/mount.h"
#include "ninep_device.h"
#include "seeds.h"
#include <moat/share.h>

#define INPUT_MAX     1024
#define OPS_MAX	      12
#define PATHS	      16
#define UMOUNT_DETACH 2 /* MNT_DETACH */

/* ---- what programs do ---- */

static const char *const paths[PATHS] = {"file",     "big",    "link", "dir",	   "dir/in",	 "dir/none",
					 "dir/twin", "twin",   "none", "dir/deep", "dir/deep/x", "newdir",
					 "newlink",  "link/x", ".",    "newdir/.."};

#define LISTED 4
struct listing {
	struct dir_emit emit;
	unsigned names;
	char name[LISTED][256];
};

static bool list_one(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type, u64 next)
{
	struct listing *l = (struct listing *)e;

	(void)ino;
	(void)type;
	(void)next;
	REQUIRE(len > 0 && len <= 255 && !memchr(name, 0, len) && !memchr(name, '/', len) && name[len] == 0);
	if (name[0] != '.' && l->names < LISTED)
		memcpy(l->name[l->names++], name, len + 1);
	return true;
}

/* Reads a directory and looks at some of what it shows. */
static void list(const char *path)
{
	static struct listing l;
	struct file *f;

	l = (struct listing){.emit = {list_one}};
	if (vfs_open(ctx, NULL, path, O_RDONLY | O_DIRECTORY, 0, &f))
		return;
	(void)vfs_iterate(f, &l.emit);
	for (unsigned i = 0; i < l.names; i++) {
		struct dentry *d;

		answers = 0;
		if (!vfs_lookup(&(struct fs_at){.ctx = ctx, .base = f->dentry, .path = l.name[i]}, &d))
			dentry_put(d);
	}
	file_put(f);
}

static void look(const char *path)
{
	struct file_attr attr;
	struct fs_facts facts;
	char text[PATH_MAX];
	struct dentry *d;

	if (vfs_lookup(AT(path), &d))
		return;
	inode_attr(dentry_inode(d), &attr);
	REQUIRE(attr.size_bytes <= INT64_MAX && attr.atime.nsec < 1000000000);
	if (inode_is_link(dentry_inode(d)))
		REQUIRE(inode_read_link(dentry_inode(d), text, sizeof(text)) > 0);
	inode_fs_facts(dentry_inode(d), &facts);
	REQUIRE(facts.block_size && facts.blocks_free <= facts.blocks);
	dentry_put(d);
}

static void read_file(const char *path, u8 choice)
{
	static const u64 offsets[] = {0, 4095, 65536, BIG_BYTES - 5, INT64_MAX - 4096};
	static char bytes[8192];
	struct file *f;

	if (vfs_open(ctx, NULL, path, O_RDONLY | O_NONBLOCK, 0, &f)) /* it may be said to be a FIFO */
		return;
	if (S_ISREG(f->inode->mode))
		REQUIRE(vfs_pread(f, bytes, sizeof(bytes), offsets[choice % ARRAY_SIZE(offsets)]) <=
			(ssize_t)sizeof(bytes));
	file_put(f);
}

/* Writes; maps, too, so that closing writes back. */
static void write_file(const char *path, u8 choice)
{
	u32 flags = O_RDWR | (choice & 1 ? O_CREAT : 0) | (choice & 2 ? O_TRUNC : 0) |
		    (choice & 4 ? O_APPEND : 0);
	const struct write_rights all = {UINT64_MAX, true};
	struct mobj *obj;
	struct file *f;
	struct uio u;
	int err;

	if (vfs_open(ctx, NULL, path, flags, 0644, &f))
		return;
	if (S_ISREG(f->inode->mode)) {
		uio_init_kernel(&u, big, 1 + choice * 40u);
		REQUIRE(vfs_write(f, &u, NULL, all) <= 1 + choice * 40);
		obj = choice & 8 ? vfs_object(f, &err) : NULL;
		if (choice & 16)
			(void)vfs_fsync(f);
		if (obj)
			mobj_put(obj);
	}
	file_put(f);
}

static void change_mode(const char *path)
{
	struct dentry *d;

	if (vfs_lookup(AT_FOLLOW(path), &d))
		return;
	(void)!inode_chmod(dentry_inode(d), ctx, 0700);
	dentry_put(d);
}

static int change_names(u8 op, const char *path, const char *other)
{
	switch (op) {
	case 8:
		return vfs_unlink(AT(path));
	case 9:
		return vfs_rename(AT(path), AT(other), 0);
	case 10:
		return vfs_truncate(AT(path), 70, UINT64_MAX);
	case 11:
		return vfs_mkdir(AT(path), 0755);
	case 12:
		return vfs_rmdir(AT(path));
	case 13:
		return vfs_symlink(AT(path), other);
	case 14:
		return vfs_link(AT(path), AT(other));
	default:
		return vfs_rename(AT(path), AT(other), RENAME_EXCHANGE);
	}
}

static void operate(u8 op, u8 which)
{
	const char *path = paths[which % PATHS], *other = paths[which / PATHS];

	killed = false;
	answers = 0;
	got_bytes = 0;
	asked_fid = UINT32_MAX;
	switch (op % 16) {
	case 0:
	case 1:
		read_file(path, which / PATHS);
		break;
	case 2:
		list(path);
		break;
	case 3:
		look(path);
		break;
	case 4:
	case 5:
		write_file(path, which / PATHS | (op & 16));
		break;
	case 6:
		change_mode(path);
		break;
	case 7:
		(void)find(path);
		break;
	default:
		REQUIRE(change_names(op % 16, path, other) <= 0);
	}
}

/* ---- one input ---- */

static void mount_share(bool writable)
{
	struct share share = {
		.tag = "fz", .path = "/s", .mode = 0755, .writable = writable, .own_uid = 1000, .own_gid = 7};
	struct virtio_device dev = {0};

	memset(fids, 0, sizeof(fids));
	made = false;
	REQUIRE(virtio_9p_start(&dev) == 0);
	device = device_of(ninep_port_find("fz"));
	queue = &device->queue;
	REQUIRE(share_mount(&share) == 0);
	ctx = fs_context_create();
	REQUIRE(ctx && vfs_chdir(ctx, "/s") == 0);
}

/* Shares are for ever, but not here. */
static void unmount_share(void)
{
	ctx->cwd->mount->super->on_heap = true;
	REQUIRE(vfs_chdir(ctx, "/") == 0);
	REQUIRE(vfs_umount(AT("/s"), UMOUNT_DETACH) == 0);
	fs_context_put(ctx);
}

static void remove_device(void)
{
	while (queue->ring.num && !queue->broken && avail_seen != queue->ring.avail->idx)
		deliver(LIES);
	for (unsigned i = 0; i < REQUESTS; i++) {
		struct request *r = &device->requests[i];

		REQUIRE(ring_lied || r->state == REQUEST_FREE);
		set_free(device, r);
		if (r->frame)
			frame_put(pfn_to_page((pfn_t){direct_map_paddr(r->frame).raw >> PAGE_SHIFT}));
		kfree(r->held);
	}
	LIST_REMOVE(&device->port, link);
	kfree(device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u64 heap = heap_bytes(), frames = frames_used();
	unsigned count;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	count = MIN(data[1] % (OPS_MAX + 1), (unsigned)(size - 2) / 2);
	lies = data + 2 + 2 * count;
	lies_len = size - 2 - 2 * count;
	lies_at = 0;
	mount_share(data[0] & 1);
	for (unsigned i = 0; i < count; i++)
		operate(data[2 + 2 * i], data[3 + 2 * i]);
	killed = false;
	unmount_share();
	remove_device();
	REQUIRE(heap_bytes() == heap && frames_used() == frames);
	return 0;
}

/* ---- what it starts from ---- */

static void seed(const char *folder, const char *name, u8 flags, const char *ops, const void *some, size_t n)
{
	u8 bytes[256] = {flags, (u8)(strlen(ops) / 2)};
	size_t len = 2;

	for (; *ops; ops += 2) {
		bytes[len++] = (u8)(ops[0] - 'a');
		bytes[len++] = (u8)(ops[1] - 'a');
	}
	memcpy(bytes + len, some, n);
	seed_write(folder, name, bytes, len + n);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = seed_folder(*argc, *argv);
	char name[32];

	memset(big, 'b', BIG_BYTES);
	fs_group_setup(NULL);
	waitq_register_scheduler(&sched_ops);
	ctx = fs_context_create();
	REQUIRE(ctx && vfs_make_path(ctx, "/s") == 0);
	fs_context_put(ctx);
	if (!folder)
		return 0;
	seed(folder, "reads", 0, "cocdaaabaebbdcdodd", "\x20", 1);
	seed(folder, "changes", 1, "elfahaihjalllpmlnmoa", "\x20", 1);
	seed(folder, "names", 0, "cdidjejaldmdojhfco", "\x20", 1);
	for (u8 how = 0; how < LIES; how++) {
		const u8 some[] = {32, 32, 32, how, 9, 0, 1, 2, 3, 4, 5, 32, 32, 32, 32, 32, 32, 32};

		snprintf(name, sizeof(name), "lie-%u", how);
		seed(folder, name, how & 1, "cdadaacocbaebbdcel", some, sizeof(some));
	}
	return 0;
}
