/* SPDX-License-Identifier: MIT */
/*
 * The trees of /proc and /sys: names, directories and links. What files hold is made in procfs_file.c.
 *
 *     /proc ── tables that rooms registered, then one directory for each process
 *              123 ── a table; fd and task are directories of numbers again
 *
 * Only the two roots have dentries that last. A walk asks `lookup` for every other name and gets a dentry and an
 * inode of its own, which live as long as somebody holds them: a file, a working directory, the walk. So there is
 * nothing to keep up to date when a process ends, and nothing is built before somebody looks.
 *
 * Inode numbers are a hash of what the file is about, so that they are the same each time.
 */
#include <asm/errno.h>
#include <linux/magic.h>
#include <moat/hash.h>
#include <moat/heap.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "mount.h"
#include "procfs.h"
#include "readdir.h"

#define NUMBERS_FROM (1ull << 32) /* cookies of names that are numbers, in a directory that has both kinds */
#define TABLES_FROM  COOKIE_FIRST

static const struct proc_entry proc_root = {.name = "", .mode = S_IFDIR | 0555};
static const struct proc_entry sys_root = {.name = "", .mode = S_IFDIR | 0555};
static struct proc_table *proc_tables, *sys_tables; /* [boot] */
static const struct proc_task_ops *tasks;	    /* [boot] NULL: no room of tasks yet */

static void append(struct proc_table **list, struct proc_table *t)
{
	while (*list)
		list = &(*list)->next;
	*list = t;
}

void proc_register(struct proc_table *t)
{
	append(&proc_tables, t);
}

void sysfs_register(struct proc_table *t)
{
	append(&sys_tables, t);
}

void proc_register_tasks(const struct proc_task_ops *ops)
{
	tasks = ops;
}

static u64 ino_of(const struct proc_entry *entry, const struct proc_key *key)
{
	u64 h = hash_bytes((u64)(uintptr_t)entry, key, sizeof(*key));

	return entry == &proc_root || entry == &sys_root ? 1 : 4026531840u + (u32)h % 268435456u;
}

static const struct proc_numbers *numbers_of(const struct proc_entry *dir)
{
	return dir == &proc_root && tasks ? &tasks->processes : dir->numbers;
}

/* The n-th entry that a directory has by name, or NULL. */
static const struct proc_entry *nth_entry(const struct proc_entry *dir, u64 n)
{
	struct proc_table own = {.entries = dir->table};
	const struct proc_table *t = dir == &proc_root ? proc_tables : dir == &sys_root ? sys_tables : &own;

	for (; t; t = t->next) {
		for (const struct proc_entry *e = t->entries; e && e->name; e++) {
			if (n-- == 0)
				return e;
		}
	}
	return NULL;
}

static const struct proc_entry *entry_by_name(const struct proc_entry *dir, const char *name, size_t len)
{
	const struct proc_entry *e;

	for (u64 n = 0; (e = nth_entry(dir, n)); n++) {
		if (strlen(e->name) == len && memcmp(e->name, name, len) == 0)
			return e;
	}
	return NULL;
}

