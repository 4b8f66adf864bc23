/* SPDX-License-Identifier: MIT */
/*
 * The client of 9P2000.L (diod's protocol.md; the version that QEMU's server speaks): requests are put together here, and
 * replies taken apart. Numbers are little-endian, strings are a length of 16 bits and bytes.
 *
 *     request    size[4] type[1] tag[2]  fid[4] ...        reply   size[4] type + 1[1] tag[2]  ...
 *                                                          or      size[4] Rlerror[1] tag[2]  errno[4]
 *
 * The server is not trusted: a reply that is of another type, shorter than its kind must be, or counts more than it
 * carries, is -EIO. The port has checked the size and the tag.
 */
#include <asm/errno.h>
#include <linux/limits.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "ninep.h"
#include "ninep_wire.h"

#define NO_TAG	      0xffff
#define MSIZE	      (NINEP_PAYLOAD_MAX + (u32)PAGE_SIZE)
#define GETATTR_BASIC 0x7ffull
#define ERRNO_MAX     133 /* the last of Linux's that a program knows */

static const char version[] = "9P2000.L";

static LIST_HEAD(, ninep_port) ports = LIST_HEAD_INITIALIZER(ports); /* [I after boot] */

void ninep_port_register(struct ninep_port *p)
{
	LIST_INSERT_HEAD(&ports, p, link);
}

struct ninep_port *ninep_port_find(const char *tag)
{
	struct ninep_port *p;

	LIST_FOREACH (p, &ports, link) {
		if (strcmp(p->tag, tag) == 0)
			return p;
	}
	return NULL;
}

void ninep_init(struct ninep *n, struct ninep_port *port, u32 uid, u32 gid)
{
	*n = (struct ninep){.port = port, .next_fid = NINEP_ROOT_FID + 1, .uid = uid, .gid = gid};
	mutex_init(&n->start_lock, RANK_OBJECT);
}

u32 ninep_new_fid(struct ninep *n)
{
	return __atomic_fetch_add(&n->next_fid, 1, __ATOMIC_RELAXED);
}

/* ---- exchanges ---- */

static void begin(struct exchange *x, enum message_type type)
{
	x->m = (struct ninep_message){.out = x->out, .in = x->in, .in_bytes = REPLY_MAX};
	x->at = 0;
	put(x, 0, 4);
	put(x, type, 1);
	put(x, NO_TAG, 2);
}

void ninep_begin(struct exchange *x, enum message_type type, u32 fid)
{
	begin(x, type);
	put(x, fid, 4);
}

/* What the server says that went wrong. Errors that would mean something else to the kernel are not for it to say. */
static int error_of(struct exchange *x)
{
	u64 code = x->m.got >= PAYLOAD_HEAD ? bytes_at(x->in + NINEP_HEADER, 4) : 0;

	if (code == 0 || code > ERRNO_MAX || code == EINTR || code == EAGAIN || code == ENOMEM)
		return -EIO;
	return -(int)code;
}

int ninep_finish(struct ninep *n, struct exchange *x, u32 min)
{
	u8 type = x->out[4];
	int err;

	x->m.out_bytes = x->at;
	err = n->port->ops->call(n->port, &x->m);
	if (err)
		return err;
	if (x->in[4] == R_LERROR)
		return error_of(x);
	x->at = NINEP_HEADER;
	return x->in[4] == type + 1 && x->m.got >= NINEP_HEADER + min ? 0 : -EIO;
}

/* ---- the session ---- */

static int negotiate(struct ninep *n)
{
	struct exchange x;
	int err;

	begin(&x, T_VERSION);
	put(&x, MSIZE, 4);
	put_string(&x, version, sizeof(version) - 1);
	err = ninep_finish(n, &x, 6 + sizeof(version) - 1);
	if (err)
		return err;
	if (get(&x, 4) < MSIZE || get(&x, 2) != sizeof(version) - 1 ||
	    memcmp(x.in + x.at, version, sizeof(version) - 1) != 0)
		return -EOPNOTSUPP;
	ninep_begin(&x, T_ATTACH, NINEP_ROOT_FID);
	put(&x, NINEP_NO_FID, 4);
	put_string(&x, "", 0);
	put_string(&x, "", 0);
	put(&x, n->uid, 4);
	return ninep_finish(n, &x, QID_BYTES);
}

