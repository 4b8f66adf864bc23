/* SPDX-License-Identifier: MIT */
/*
 * Files that are only a descriptor: epoll(7), eventfd(2), timerfd_create(2) and their like. They have no contents and no name,
 * and so one inode does for all of them, as on Linux: readable and writable by its owner, and of no kind that stat(2) knows.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/panic.h>
#include "anon.h"

static struct inode *anon_inode; /* [I] lives for ever */

void anon_init(void)
{
	anon_inode = inode_create_anon(0600, 0);
	if (!anon_inode)
		panic("no memory for the inode of anonymous files");
}

struct file *anon_file_create(const struct file_ops *ops, u32 flags, void *private)
{
	struct file *f = file_create(ops, anon_inode, NULL, flags, private);

	if (f)
		inode_get(anon_inode);
	return f;
}
