/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a process's memory: mem, and what lies on its stack: cmdline, environ, auxv.
 *
 * The address space that counts is the one that was there when the file was opened: after an exec, or once the
 * process has ended, there is nothing to read.
 */
#include <moat/heap.h>
#include <moat/string.h>
#include <moat/usage.h>
#include "proc_internal.h"

/* One piece inside a page, through buf. 0 or -errno; *addr and u move by what was moved. */
static int transfer_piece(struct aspace *as, struct uio *u, u64 *addr, size_t n, enum aspace_access_how how,
			  u8 *buf)
{
	size_t moved;
	int err;

	if (how == ASPACE_POKE) {
		n = uio_copy_in(u, buf, n);
		if (!n)
			return -EFAULT;
	}
	err = aspace_access_forced(as, *addr, buf, n, how);
	if (err)
		return err;
	moved = how == ASPACE_PEEK ? uio_copy_out(u, buf, n) : n;
	*addr += moved;
	return moved < n ? -EFAULT : 0;
}

/* Up to u->left bytes at *addr, which is advanced; bytes moved, or -errno if none. */
static ssize_t transfer(struct aspace *as, struct uio *u, u64 *addr, u64 end, enum aspace_access_how how)
{
	u8 *buf = kmalloc(PAGE_SIZE);
	u64 start = *addr;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	while (u->left && *addr < end && !err) {
		size_t n = MIN(MIN(PAGE_SIZE - *addr % PAGE_SIZE, u->left), end - *addr);

		waitq_give_way();
		err = transfer_piece(as, u, addr, n, how, buf);
		if (!err && waitq_signal_due())
			err = -EINTR;
	}
	kfree(buf);
	return *addr > start ? (ssize_t)(*addr - start) : err;
}

static ssize_t access_mem(struct proc_open *o, struct uio *u, u64 *offset, enum aspace_access_how how)
{
	struct aspace *as;

	/* A process that is gone has no memory: the end of the file, as on Linux. */
	if (proc_opened_aspace(o, &as) || !as)
		return 0;
	ssize_t n = *offset >= USER_TOP && u->left ? -EIO : transfer(as, u, offset, USER_TOP, how);
	aspace_put(as);
	return n;
}

ssize_t proc_read_mem(struct proc_open *o, struct uio *u, u64 *offset)
{
	return access_mem(o, u, offset, ASPACE_PEEK);
}

ssize_t proc_write_mem(struct proc_open *o, struct uio *u, u64 *offset)
{
	return access_mem(o, u, offset, ASPACE_POKE);
}

/* A range of the process's memory as the file's content. */
static ssize_t read_range(struct aspace *as, struct range r, struct uio *u, u64 *offset)
{
	u64 addr;
	ssize_t n;

	if (range_empty(r) || *offset >= range_len(r))
		return 0;
	addr = r.start + *offset;
	n = transfer(as, u, &addr, r.end, ASPACE_PEEK);
	if (n > 0)
		*offset += (u64)n;
	return n == -EIO ? 0 : n;
}

static ssize_t read_strings(struct proc_open *o, struct uio *u, u64 *offset, bool environment)
{
	struct subject *s;
	ssize_t n = subject_get(&o->key, &s);

	if (n)
		return n;
	if (s->aspace && (!environment || o->token == s->aspace->id))
		n = read_range(s->aspace, environment ? s->facts.env : s->facts.args, u, offset);
	subject_put(s);
	return n;
}

ssize_t proc_read_environ(struct proc_open *o, struct uio *u, u64 *offset)
{
	return read_strings(o, u, offset, true);
}

ssize_t proc_read_cmdline(struct proc_open *o, struct uio *u, u64 *offset)
{
	return read_strings(o, u, offset, false);
}

ssize_t proc_read_auxv(struct proc_open *o, struct uio *u, u64 *offset)
{
	struct subject *s;
	ssize_t n = subject_get(&o->key, &s);
	size_t size, want;

	if (n)
		return n;
	size = s->aspace ? s->facts.auxv_words * sizeof(u64) : 0;
	if (*offset < size) {
		want = MIN(size - *offset, u->left);
		n = (ssize_t)uio_copy_out(u, (const u8 *)s->facts.auxv + *offset, want);
		*offset += (u64)n;
		if (want && !n)
			n = -EFAULT;
	}
	subject_put(s);
	return n;
}
