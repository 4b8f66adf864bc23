/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: a hostile disk. A small image is made by the kernel's own file system; then
 *
 *     input     | flags | count |  count times: operation, paths  |  patches: where (3 bytes), how many, bytes  |
 *
 * the patches change it (where is a place that means something, or any), it is mounted, and programs work on it.
 *
 * Whatever the disk says: each operation ends, with a number of transfers in proportion to the disk; none gives an impossible
 * result; what is written stays on the disk; afterwards no byte of heap and no frame is missing.
 */
/* Its lists, and the steps of a mount: a disk is for ever, but not here. */
#include "../../kernel/fs/ext2_super.c"
#include "fs_fixture.h"
#include "seeds.h"

#define BLOCK	      1024u
#define BLOCKS	      160u
#define INODES	      32u
#define INODE_BYTES   256u
#define TABLE	      5u /* the first block of the table of inodes */
#define DATA	      (TABLE + INODES * INODE_BYTES / BLOCK)
#define INPUT_MAX     512
#define OPS_MAX	      12
#define PATHS	      16
#define TRANSFERS_MAX 100000
#define DETACH	      2 /* MNT_DETACH */

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static u8 base[BLOCKS * BLOCK], image[BLOCKS * BLOCK];
static unsigned transfers;

static int transfer(struct block_device *d, enum block_request what, u64 sector,
		    const struct block_piece *pieces, unsigned n)
{
	(void)d;
	REQUIRE(++transfers < TRANSFERS_MAX);
	for (unsigned i = 0; i < n; i++) {
		u8 *memory = (u8 *)page_address(pieces[i].page) + pieces[i].offset,
		   *at = image + sector * BLOCK_SECTOR;

		REQUIRE(pieces[i].bytes && pieces[i].offset + pieces[i].bytes <= PAGE_SIZE);
		REQUIRE(sector * BLOCK_SECTOR + pieces[i].bytes <= sizeof(image));
		if (what == BLOCK_READ)
			memcpy(memory, at, pieces[i].bytes);
		else
			memcpy(at, memory, pieces[i].bytes);
		sector += pieces[i].bytes / BLOCK_SECTOR;
	}
	return 0;
}

static const struct block_ops ops = {.transfer = transfer};
static struct block_device disk_device = {.ops = &ops, .name = "fz", .sectors = sizeof(image) / BLOCK_SECTOR};

/* ---- a mount that ends ---- */

/* NULL: the disk was refused. */
static struct ext2_super *mount_disk(void)
{
	struct ext2_super *s = NULL;
	const char *why;
	int err;

	if (open_disk(&disk_device, &why, &s))
		return NULL;
	s->super.inodes++; /* it is freed below, and not with its last inode */
	err = begin(s);
	if (!err)
		err = attach(s, "/s");
	if (!err) {
		TAILQ_INSERT_TAIL(&mounted, s, link);
		return s;
	}
	s->failed = true;
	TAILQ_INSERT_TAIL(&mounted, s, link);
	return s;
}

static void forget(struct ext2_super *s)
{
	TAILQ_REMOVE(&mounted, s, link);
	for (u64 index = 0; radix_next(&s->dirty, &index);)
		radix_remove(&s->dirty, index);
	mobj_put(s->meta);
	kfree(s->disk_super);
	kfree(s);
}

static void unmount_disk(struct ext2_super *s)
{
	const bool shown = s->super.mounts;

	(void)!disk_unmount_all();
	REQUIRE(vfs_chdir(ctx, "/") == 0);
	s->super.on_heap = true;
	if (shown)
		REQUIRE(vfs_umount(AT("/s"), DETACH) == 0);
	REQUIRE(s->super.inodes == 1 && TAILQ_EMPTY(&s->nodes));
	forget(s);
}

/* ---- what programs do ---- */

static const char *const paths[PATHS] = {"file",    "big",	 "link", "long",       "dir", "dir/in",
					 "dir/sub", "dir/sub/x", "dev",	 "dir/../dir", "new", "dir/new",
					 "hard",    "none",	 ".",	 "link/x"};
static char bytes[16384];

static bool list_one(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type, u64 next)
{
	(void)e;
	(void)ino;
	(void)type;
	(void)next;
	REQUIRE(len > 0 && len <= 255 && !memchr(name, 0, len) && !memchr(name, '/', len));
	return true;
}

static void list(const char *path)
{
	struct dir_emit emit = {list_one};
	struct file *f;

	if (vfs_open(ctx, NULL, path, O_RDONLY | O_DIRECTORY, 0, &f))
		return;
	(void)vfs_iterate(f, &emit);
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
		REQUIRE(inode_read_link(dentry_inode(d), text, sizeof(text)) >= 0);
	inode_fs_facts(dentry_inode(d), &facts);
	REQUIRE(facts.block_size);
	(void)!inode_chmod(dentry_inode(d), ctx, 0700);
	dentry_put(d);
}

