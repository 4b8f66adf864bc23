/* SPDX-License-Identifier: MIT */
/* A 9P server with a small tree, for a fuzzer: what it answers is right, as far as a client asks for what there is. */
#ifndef NINEP_SERVER_H
#define NINEP_SERVER_H

#include "dev/virtio_9p.c"
#include "fs/ninep_wire.h"

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

#define BIG_BYTES (70 * PAGE_SIZE + 123)
#define FIDS	  4096

struct served {
	const char *name;
	int parent;
	u32 mode, nlink;
	u64 ino;
	const char *text; /* contents, or target */
};

enum { FIRST_MADE = 10 }; /* from here on: there once something was made */

static char big[BIG_BYTES + 1];
static const struct served tree[] = {
	{"", 0, S_IFDIR | 0755, 4, 2, ""},	   {"file", 0, S_IFREG | 0644, 1, 3, "hello"},
	{"big", 0, S_IFREG | 0644, 1, 4, big},	   {"link", 0, S_IFLNK | 0777, 1, 5, "dir/in"},
	{"dir", 0, S_IFDIR | 0755, 2, 6, ""},	   {"in", 4, S_IFREG | 0600, 1, 7, "inside"},
	{"more", 4, S_IFREG | 0600, 1, 8, "more"}, {"twin", 4, S_IFREG | 0644, 2, 9, "twin"},
	{"twin", 0, S_IFREG | 0644, 2, 9, "twin"}, {"deep", 4, S_IFDIR | 0700, 2, 10, ""},
	{"newdir", 0, S_IFDIR | 0700, 2, 11, ""},  {"newlink", 0, S_IFLNK | 0777, 1, 12, "dir"},
};

static u8 fids[FIDS]; /* index in the tree + 1; 0: none */
static bool made;

static u8 reply[NINEP_PAYLOAD_MAX + NINEP_IN_MAX];
static u32 reply_len;

static void add(u64 v, unsigned n)
{
	put_le(reply + reply_len, (u32)v, MIN(n, 4u));
	if (n > 4)
		put_le(reply + reply_len + 4, (u32)(v >> 32), n - 4);
	reply_len += n;
}

static void add_bytes(const void *p, size_t n)
{
	memcpy(reply + reply_len, p, n);
	reply_len += (u32)n;
}

static void add_qid(const struct served *s)
{
	add(S_ISDIR(s->mode) ? 0x80 : 0, 1);
	add(0, 4);
	add(s->ino, 8);
}

static void add_error(u32 err)
{
	reply_len = 7;
	reply[4] = 7;
	add(err, 4);
}

static bool is_there(unsigned i)
{
	return i < FIRST_MADE || made;
}

static void serve_walk(const u8 *out)
{
	u8 from = fids[get_le(out + 7, 4) % FIDS];
	u8 *to = &fids[get_le(out + 11, 4) % FIDS];
	size_t len = get_le(out + 17, 2);

	if (get_le(out + 15, 2) == 0) {
		*to = from;
		add(0, 2);
		return;
	}
	for (unsigned i = 1; i < ARRAY_SIZE(tree); i++) {
		if (is_there(i) && tree[i].parent == from - 1 && strlen(tree[i].name) == len &&
		    !memcmp(tree[i].name, out + 19, len)) {
			*to = (u8)(i + 1);
			add(1, 2);
			add_qid(&tree[i]);
			return;
		}
	}
	add_error(ENOENT);
}

static void serve_getattr(const struct served *s)
{
	add(0x7ff, 8);
	add_qid(s);
	add(s->mode, 4);
	add(1000, 4);
	add(7, 4);
	add(s->nlink, 8);
	add(0, 8);
	add(strlen(s->text), 8);
	add(4096, 8);
	add(8, 8);
	for (int i = 0; i < 10; i++)
		add(i < 8 ? 1000 : 0, 8);
}

static void serve_statfs(void)
{
	add(1, 4);
	add(4096, 4);
	for (u64 n = 1000; n > 400; n -= 100)
		add(n, 8);
	add(255, 4);
}

static void serve_read(const struct served *s, u64 offset, u64 count)
{
	u64 size = strlen(s->text), n = offset < size ? MIN(count, size - offset) : 0;

	add(n, 4);
	add_bytes(s->text + offset * (n > 0), n);
}

/* Two names at a time, so that reading goes on; the dots as well. */
static void serve_readdir(int dir, u64 offset)
{
	u32 at = reply_len, names = 0;

	add(0, 4);
	for (u64 i = offset + 1; i < ARRAY_SIZE(tree) + 2 && names < 2; i++) {
		const struct served *s = &tree[i < 3 ? 0 : i - 2];
		const char *name = i == 1 ? "." : i == 2 ? ".." : s->name;

		if (i >= 3 && (s->parent != dir || !is_there((unsigned)i - 2)))
			continue;
		add_qid(s);
		add(i, 8);
		add(s->mode >> 12, 1);
		add(strlen(name), 2);
		add_bytes(name, strlen(name));
		names++;
	}
	put_le(reply + at, reply_len - at - 4, 4);
}

static void serve(const u8 *out)
{
	u8 fid = fids[get_le(out + 7, 4) % FIDS];
	const struct served *s = &tree[fid ? fid - 1 : 0];
	u64 offset = get_le(out + 11, 4) | (u64)get_le(out + 15, 4) << 32;

	reply_len = NINEP_HEADER;
	reply[4] = out[4] + 1;
	switch (out[4]) {
	case T_VERSION:
		add_bytes(out + 7, get_le(out, 4) - 7);
		break;
	case T_ATTACH:
		fids[0] = 1;
		add_qid(&tree[0]);
		break;
	case T_WALK:
		serve_walk(out);
		break;
	case T_GETATTR:
		serve_getattr(s);
		break;
	case T_STATFS:
		serve_statfs();
		break;
	case T_READLINK:
		add(strlen(s->text), 2);
		add_bytes(s->text, strlen(s->text));
		break;
	case T_READ:
		serve_read(s, offset, get_le(out + 19, 4));
		break;
	case T_READDIR:
		serve_readdir(fid - 1, offset);
		break;
	case T_WRITE:
		add(get_le(out + 19, 4), 4);
		break;
	case T_CLUNK:
		fids[get_le(out + 7, 4) % FIDS] = 0;
		break;
	case T_LOPEN:
	case T_LCREATE:
	case T_MKDIR:
	case T_SYMLINK:
		made |= out[4] != T_LOPEN;
		add_qid(s);
		add(0, 4);
		break;
	default:
		break;
	}
}

#endif