int ninep_ready(struct ninep *n)
{
	int state = __atomic_load_n(&n->started, __ATOMIC_ACQUIRE);

	if (likely(state))
		return state < 0 ? state : 0;
	mutex_lock(&n->start_lock);
	if (!n->started) {
		int err = n->port->ops->open(n->port);

		if (!err)
			err = negotiate(n);
		/* A thread that was killed, or had no memory, says nothing about the server. */
		if (err != -EINTR && err != -ENOMEM)
			__atomic_store_n(&n->started, err ? err : 1, __ATOMIC_RELEASE);
		state = err;
	} else {
		state = n->started < 0 ? n->started : 0;
	}
	mutex_unlock(&n->start_lock);
	return state;
}

/* ---- requests ---- */

int ninep_walk(struct ninep *n, u32 fid, u32 to, const char *name, size_t len)
{
	struct exchange x;
	int err;

	ninep_begin(&x, T_WALK, fid);
	put(&x, to, 4);
	put(&x, 1, 2);
	put_string(&x, name, len);
	err = ninep_finish(n, &x, 2);
	if (err)
		return err;
	return get(&x, 2) == 1 && x.m.got >= NINEP_HEADER + 2 + QID_BYTES ? 0 : -EIO;
}

int ninep_clone(struct ninep *n, u32 fid, u32 to)
{
	struct exchange x;

	ninep_begin(&x, T_WALK, fid);
	put(&x, to, 4);
	put(&x, 0, 2);
	return ninep_finish(n, &x, 2);
}

static struct timestamp get_time(struct exchange *x)
{
	s64 sec = (s64)get(x, 8);
	u64 nsec = get(x, 8);

	return (struct timestamp){sec, nsec < 1000000000 ? (u32)nsec : 0};
}

int ninep_getattr(struct ninep *n, u32 fid, struct ninep_attr *out)
{
	const u32 reply = 8 + QID_BYTES + 3 * 4 + 5 * 8 + 8 * 8 + 2 * 8;
	struct exchange x;
	int err;

	ninep_begin(&x, T_GETATTR, fid);
	put(&x, GETATTR_BASIC, 8);
	err = ninep_finish(n, &x, reply);
	if (err)
		return err;
	if ((get(&x, 8) & GETATTR_BASIC) != GETATTR_BASIC)
		return -EIO;
	out->qid = get_qid(&x);
	out->mode = (u32)get(&x, 4);
	out->uid = (u32)get(&x, 4);
	out->gid = (u32)get(&x, 4);
	out->nlink = get(&x, 8);
	out->rdev = (u32)get(&x, 8);
	out->size_bytes = get(&x, 8);
	(void)get(&x, 8); /* block size */
	out->blocks = get(&x, 8);
	out->atime = get_time(&x);
	out->mtime = get_time(&x);
	out->ctime = get_time(&x);
	return out->size_bytes <= INT64_MAX ? 0 : -EIO;
}

int ninep_statfs(struct ninep *n, u32 fid, struct fs_facts *out)
{
	struct fs_facts f = *out;
	struct exchange x;
	u64 available;
	int err;

	ninep_begin(&x, T_STATFS, fid);
	err = ninep_finish(n, &x, 4 + 4 + 6 * 8 + 4);
	if (err)
		return err;
	(void)get(&x, 4); /* the kind below */
	f.block_size = (u32)get(&x, 4);
	f.blocks = get(&x, 8);
	f.blocks_free = get(&x, 8);
	available = get(&x, 8);
	f.files = get(&x, 8);
	f.files_free = get(&x, 8);
	if (!f.block_size || f.blocks_free > f.blocks || available > f.blocks_free)
		return -EIO;
	f.blocks_kept = f.blocks_free - available;
	*out = f;
	return 0;
}

int ninep_open(struct ninep *n, u32 fid, u32 flags)
{
	struct exchange x;

	ninep_begin(&x, T_LOPEN, fid);
	put(&x, flags, 4);
	return ninep_finish(n, &x, QID_BYTES + 4);
}