/* A number in the only form in which a directory shows it. */
static bool parse_number(const char *name, size_t len, u32 *out)
{
	u64 n = 0;

	if (len == 0 || len > 9 || (len > 1 && name[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		n = n * 10 + (u64)(name[i] - '0');
	}
	*out = (u32)n;
	return true;
}

/* What `dir` has under that name. 0 or -ENOENT. */
static int find(const struct proc_node *dir, const char *name, size_t len, struct proc_node *out)
{
	const struct proc_numbers *numbers = numbers_of(dir->entry);
	u32 wanted, found;

	*out = (struct proc_node){entry_by_name(dir->entry, name, len), dir->key};
	if (out->entry)
		return 0;
	if (!numbers || !parse_number(name, len, &wanted) ||
	    !numbers->next(&dir->key, wanted, &found, &out->key) || found != wanted)
		return -ENOENT;
	out->entry = numbers->entry;
	return 0;
}

static ssize_t proc_readlink(struct inode *i, char *buf, size_t size)
{
	const struct proc_node *node = i->private;

	return node->entry->readlink(&node->key, buf, size);
}

static void proc_destroy(struct inode *i)
{
	kfree(i->private);
}

/* Truncating is allowed and does nothing: `echo 1 > file` opens with O_TRUNC. */
static int proc_resize(struct inode *i, u64 size_bytes)
{
	(void)i;
	(void)size_bytes;
	return 0;
}

static int proc_lookup(struct dentry *dir, const char *name, size_t len, struct dentry **out);

static const struct inode_ops dir_inode_ops = {.lookup = proc_lookup, .destroy = proc_destroy};
static const struct inode_ops file_inode_ops = {
	.resize = proc_resize, .readlink = proc_readlink, .destroy = proc_destroy};
static const struct file_ops proc_dir_ops;

/* A link's text, if it is short and known now; or where it leads. */
static int fill_link(struct inode *i, const struct proc_node *node)
{
	char text[64];
	ssize_t len;

	if (node->entry->jump)
		return node->entry->jump(&node->key, &i->jump);
	len = node->entry->readlink(&node->key, text, sizeof(text));
	if (len < 0)
		return (int)len;
	i->target = kstrdup(text, (size_t)len);
	return i->target ? 0 : -ENOMEM;
}

static int make_inode(struct super *s, const struct proc_node *what, struct inode **out)
{
	struct inode_seed seed = {.mode = what->entry->mode};
	struct proc_node *node = kmalloc(sizeof(*node));
	struct inode *i;
	int err;

	if (!node)
		return -ENOMEM;
	*node = *what;
	if (what->entry->permissions)
		seed.mode |= what->entry->permissions(&what->key);
	if (what->key.pid && !tasks->owner(&what->key, &seed.uid, &seed.gid)) {
		kfree(node);
		return -ENOENT;
	}
	i = inode_create(s, &seed);
	if (!i) {
		kfree(node);
		return -ENOMEM;
	}
	i->ino = ino_of(what->entry, &what->key);
	i->nlink = inode_is_dir(i) ? 2 : 1;
	i->private = node;
	i->ops = inode_is_dir(i) ? &dir_inode_ops : &file_inode_ops;
	if (!inode_is(i, S_IFLNK))
		i->file_ops = inode_is_dir(i) ? &proc_dir_ops : &proc_file_ops;
	err = inode_is(i, S_IFLNK) ? fill_link(i, node) : 0;
	if (err)
		inode_put(i);
	else
		*out = i;
	return err;
}

static int proc_lookup(struct dentry *dir, const char *name, size_t len, struct dentry **out)
{
	const struct proc_node *parent = dir->inode->private;
	struct proc_node node;
	struct inode *i;
	int err = find(parent, name, len, &node);

	if (!err)
		err = make_inode(dir->inode->super, &node, &i);
	if (err)
		return err;
	*out = dentry_create(i, name, len);
	if (!*out) {
		inode_put(i);
		return -ENOMEM;
	}
	dentry_get(dir);
	(*out)->parent = dir;
	(*out)->attached = true;
	return 0;
}

/* Shows one entry and moves the offset behind it; false stops. */
static bool show(struct file *f, struct dir_emit *e, const char *name, const struct proc_node *node,
		 u64 cookie)
{
	if (!e->emit(e, name, strlen(name), ino_of(node->entry, &node->key),
		     (unsigned char)((node->entry->mode & S_IFMT) >> 12), cookie))
		return false;
	f->offset = cookie;
	return true;
}

/* The directory itself and the one above. */
static bool show_dots(struct file *f, struct dir_emit *e, const struct proc_node *dir)
{
	const struct inode *above =
		dentry_real(f->dentry)->parent ? dentry_real(f->dentry)->parent->inode : f->inode;

	if (f->offset < COOKIE_DOT && !show(f, e, ".", dir, COOKIE_DOT))
		return false;
	if (f->offset >= COOKIE_DOTDOT)
		return true;
	if (!e->emit(e, "..", 2, above->ino, S_IFDIR >> 12, COOKIE_DOTDOT))
		return false;
	f->offset = COOKIE_DOTDOT;
	return true;
}

static bool show_table(struct file *f, struct dir_emit *e, const struct proc_node *dir)
{
	while (f->offset < NUMBERS_FROM) {
		u64 n = f->offset - COOKIE_DOTDOT;
		struct proc_node node = {nth_entry(dir->entry, n), dir->key};

		if (!node.entry)
			return true;
		if (!show(f, e, node.entry->name, &node, TABLES_FROM + n))
			return false;
	}
	return true;
}

static void show_numbers(struct file *f, struct dir_emit *e, const struct proc_node *dir)
{
	const struct proc_numbers *numbers = numbers_of(dir->entry);
	u64 from = f->offset < NUMBERS_FROM ? 0 : f->offset - NUMBERS_FROM + 1;
	struct proc_node node = {.entry = numbers ? numbers->entry : NULL};
	char name[16];
	u32 found;

	while (numbers && from < UINT32_MAX && numbers->next(&dir->key, (u32)from, &found, &node.key)) {
		ksnprintf(name, sizeof(name), "%u", found);
		if (!show(f, e, name, &node, NUMBERS_FROM + found))
			return;
		from = (u64)found + 1;
	}
}

static int proc_iterate(struct file *f, struct dir_emit *e)
{
	const struct proc_node *dir = f->inode->private;
	u32 uid, gid;

	if (dir->key.pid && !tasks->owner(&dir->key, &uid, &gid))
		return -ENOENT;
	if (show_dots(f, e, dir) && show_table(f, e, dir))
		show_numbers(f, e, dir);
	return 0;
}

static const struct file_ops proc_dir_ops = {
	.seek = dir_seek,
	.iterate = proc_iterate,
	.fsync = dir_fsync,
};

bool proc_task_key(const struct file *f, struct proc_key *key)
{
	const struct proc_node *node = f->ops == &proc_dir_ops ? f->inode->private : NULL;

	if (!node || !tasks || node->entry != tasks->processes.entry)
		return false;
	*key = node->key;
	return true;
}

/* Names come from tables only; what asks for one all the same is O_TMPFILE. */
static int refuse_create(struct super *s, const struct inode_seed *seed, struct inode **out)
{
	(void)s;
	(void)seed;
	(void)out;
	return -EOPNOTSUPP;
}

static void proc_facts(struct super *s __unused, struct fs_facts *out)
{
	out->magic = PROC_SUPER_MAGIC;
}

static void sys_facts(struct super *s __unused, struct fs_facts *out)
{
	out->magic = SYSFS_MAGIC;
}

static const struct super_ops proc_ops = {.create = refuse_create, .facts = proc_facts};
static const struct super_ops sys_ops = {.create = refuse_create, .facts = sys_facts};

int procfs_create(bool sys, struct super **super, struct inode **root)
{
	struct proc_node node = {.entry = sys ? &sys_root : &proc_root};
	struct super *s = kzalloc(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct super){
		.ops = sys ? &sys_ops : &proc_ops,
		.type = sys ? "sysfs" : "proc",
		.dev = mount_new_dev(),
		.next_ino = 1,
	};
	err = make_inode(s, &node, root);
	if (err)
		kfree(s);
	else
		*super = s;
	return err;
}

static int mount_one(struct dentry *point, bool sys)
{
	struct super *s;
	struct inode *root;
	int err = procfs_create(sys, &s, &root);

	if (err)
		return err;
	err = mount_attach(s, root, point);
	if (err) {
		inode_put(root);
		kfree(s);
	}
	return err;
}

int procfs_mount(struct dentry *proc, struct dentry *sys)
{
	int err = mount_one(proc, false);

	proc_register(&proc_fs_table);
	return err ? err : mount_one(sys, true);
}
