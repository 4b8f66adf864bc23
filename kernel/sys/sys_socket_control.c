/* SPDX-License-Identifier: MIT */
/*
 * Ancillary data of messages (cmsg(3), unix(7)): files and credentials, between user memory and a struct sock_message.
 *
 *     | cmsghdr | data | pad to 8 | cmsghdr | data | …
 */
#include <arch/uaccess.h>
#include <linux/capability.h>
#include <moat/cred.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "sys_socket.h"

#define SCM_RIGHTS	1
#define SCM_CREDENTIALS 2

struct header {
	u64 len; /* of it and its data */
	s32 level, type;
};

#define CONTROL_SPACE(len) ALIGN_UP(sizeof(struct header) + (len), sizeof(u64))

static int add_file(struct sock_rights *r, int fd)
{
	struct file *f = fd_get_path(current_thread()->files, fd);

	if (!f)
		return -EBADF;
	r->files[r->count++] = f;
	return 0;
}

static int get_rights(struct sock_message *m, const int *fds, size_t count)
{
	int err = 0;

	if (count == 0)
		return 0;
	if (count + (m->rights ? m->rights->count : 0) > SOCKET_RIGHTS_MAX)
		return -EINVAL;
	if (!m->rights)
		m->rights = kzalloc(sizeof(*m->rights));
	if (!m->rights)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = add_file(m->rights, fds[i]);
	return err;
}

/* What one may say of oneself, and with the capability of others, as long as the process exists. */
static int check_cred(const struct sock_cred *c)
{
	const struct process *p = current_process();
	const struct cred *me = current_cred();

	if (c->pid != p->pid && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (c->uid != me->uid && c->uid != me->euid && c->uid != me->suid && !capable(CAP_SETUID))
		return -EPERM;
	if (c->gid != me->gid && c->gid != me->egid && c->gid != me->sgid && !capable(CAP_SETGID))
		return -EPERM;
	if (c->uid == UINT32_MAX || c->gid == UINT32_MAX)
		return -EINVAL;
	return c->pid == p->pid || (c->pid > 0 && process_exists(c->pid)) ? 0 : -ESRCH;
}

static int get_one(struct sock_message *m, const struct header *h)
{
	size_t len = h->len - sizeof(*h);

	if (h->level != SOL_SOCKET)
		return 0;
	switch (h->type) {
	case SCM_RIGHTS:
		return get_rights(m, (const int *)(h + 1), len / sizeof(int));
	case SCM_CREDENTIALS:
		if (len != sizeof(m->cred))
			return -EINVAL;
		memcpy(&m->cred, h + 1, sizeof(m->cred));
		m->has_cred = true;
		return check_cred(&m->cred);
	default:
		return -EINVAL;
	}
}

static int get_all(struct sock_message *m, const u8 *bytes, size_t len)
{
	size_t at = 0;

	while (at + sizeof(struct header) <= len) {
		const struct header *h = (const struct header *)(bytes + at);
		int err;

		if (h->len < sizeof(*h) || h->len > len - at)
			return -EINVAL;
		err = get_one(m, h);
		if (err)
			return err;
		at += ALIGN_UP(h->len, sizeof(u64));
	}
	return 0;
}

int control_get(u64 base, u64 len, struct sock_message *m)
{
	u8 *bytes;
	int err;

	if (len == 0)
		return 0;
	if (len > SOCKET_CONTROL_MAX)
		return -ENOBUFS;
	bytes = kmalloc(len);
	if (!bytes)
		return -ENOBUFS;
	err = copy_from_user(bytes, (const void __user *)base, len) ? -EFAULT : get_all(m, bytes, len);
	kfree(bytes);
	if (err) {
		sock_rights_free(m->rights);
		m->rights = NULL;
	}
	return err;
}

/* One item; what does not fit is cut off. */
static int put_one(struct control *c, int type, const void *data, size_t len)
{
	struct header h = {.len = sizeof(h) + len, .level = SOL_SOCKET, .type = type};

	if (c->left < sizeof(h)) {
		c->flags |= MSG_CTRUNC;
		return 0;
	}
	if (c->left < h.len) {
		c->flags |= MSG_CTRUNC;
		h.len = c->left;
	}
	if (copy_to_user((void __user *)c->base, &h, sizeof(h)) ||
	    copy_to_user((void __user *)(c->base + sizeof(h)), data, h.len - sizeof(h)))
		return -EFAULT;
	c->base += MIN(CONTROL_SPACE(len), c->left);
	c->left -= MIN(CONTROL_SPACE(len), c->left);
	return 0;
}

/* A descriptor for f, told to the program; the reference is taken over. Or -errno. */
static int put_file(struct file *f, int __user *to, bool cloexec)
{
	struct fd_table *files = current_thread()->files;
	int fd = fd_reserve(files, 0, sys_fd_limit(), cloexec);

	if (fd < 0)
		return fd;
	if (put_user(fd, to)) {
		fd_unreserve(files, fd);
		return -EFAULT;
	}
	fd_fill(files, fd, f);
	return 0;
}

/* As many files as there is room and there are numbers for; the others are dropped. */
static void put_rights(struct control *c, struct sock_rights *r, bool cloexec)
{
	struct header h = {.level = SOL_SOCKET, .type = SCM_RIGHTS};
	u32 room = c->left > sizeof(h) ? (u32)MIN((c->left - sizeof(h)) / sizeof(int), r->count) : 0,
	    done = 0;
	int __user *to = (int __user *)(c->base + sizeof(h));

	while (done < room && !put_file(r->files[done], to + done, cloexec))
		done++;
	if (done) {
		h.len = sizeof(h) + done * sizeof(int);
		/* As on Linux a header that cannot be written is no error: the files are there. */
		if (!copy_to_user((void __user *)c->base, &h, sizeof(h))) {
			u64 space = MIN(CONTROL_SPACE(done * sizeof(int)), c->left);

			c->base += space;
			c->left -= space;
		}
	}
	if (done < r->count)
		c->flags |= MSG_CTRUNC;
	/* What is left is in front again, for whoever drops it. */
	r->count -= done;
	for (u32 i = 0; i < r->count; i++)
		r->files[i] = r->files[i + done];
}

int control_put(struct control *c, struct sock_message *m)
{
	int err = 0;

	if (!c->base) {
		if (m->has_cred || m->rights)
			c->flags |= MSG_CTRUNC;
	} else {
		if (m->has_cred)
			err = put_one(c, SCM_CREDENTIALS, &m->cred, sizeof(m->cred));
		if (m->rights)
			put_rights(c, m->rights, m->flags & MSG_CMSG_CLOEXEC);
	}
	sock_rights_free(m->rights);
	m->rights = NULL;
	return err;
}
