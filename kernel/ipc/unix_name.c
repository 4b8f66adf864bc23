/* SPDX-License-Identifier: MIT */
/*
 * Names of sockets (unix(7)): who is found by an address.
 *
 *     path        "/run/x\0"    found by the inode that the path leads to
 *     abstract    "\0name"      found by its bytes, among sockets of the same type; not terminated
 *     none        ""            an address of two bytes
 *
 * A name keeps the inode of its file, so that the file may be renamed or removed while it is bound. It is found as long
 * as its owner is open; accepted sockets show it too.
 */
#include <moat/hash.h>
#include <moat/heap.h>
#include <moat/mode.h>
#include <moat/random.h>
#include <moat/string.h>
#include "socket.h"

enum {
	NAME_BUCKETS = 256,
	ADDRESS_HEAD = offsetof(struct sockaddr_un, sun_path),
	AUTOMATIC_LEN = 5,
	AUTOMATIC_NAMES = 1 << 20,
};

static LIST_HEAD(, name) buckets[NAME_BUCKETS]; /* [sockets_lock] */

int address_check(const struct sock_address *a)
{
	return a->len > ADDRESS_HEAD && a->len <= sizeof(a->un) && a->un.sun_family == AF_UNIX ? 0 : -EINVAL;
}

/* A path ends where it says, or at the end of the address. */
static void terminate(struct sock_address *a)
{
	((char *)a)[offsetof(struct sock_address, un) + a->len] = 0;
}

static struct name *name_create(const struct sock_address *a, int type)
{
	struct name *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_init(&n->refs, 1);
	n->at = *a;
	n->type = type;
	return n;
}

void name_put(struct name *n)
{
	if (!n || !ref_put(&n->refs))
		return;
	DEBUG_ASSERT(!n->owner);
	inode_put(n->inode);
	kfree(n);
}

void name_forget(struct name *n, const struct socket *owner)
{
	if (n->owner != owner)
		return;
	n->owner = NULL;
	LIST_REMOVE(n, link);
}

void name_copy(const struct name *n, struct sock_address *out)
{
	if (n)
		*out = n->at;
	else
		*out = (struct sock_address){.len = ADDRESS_HEAD, .un.sun_family = AF_UNIX};
}

static u32 hash_of_inode(const struct inode *i)
{
	u64 address = (u64)(uintptr_t)i;

	return (u32)hash_bytes(0, &address, sizeof(address));
}

static u32 hash_of_bytes(const struct sock_address *a, int type)
{
	return (u32)hash_bytes((u64)type, &a->un, a->len);
}

/* Makes s the owner of n, with the reference. Lock held; s has no name. */
static void register_name(struct socket *s, struct name *n)
{
	n->owner = s;
	s->name = n;
	LIST_INSERT_HEAD(&buckets[n->hash % NAME_BUCKETS], n, link);
}

static struct name *find_abstract(const struct sock_address *a, int type, u32 hash)
{
	struct name *n;

	LIST_FOREACH (n, &buckets[hash % NAME_BUCKETS], link) {
		if (!n->inode && n->hash == hash && n->type == type && n->at.len == a->len &&
		    memcmp(&n->at.un, &a->un, a->len) == 0)
			return n;
	}
	return NULL;
}

static struct name *find_inode(const struct inode *i)
{
	u32 hash = hash_of_inode(i);
	struct name *n;

	LIST_FOREACH (n, &buckets[hash % NAME_BUCKETS], link) {
		if (n->inode == i)
			return n;
	}
	return NULL;
}

static int bind_abstract(struct socket *s, const struct sock_address *a)
{
	struct name *n = name_create(a, s->type);
	int err = 0;

	if (!n)
		return -ENOMEM;
	n->hash = hash_of_bytes(a, s->type);
	sockets_enter();
	if (s->name)
		err = -EINVAL;
	else if (find_abstract(a, s->type, n->hash))
		err = -EADDRINUSE;
	else
		register_name(s, n);
	sockets_leave();
	if (err)
		name_put(n);
	return err;
}

/* The permission bits of the file are those of the socket itself (fchmod(2)). */
static u32 mode_of(const struct socket *s)
{
	struct file_facts facts;

	vfs_facts(s->file, &facts);
	return facts.mode & 07777;
}

/*
 * Makes the file and finds it again by its name. Whoever has put something else there in between gets an error, as if
 * that had been there before.
 */
static int make_file(const struct fs_at *at, u32 mode, struct inode **out)
{
	struct file_attr attr;
	struct dentry *d;
	int err = vfs_mknod(at, S_IFSOCK | mode, 0);

	if (!err)
		err = vfs_lookup(at, &d);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	inode_attr(dentry_inode(d), &attr);
	if (S_ISSOCK(attr.mode)) {
		*out = dentry_inode(d);
		inode_get(*out);
	} else {
		err = -EADDRINUSE;
	}
	dentry_put(d);
	return err;
}