static u64 offset_of(u8 choice)
{
	static const u64 offsets[] = {0,	  1000,	      12 * BLOCK - 7,  268 * BLOCK, (1u << 26) + 5,
				      UINT32_MAX, 1ull << 34, INT64_MAX - 9000};

	return offsets[choice % ARRAY_SIZE(offsets)];
}

static void use_file(const char *path, u8 op, u8 choice)
{
	const struct write_rights all = {UINT64_MAX, true};
	u64 offset = offset_of(choice);
	struct file *f;
	struct uio u;

	if (vfs_open(ctx, NULL, path, O_RDWR | O_NONBLOCK | (op & 16 ? O_CREAT : 0) | (op & 32 ? O_TRUNC : 0),
		     0644, &f))
		return;
	if (S_ISREG(f->inode->mode)) {
		REQUIRE(vfs_pread(f, bytes, sizeof(bytes), offset) <= (ssize_t)sizeof(bytes));
		uio_init_kernel(&u, bytes, 1 + choice * 40u);
		if (op & 64)
			REQUIRE(vfs_write(f, &u, &offset, all) <= 1 + choice * 40);
		if (op & 128)
			(void)!vfs_fsync(f);
	}
	file_put(f);
}

static int change_names(u8 op, const char *path, const char *other, u8 choice)
{
	switch (op) {
	case 0:
		return vfs_unlink(AT(path));
	case 1:
		return vfs_rename(AT(path), AT(other), 0);
	case 2:
		return vfs_truncate(AT(path), (s64)offset_of(choice), UINT64_MAX);
	case 3:
		return vfs_mkdir(AT(path), 0755);
	case 4:
		return vfs_rmdir(AT(path));
	case 5:
		return vfs_symlink(AT(path), bytes + sizeof(bytes) - 1 - choice);
	case 6:
		return vfs_link(AT(path), AT(other));
	default:
		return vfs_mknod(AT(path), S_IFIFO | 0600, 0);
	}
}

static void make_tmpfile(const char *path, u8 choice)
{
	struct file *f;
	char name[32];

	if (vfs_open(ctx, NULL, path, O_RDWR | O_TMPFILE, 0600, &f))
		return;
	put_text(f, "unnamed");
	if (choice & 1) {
		struct fs_at from = {.ctx = ctx, .base = f->dentry, .path = "", .flags = FS_EMPTY_PATH};

		snprintf(name, sizeof(name), "/s/t%u", choice);
		(void)!vfs_link(&from, AT(name));
	}
	file_put(f);
}

static void operate(u8 op, u8 which)
{
	const char *path = paths[which % PATHS], *other = paths[which / PATHS];

	switch (op % 16) {
	case 0:
	case 1:
	case 2:
		use_file(path, op, which / PATHS);
		break;
	case 3:
		list(path);
		break;
	case 4:
		look(path);
		break;
	case 5:
		(void)!disk_sync_all();
		break;
	case 6:
		make_tmpfile(path, which / PATHS);
		break;
	case 7:
		(void)find(path);
		break;
	default:
		REQUIRE(change_names(op % 16 - 8, path, other, which / PATHS) <= 0);
	}
}

/* ---- the image ---- */

/* A file system with nothing but a root. */
static void format(void)
{
	struct ext2_disk_super *s = (struct ext2_disk_super *)(image + EXT2_SUPER_AT);
	struct ext2_disk_group *g = (struct ext2_disk_group *)(image + 2 * BLOCK);
	struct ext2_disk_inode *root = (struct ext2_disk_inode *)(image + TABLE * BLOCK + INODE_BYTES);
	struct ext2_dirent *d = (struct ext2_dirent *)(image + DATA * BLOCK);

	*s = (struct ext2_disk_super){.inodes_count = INODES,
				      .blocks_count = BLOCKS,
				      .free_blocks = BLOCKS - 1 - DATA,
				      .free_inodes = INODES - 11,
				      .first_data_block = 1,
				      .blocks_per_group = 8192,
				      .frags_per_group = 8192,
				      .inodes_per_group = INODES,
				      .magic = EXT2_MAGIC,
				      .state = EXT2_STATE_VALID,
				      .revision = 1,
				      .first_inode = 11,
				      .inode_bytes = INODE_BYTES,
				      .incompat = EXT2_INCOMPAT_FILETYPE};
	*g = (struct ext2_disk_group){.block_bitmap = 3,
				      .inode_bitmap = 4,
				      .inode_table = TABLE,
				      .free_blocks = BLOCKS - 1 - DATA,
				      .free_inodes = INODES - 11,
				      .directories = 1};
	memset(image + 3 * BLOCK, 0xff, 2 * BLOCK);
	for (u32 b = DATA + 1; b < BLOCKS; b++)
		image[3 * BLOCK + (b - 1) / 8] &= (u8) ~(1u << (b - 1) % 8);
	for (u32 i = 11; i < INODES; i++)
		image[4 * BLOCK + i / 8] &= (u8) ~(1u << i % 8);
	*root = (struct ext2_disk_inode){
		.mode = S_IFDIR | 0755, .size = BLOCK, .links = 2, .sectors = 2, .slots = {DATA}};
	*d = (struct ext2_dirent){.ino = EXT2_ROOT_INO, .bytes = 12, .name_len = 1, .type = 2};
	memcpy(d->name, ".", 1);
	d = (struct ext2_dirent *)((u8 *)d + 12);
	*d = (struct ext2_dirent){.ino = EXT2_ROOT_INO, .bytes = BLOCK - 12, .name_len = 2, .type = 2};
	memcpy(d->name, "..", 2);
}

