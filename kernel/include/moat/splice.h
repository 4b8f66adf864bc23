/* SPDX-License-Identifier: MIT */
/* room: fs */
/*
 * splice(2) and its relatives: bytes between pipes and files. len > 0. Bytes moved (short counts allowed, 0: the pipe has ended
 * or the file has), or -EAGAIN (SPLICE_NONBLOCK), -EINTR, -EPIPE (nobody reads the pipe), -EFAULT, -ENOMEM and what
 * the file says. Whether the descriptions may read and write was checked by the caller.
 */
#ifndef MOAT_SPLICE_H
#define MOAT_SPLICE_H

#include <moat/file.h>

enum splice_how {
	SPLICE_NONBLOCK = 1 << 0, /* do not wait for a pipe */
	SPLICE_COPY = 1 << 1,	  /* tee(2): the bytes stay where they were as well */
};

bool file_is_pipe(const struct file *f);
/* From one pipe to another one: -EINVAL when they are the same. */
ssize_t splice_pipes(struct file *in, struct file *out, size_t len, unsigned how);
/* The offset as for vfs_read and vfs_write. -EINVAL: files of this kind cannot be spliced. */
ssize_t splice_from_file(struct file *in, u64 *offset, struct file *out, size_t len, unsigned how);
ssize_t splice_to_file(struct file *in, struct file *out, u64 *offset, size_t len, struct write_rights rights,
		       unsigned how);
/* vmsplice(2): from the cursor's buffers, a slot for each page of them; and back. */
ssize_t splice_from_user(struct uio *u, struct file *out, unsigned how);
ssize_t splice_to_user(struct file *in, struct uio *u, unsigned how);

#endif
