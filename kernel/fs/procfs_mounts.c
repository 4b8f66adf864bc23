/* SPDX-License-Identifier: MIT */
/* What the fs room tells in /proc: which file systems there are, and what is mounted where. */
#include <asm/errno.h>
#include <linux/limits.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "mount.h"
#include "path.h"
#include "procfs.h"

#define MOUNT_ESCAPE " \t\n\\#"

static int show_filesystems(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	static const char *const types[] = {"sysfs", "tmpfs", "proc", "devtmpfs", "devpts"};

	(void)o;
	(void)pos;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		proc_printf(t, "nodev\t%s\n", types[i]);
	proc_printf(t, "\text2\n");
	return 0;
}

/* What one line is about; names are copied because the text may not be made under the tree lock. */
struct mount_line {
	u32 id, parent_id, dev, group, master;
	bool unbindable, read_only;
	const char *type;
	u64 flags;
	char source[256];
	char root[PATH_MAX]; /* what is seen, in its file system */
	char path[PATH_MAX]; /* where */
};

static bool build_paths(const struct mount *m, struct mount_line *l)
{
	struct path_builder where, what;
	const struct dentry *name;

	path_builder_init(&where, l->path, sizeof(l->path));
	path_builder_init(&what, l->root, sizeof(l->root));
	for (struct place p = place_of(m->root); place_up(&p, &name);) {
		if (name)
			path_builder_prepend(&where, name->name, name->name_len);
	}
	for (const struct dentry *d = m->origin; d && d->parent; d = d->parent)
		path_builder_prepend(&what, d->name, d->name_len);
	return path_builder_finish(&where) >= 0 && path_builder_finish(&what) >= 0;
}

static bool read_line(u32 from, struct mount_line *l)
{
	const struct mount *m, *parent;
	bool good = false;

	rwlock_read(&fs_tree_lock);
	m = mount_next(from);
	if (m) {
		parent = m->point ? dentry_mount(m->point) : NULL;
		l->id = m->id;
		l->parent_id = parent ? parent->id : m->point ? 0 : m->id;
		l->dev = m->super->dev;
		l->type = m->super->type;
		l->group = m->group;
		l->master = m->master;
		l->unbindable = m->unbindable;
		l->read_only = m->super->read_only || !m->super->ops->create;
		l->flags = mount_flags(m) | (l->read_only ? MOUNT_RDONLY : 0);
		(void)str_copy(l->source, m->super->source ? m->super->source : l->type, sizeof(l->source));
		good = build_paths(m, l);
	}
	rwlock_read_done(&fs_tree_lock);
	return good;
}

static void put_options(struct proc_text *t, const struct mount_line *l)
{
	proc_printf(t, " %s%s%s%s%s%s", l->flags & MOUNT_RDONLY ? "ro" : "rw",
		    l->flags & MOUNT_NOSUID ? ",nosuid" : "", l->flags & MOUNT_NODEV ? ",nodev" : "",
		    l->flags & MOUNT_NOEXEC ? ",noexec" : "",
		    l->flags & MOUNT_NODIRATIME ? ",nodiratime" : "",
		    l->flags & MOUNT_NOATIME	   ? ",noatime"
		    : l->flags & MOUNT_STRICTATIME ? ""
						   : ",relatime");
}

/* An empty name would be no word. */
static void put_source(struct proc_text *t, const struct mount_line *l)
{
	proc_put_escaped(t, l->source[0] ? l->source : "none", MOUNT_ESCAPE);
}

static void put_mount(struct proc_text *t, const struct mount_line *l)
{
	put_source(t, l);
	proc_printf(t, " ");
	proc_put_escaped(t, l->path, MOUNT_ESCAPE);
	proc_printf(t, " %s", l->type);
	put_options(t, l);
	proc_printf(t, " 0 0\n");
}

static void put_mountinfo(struct proc_text *t, const struct mount_line *l)
{
	proc_printf(t, "%u %u %u:%u ", l->id, l->parent_id, l->dev >> 20, l->dev & 0xfffff);
	proc_put_escaped(t, l->root, MOUNT_ESCAPE);
	proc_printf(t, " ");
	proc_put_escaped(t, l->path, MOUNT_ESCAPE);
	put_options(t, l);
	if (l->group)
		proc_printf(t, " shared:%u", l->group);
	if (l->master)
		proc_printf(t, " master:%u", l->master);
	if (l->unbindable)
		proc_printf(t, " unbindable");
	proc_printf(t, " - %s ", l->type);
	put_source(t, l);
	proc_printf(t, " %s\n", l->read_only ? "ro" : "rw");
}

static int show_line(struct proc_text *t, u64 *pos,
		     void (*put)(struct proc_text *, const struct mount_line *))
{
	struct mount_line *l = kmalloc(sizeof(*l));
	int more = 0;

	if (!l)
		return -ENOMEM;
	if (read_line((u32)*pos, l)) {
		put(t, l);
		*pos = l->id + 1;
		more = 1;
	}
	kfree(l);
	return more;
}

int proc_show_mounts(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	return show_line(t, pos, put_mount);
}

int proc_show_mountinfo(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)o;
	return show_line(t, pos, put_mountinfo);
}

static ssize_t read_self_mounts(const struct proc_key *key, char *buf, size_t size)
{
	(void)key;
	return (ssize_t)str_copy(buf, "self/mounts", size);
}

static const struct proc_entry fs_entries[] = {
	{.name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems},
	{.name = "mounts", .mode = S_IFLNK | 0777, .readlink = read_self_mounts},
	{0},
};

struct proc_table proc_fs_table = {.entries = fs_entries};
