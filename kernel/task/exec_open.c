/* SPDX-License-Identifier: MIT */
/* What execve(2) asks of a file before it looks inside. */
#include <asm/errno.h>
#include <linux/stat.h>

#include <moat/exec.h>

#define MODE_EXEC_ANY 0111

int exec_open_at(const struct fs_at *at, u32 open_flags, struct file **out)
{
	struct file_facts facts;
	struct file *file;
	int err = vfs_open_at(at, open_flags | OPEN_FOR_EXEC, &file);

	if (err)
		return err;
	vfs_facts(file, &facts);
	/* Even uid 0, who may do anything, executes only what somebody may execute. */
	if (!S_ISREG(facts.mode) || !(facts.mode & MODE_EXEC_ANY))
		err = -EACCES;
	if (err) {
		file_put(file);
		return err;
	}
	*out = file;
	return 0;
}

int exec_open(struct fs_context *fs, struct dentry *base, const char *path, struct file **out)
{
	struct fs_at at = fs_at(fs, base, path, 0);

	return exec_open_at(&at, 0, out);
}