static void fill_base(void)
{
	struct ext2_super *s;
	struct file *f;

	format();
	s = mount_disk();
	REQUIRE(s && !s->failed && vfs_chdir(ctx, "/s") == 0);
	make_file("file", "some text");
	REQUIRE(vfs_mkdir(AT("dir"), 0755) == 0 && vfs_mkdir(AT("dir/sub"), 0755) == 0);
	make_file("dir/in", "inside");
	make_file("dir/sub/x", "");
	REQUIRE(vfs_symlink(AT("link"), "dir") == 0 && vfs_link(AT("file"), AT("hard")) == 0);
	REQUIRE(vfs_symlink(AT("long"), bytes + sizeof(bytes) - 200) == 0);
	REQUIRE(vfs_mknod(AT("dev"), S_IFCHR | 0600, dev_make(300, 70000)) == 0);
	for (u32 i = 0; i < 3; i++) {
		f = open_file("big", O_RDWR | O_CREAT);
		REQUIRE(vfs_seek(f, (s64)offset_of((u8)(i + 2)), SEEK_SET) >= 0);
		put_text(f, "in blocks of numbers");
		file_put(f);
	}
	unmount_disk(s);
	memcpy(base, image, sizeof(base));
}

/* Where a patch goes: the superblock, the group, an inode, a directory or a block of numbers; or anywhere. */
static size_t place_of_patch(const u8 *where)
{
	static const u32 starts[] = {
		EXT2_SUPER_AT, 2 * BLOCK, 3 * BLOCK, 4 * BLOCK, TABLE * BLOCK + INODE_BYTES, DATA * BLOCK};
	static const u32 sizes[] = {128, 32, 24, 8, INODES * INODE_BYTES, (BLOCKS - DATA) * BLOCK};
	unsigned kind = where[0] % 7u;
	u32 at = where[1] | (u32)where[2] << 8;

	if (kind == 6)
		return (at * 4u + where[0] / 7u) % sizeof(image);
	return starts[kind] + at % sizes[kind];
}

static void patch(const u8 *data, size_t size)
{
	memcpy(image, base, sizeof(image));
	while (size >= 5) {
		size_t at = place_of_patch(data), n = MIN(data[3] % 16u + 1, size - 4);

		n = MIN(n, sizeof(image) - at);
		memcpy(image + at, data + 4, n);
		data += 4 + n;
		size -= 4 + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u64 heap = heap_bytes(), frames = frames_used();
	struct ext2_super *s;
	unsigned count;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	count = MIN(data[1] % (OPS_MAX + 1), (unsigned)(size - 2) / 2);
	patch(data + 2 + 2 * count, size - 2 - 2 * count);
	disk_device.readonly = data[0] & 1;
	transfers = 0;
	s = mount_disk();
	if (s && s->super.mounts)
		REQUIRE(vfs_chdir(ctx, "/s") == 0);
	for (unsigned i = 0; s && s->super.mounts && i < count; i++)
		operate(data[2 + 2 * i], data[3 + 2 * i]);
	if (s)
		unmount_disk(s);
	REQUIRE(heap_bytes() == heap && frames_used() == frames);
	return 0;
}

/* ---- what it starts from ---- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = seed_folder(*argc, *argv);
	u8 some[2 + 2 * OPS_MAX + 5];
	char name[32];

	memset(bytes, 'b', sizeof(bytes) - 1);
	fs_group_setup(NULL);
	ctx = fs_context_create();
	REQUIRE(ctx && vfs_make_path(ctx, "/s") == 0);
	LIST_INSERT_HEAD(&devices, &disk_device, link);
	fill_base();
	for (unsigned k = 0; folder && k < 7 * 8; k++) {
		some[0] = 0;
		some[1] = OPS_MAX;
		for (unsigned i = 0; i < 2 * OPS_MAX; i++)
			some[2 + i] = (u8)(k * 37 + i * 11 + i * i);
		memcpy(some + 2 + 2 * OPS_MAX, (u8[]){(u8)k, (u8)(k * 5), 0, 3, 0xff}, 5);
		snprintf(name, sizeof(name), "seed-%u", k);
		seed_write(folder, name, some, sizeof(some));
	}
	return 0;
}