static int bind_path(struct socket *s, struct fs_context *c, struct sock_address *a)
{
	const struct fs_at at = fs_at(c, NULL, a->un.sun_path, 0);
	struct name *n;
	int err;

	terminate(a);
	a->len = ADDRESS_HEAD + (u32)strlen(a->un.sun_path) + 1;
	n = name_create(a, s->type);
	if (!n)
		return -ENOMEM;
	err = make_file(&at, mode_of(s), &n->inode);
	if (err) {
		name_put(n);
		return err;
	}
	n->hash = hash_of_inode(n->inode);
	sockets_enter();
	if (s->name)
		err = -EINVAL;
	else if (find_inode(n->inode))
		err = -EADDRINUSE;
	else
		register_name(s, n);
	sockets_leave();
	if (err) {
		(void)!vfs_unlink(&at);
		name_put(n);
	}
	return err;
}

int socket_bind(struct socket *s, struct fs_context *c, struct sock_address *a)
{
	int err;

	if (a->len == ADDRESS_HEAD && a->un.sun_family == AF_UNIX)
		return name_automatic(s);
	err = address_check(a);
	if (err)
		return err;
	return a->un.sun_path[0] ? bind_path(s, c, a) : bind_abstract(s, a);
}

/* "\0" and five hexadecimal digits. */
static void put_automatic(struct sock_address *a, u32 number)
{
	static const char digits[] = "0123456789abcdef";

	a->len = ADDRESS_HEAD + 1 + AUTOMATIC_LEN;
	a->un.sun_family = AF_UNIX;
	a->un.sun_path[0] = 0;
	for (int i = AUTOMATIC_LEN; i > 0; i--, number >>= 4)
		a->un.sun_path[i] = digits[number & 15];
}

/* Tries the names one after the other, from a random one on; there are more of them than sockets. */
int name_automatic(struct socket *s)
{
	struct sock_address a = {0};
	struct name *n;
	u32 number;
	int err = -EAGAIN;

	if (__atomic_load_n(&s->name, __ATOMIC_RELAXED))
		return 0;
	n = name_create(&a, s->type);
	if (!n)
		return -ENOMEM;
	random_bytes(&number, sizeof(number));
	while (err == -EAGAIN) {
		number = (number + 1) % AUTOMATIC_NAMES;
		put_automatic(&n->at, number);
		n->hash = hash_of_bytes(&n->at, s->type);
		sockets_enter();
		if (s->name) {
			err = -EEXIST;
		} else if (!find_abstract(&n->at, s->type, n->hash)) {
			register_name(s, n);
			err = 0;
		}
		sockets_leave();
	}
	if (!err)
		return 0;
	name_put(n); /* somebody else was faster */
	return 0;
}

/* The inode of a path that one may connect to, with a reference. */
static int inode_at(struct fs_context *c, struct sock_address *a, struct inode **out)
{
	const struct fs_at at = fs_at(c, NULL, a->un.sun_path, FS_FOLLOW);
	struct file_attr attr;
	struct dentry *d;
	int err;

	terminate(a);
	err = vfs_lookup(&at, &d);
	if (err)
		return err;
	*out = dentry_inode(d);
	inode_get(*out);
	dentry_put(d);
	err = inode_permission(*out, at.uid, at.gid, MAY_WRITE);
	inode_attr(*out, &attr);
	if (!err && !S_ISSOCK(attr.mode))
		err = -ECONNREFUSED;
	if (err)
		inode_put(*out);
	return err;
}

int name_find(struct fs_context *c, struct sock_address *a, int type, struct socket **out)
{
	struct inode *i = NULL;
	struct name *n;
	int err = 0;

	if (a->un.sun_path[0])
		err = inode_at(c, a, &i);
	if (err)
		return err;
	sockets_enter();
	n = i ? find_inode(i) : find_abstract(a, type, hash_of_bytes(a, type));
	if (!n)
		err = -ECONNREFUSED;
	else if (n->type != type)
		err = -EPROTOTYPE;
	else
		socket_get(n->owner);
	*out = err ? NULL : n->owner;
	sockets_leave();
	inode_put(i);
	return err;
}

int socket_name(struct socket *s, bool of_peer, struct sock_address *out)
{
	const struct socket *which;
	int err = 0;

	sockets_enter();
	which = of_peer ? s->peer : s;
	if (which)
		name_copy(which->name, out);
	else
		err = -ENOTCONN;
	sockets_leave();
	return err;
}
