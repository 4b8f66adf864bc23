/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Requests and replies of 9P as bytes: what the files of the client share. */
#ifndef FS_NINEP_WIRE_H
#define FS_NINEP_WIRE_H

#include <moat/string.h>
#include "ninep.h"

#define QID_BYTES 13
#define PAYLOAD_HEAD \
	11 /* size type tag count: what stands before the bytes of Rread and Rreaddir, and all of Rlerror */

enum message_type {
	R_LERROR = 7,
	T_STATFS = 8,
	T_LOPEN = 12,
	T_LCREATE = 14,
	T_SYMLINK = 16,
	T_READLINK = 22,
	T_GETATTR = 24,
	T_SETATTR = 26,
	T_READDIR = 40,
	T_FSYNC = 50,
	T_LINK = 70,
	T_MKDIR = 72,
	T_RENAMEAT = 74,
	T_UNLINKAT = 76,
	T_VERSION = 100,
	T_ATTACH = 104,
	T_WALK = 110,
	T_READ = 116,
	T_WRITE = 118,
	T_CLUNK = 120,
};

#define REQUEST_MAX 560 /* the longest: a rename from one name of 255 bytes to another */
#define REPLY_MAX   192 /* the longest but for payloads: Rgetattr */

struct exchange {
	struct ninep_message m;
	u32 at; /* of the request: bytes put; of the reply: bytes got */
	u8 out[REQUEST_MAX], in[REPLY_MAX];
};

/* The protocol's order of bytes is this machine's: the lowest first. Where `bytes` is a constant, one move. */
static inline void put(struct exchange *x, u64 value, unsigned bytes)
{
	__builtin_memcpy(x->out + x->at, &value, bytes);
	x->at += bytes;
}

/* At most NAME_MAX bytes. */
static inline void put_string(struct exchange *x, const char *s, size_t len)
{
	put(x, len, 2);
	memcpy(x->out + x->at, s, len);
	x->at += (u32)len;
}

static inline u64 bytes_at(const u8 *p, unsigned bytes)
{
	u64 value = 0;

	__builtin_memcpy(&value, p, bytes);
	return value;
}

/* The caller knows that the reply is as long. */
static inline u64 get(struct exchange *x, unsigned bytes)
{
	x->at += bytes;
	return bytes_at(x->in + x->at - bytes, bytes);
}

static inline struct ninep_qid get_qid(struct exchange *x)
{
	struct ninep_qid qid = {.type = (u8)get(x, 1)};

	(void)get(x, 4);
	qid.path = get(x, 8);
	return qid;
}

/* Starts a request whose first field is a file number. */
void ninep_begin(struct exchange *x, enum message_type type, u32 fid);
/* Sends the request and checks the reply, which has `min` bytes behind its header; the cursor stands there. */
int __must_check ninep_finish(struct ninep *n, struct exchange *x, u32 min);

#endif