/* A request for bytes into pages. The count in the reply's head, or -errno. */
static s64 fetch(struct ninep *n, struct exchange *x, struct page *const pages[], u32 in_page, u32 bytes)
{
	u64 count;
	int err;

	x->m.in_bytes = PAYLOAD_HEAD;
	x->m.payload = NINEP_FETCH;
	x->m.pages = pages;
	x->m.page_offset = in_page;
	x->m.page_bytes = bytes;
	err = ninep_finish(n, x, 4);
	if (err)
		return err;
	count = get(x, 4);
	return count <= bytes && count <= x->m.got - PAYLOAD_HEAD ? (s64)count : -EIO;
}

s64 ninep_read(struct ninep *n, u32 fid, u64 offset, struct page *const pages[], u32 in_page, u32 bytes)
{
	struct exchange x;

	ninep_begin(&x, T_READ, fid);
	put(&x, offset, 8);
	put(&x, bytes, 4);
	return fetch(n, &x, pages, in_page, bytes);
}

s64 ninep_readdir(struct ninep *n, u32 fid, u64 offset, struct page *const pages[], u32 bytes)
{
	struct exchange x;

	ninep_begin(&x, T_READDIR, fid);
	put(&x, offset, 8);
	put(&x, bytes, 4);
	return fetch(n, &x, pages, 0, bytes);
}

/* The reply's text begins two bytes before the head ends (Rlerror is longer by that much) and goes on in the page. */
static int read_link_into(struct ninep *n, u32 fid, struct page *page, char **out)
{
	const u32 in_head = PAYLOAD_HEAD - NINEP_HEADER - 2;
	struct exchange x;
	u64 len;
	char *text;
	int err;

	ninep_begin(&x, T_READLINK, fid);
	x.m.in_bytes = PAYLOAD_HEAD;
	x.m.payload = NINEP_FETCH;
	x.m.pages = &page;
	x.m.page_bytes = PAGE_SIZE;
	err = ninep_finish(n, &x, 2);
	if (err)
		return err;
	len = get(&x, 2);
	if (len == 0 || len >= PATH_MAX || len > x.m.got - NINEP_HEADER - 2)
		return -EIO;
	text = kzalloc(len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, x.in + x.at, MIN(len, in_head));
	if (len > in_head)
		memcpy(text + in_head, page_address(page), len - in_head);
	if (memchr(text, 0, len)) {
		kfree(text);
		return -EIO;
	}
	*out = text;
	return 0;
}

int ninep_readlink(struct ninep *n, u32 fid, char **out)
{
	struct page *page = frame_alloc(0, 0, FRAME_KERNEL);
	int err = page ? read_link_into(n, fid, page, out) : -ENOMEM;

	if (page)
		frame_put(page);
	return err;
}

void ninep_forget(struct ninep *n, u32 fid)
{
	struct exchange x;

	ninep_begin(&x, T_CLUNK, fid);
	n->port->ops->post(n->port, x.out, x.at);
}

/* ---- directory entries ---- */

/* n bytes at `at`, which may lie in two pages. */
static void copy_piece(struct page *const pages[], u32 at, void *to, u32 n)
{
	while (n > 0) {
		u32 in_page = at % (u32)PAGE_SIZE, part = MIN(n, (u32)PAGE_SIZE - in_page);

		memcpy(to, (u8 *)page_address(pages[at >> PAGE_SHIFT]) + in_page, part);
		to = (u8 *)to + part;
		at += part;
		n -= part;
	}
}

int ninep_next_dirent(struct page *const pages[], u32 bytes, u32 *at, struct ninep_dirent *out)
{
	u8 head[QID_BYTES + 8 + 1 + 2];

	if (bytes == *at)
		return 0;
	if (bytes - *at < sizeof(head))
		return -EIO;
	copy_piece(pages, *at, head, sizeof(head));
	*at += (u32)sizeof(head);
	out->qid = (struct ninep_qid){.type = head[0], .path = bytes_at(head + 5, 8)};
	out->next = bytes_at(head + QID_BYTES, 8);
	out->type = head[QID_BYTES + 8];
	out->name_len = (u16)bytes_at(head + QID_BYTES + 9, 2);
	if (out->name_len == 0 || out->name_len > NAME_MAX || out->name_len > bytes - *at)
		return -EIO;
	copy_piece(pages, *at, out->name, out->name_len);
	*at += out->name_len;
	out->name[out->name_len] = '\0';
	return memchr(out->name, '/', out->name_len) || memchr(out->name, 0, out->name_len) ? -EIO : 1;
}
