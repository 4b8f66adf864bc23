/* SPDX-License-Identifier: MIT */
/*
 * Folders of the host, over a model of a 9P server: honest, then odd in one thing, then one that lies in every way it can.
 *
 * The server's tree:     /file   /big (20 pages)   /link -> dir/in   /dir/in   /dir/more   /dir/twin = /twin (one file)
 */
#include "fs_fixture.h"
#include <errno.h>
#include <moat/ninep.h>
#include <moat/share.h>

#define BIG_BYTES (20 * PAGE_SIZE + 123)
#define FIDS	  200000
#define RUNS	  30000

struct served {
	const char *name;
	int parent;
	u32 mode, nlink;
	u64 ino;
	const char *text; /* contents, or target */
};

static char big[BIG_BYTES + 1];
static const struct served tree[] = {
	{"", 0, S_IFDIR | 0755, 4, 2, ""},	   {"file", 0, S_IFREG | 0644, 1, 3, "hello"},
	{"big", 0, S_IFREG | 0644, 1, 4, big},	   {"link", 0, S_IFLNK | 0777, 1, 5, "dir/in"},
	{"dir", 0, S_IFDIR | 0755, 2, 6, ""},	   {"in", 4, S_IFREG | 0600, 1, 7, "inside"},
	{"more", 4, S_IFREG | 0600, 1, 8, "more"}, {"twin", 4, S_IFREG | 0644, 2, 9, "twin"},
	{"twin", 0, S_IFREG | 0644, 2, 9, "twin"},
};

/* What the server does beside its tree: one thing for a test. */
static struct {
	const char *gone; /* listed, but not there */
	bool no_advance;  /* a directory goes on where it began */
	bool endless;	  /* or has nothing but dots, for ever */
	u64 size_bytes;	  /* of every file */
	const char *link; /* text of every link, link_len long */
	size_t link_len;
} odd;

static int fids[FIDS]; /* index in the tree + 1; 0: none */
static u64 lies;       /* state of the random sequence; 0: honest */
static unsigned calls;

static u64 number(const u8 *p, unsigned n)
{
	u64 v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (u64)p[i] << 8 * i;
	return v;
}

/* The reply as one piece, before it is divided between head and pages. */
static u8 reply[NINEP_PAYLOAD_MAX + NINEP_IN_MAX];
static u32 reply_len;

static void add(u64 v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		reply[reply_len++] = (u8)(v >> 8 * i);
}

static void add_qid(const struct served *s)
{
	add(S_ISDIR(s->mode) ? 0x80 : 0, 1);
	add(0, 4);
	add(s->ino, 8);
}

static void add_error(int err)
{
	reply[4] = 7;
	add((u64)err, 4);
}

static void serve_walk(const u8 *out)
{
	int from = fids[number(out + 7, 4) % FIDS];
	u32 to = (u32)number(out + 11, 4) % FIDS;
	size_t len;

	if (!from) {
		add_error(EBADF);
		return;
	}
	if (number(out + 15, 2) == 0) {
		fids[to] = from;
		add(0, 2);
		return;
	}
	len = number(out + 17, 2);
	for (unsigned i = 1; i < ARRAY_SIZE(tree); i++) {
		if (odd.gone && !strcmp(odd.gone, tree[i].name))
			continue;
		if (tree[i].parent == from - 1 && strlen(tree[i].name) == len &&
		    !memcmp(tree[i].name, out + 19, len)) {
			fids[to] = (int)i + 1;
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
	add(odd.size_bytes ? odd.size_bytes : strlen(s->text), 8);
	add(4096, 8);
	add(8, 8);
	for (int i = 0; i < 4; i++) {
		add(1000, 8);
		add(0, 8);
	}
	add(0, 8);
	add(0, 8);
}

static void serve_read(const struct served *s, u64 offset, u64 count)
{
	u64 size = strlen(s->text), n = offset < size ? MIN(count, size - offset) : 0;

	add(n, 4);
	memcpy(reply + reply_len, s->text + offset, n);
	reply_len += (u32)n;
}

static void add_entry(const struct served *s, u64 next, const char *name)
{
	add_qid(s);
	add(next, 8);
	add(s->mode >> 12, 1);
	add(strlen(name), 2);
	memcpy(reply + reply_len, name, strlen(name));
	reply_len += (u32)strlen(name);
}

static void serve_dots(u64 offset, u64 count)
{
	u32 at = reply_len, entries = (u32)count / 25;

	add(entries * 25, 4);
	for (u32 i = 0; i < entries; i++)
		add_entry(&tree[0], ~offset, ".");
	assert_int_equal(reply_len, at + 4 + entries * 25);
}

/* Two names at a time, so that reading goes on. */
static void serve_readdir(int dir, u64 offset)
{
	u32 at = reply_len, names = 0;

	add(0, 4);
	for (u64 i = offset + 1; i < ARRAY_SIZE(tree) && names < 2; i++) {
		if (tree[i].parent != dir)
			continue;
		add_entry(&tree[i], odd.no_advance ? offset : i, tree[i].name);
		names++;
	}
	reply[at] = (u8)(reply_len - at - 4);
}

static void serve_link(const char *text, size_t len)
{
	add(len, 2);
	memcpy(reply + reply_len, text, len);
	reply_len += (u32)len;
}

static void serve(const u8 *out)
{
	int fid = fids[number(out + 7, 4) % FIDS];
	const struct served *s = &tree[fid ? fid - 1 : 0];

	reply_len = 7;
	reply[4] = out[4] + 1;
	switch (out[4]) {
	case 100:
		add(number(out + 7, 4), 4);
		add(8, 2);
		memcpy(reply + reply_len, "9P2000.L", 8);
		reply_len += 8;
		break;
	case 104:
		fids[0] = 1;
		add_qid(&tree[0]);
		break;
	case 110:
		serve_walk(out);
		break;
	case 24:
		serve_getattr(s);
		break;
	case 12:
		add_qid(s);
		add(0, 4);
		break;
	case 22:
		serve_link(odd.link ? odd.link : s->text, odd.link ? odd.link_len : strlen(s->text));
		break;
	case 118:
		add(number(out + 19, 4), 4);
		break;
	case 116:
		serve_read(s, number(out + 11, 8), number(out + 19, 4));
		break;
	case 40:
		if (odd.endless)
			serve_dots(number(out + 11, 8), number(out + 19, 4));
		else
			serve_readdir(fid - 1, number(out + 11, 8));
		break;
	default:
		break;
	}
}

/* Changes something in the reply: bytes, its length, its type, or all of it. */
static void lie(void)
{
	u32 n = (u32)unit_random_below(&lies, 4);

	switch (unit_random_below(&lies, 6)) {
	case 0:
		reply_len = 7 + (u32)unit_random_below(&lies, reply_len - 6);
		break;
	case 1:
		reply_len = (u32)MIN(reply_len + unit_random_below(&lies, 600), sizeof(reply));
		break;
	case 2:
		reply[4] = (u8)unit_random(&lies);
		break;
	case 3:
		reply_len = 7;
		add_error((int)unit_random_below(&lies, 600));
		break;
	default:
		for (u32 i = 0; i <= n; i++)
			reply[7 + unit_random_below(&lies, MAX(reply_len - 7, 1u))] =
				(u8)(unit_random(&lies) | (i & 1 ? 0xff : 0));
		break;
	}
}

static int fake_call(struct ninep_port *p, struct ninep_message *m)
{
	u32 room = m->in_bytes + (m->payload == NINEP_FETCH ? m->page_bytes : 0);

	(void)p;
	calls++;
	serve(m->out);
	if (lies && unit_random_below(&lies, 3) == 0)
		lie();
	/* What the port promises: no more than there is room for, and at least a header. */
	m->got = MIN(reply_len, room);
	memcpy(m->in, reply, MIN(m->got, m->in_bytes));
	for (u32 at = m->in_bytes; at < m->got; at++)
		((u8 *)page_address(
			m->pages[(at - m->in_bytes) >> PAGE_SHIFT]))[(at - m->in_bytes) % PAGE_SIZE] =
			reply[at];
	return 0;
}

static void fake_post(struct ninep_port *p, u8 *out, u32 out_bytes)
{
	(void)p;
	(void)out_bytes;
	fids[number(out + 7, 4) % FIDS] = 0;
}

static int fake_open(struct ninep_port *p)
{
	(void)p;
	return 0;
}

static const struct ninep_port_ops fake_ops = {.open = fake_open, .call = fake_call, .post = fake_post};
static struct ninep_port port = {.ops = &fake_ops, .tag = "test"};

static int group_setup(void **state)
{
	memset(big, 'b', BIG_BYTES);
	if (fs_group_setup(state))
		return 1;
	ninep_port_register(&port);
	return 0;
}

/* A share of its own for each test, which stays: shares are for ever. */
static void mount_as(const char *path, bool writable)
{
	struct share share = {.tag = "test",
			      .path = path,
			      .mode = 0755,
			      .writable = writable,
			      .own_uid = 1000,
			      .own_gid = 7};

	memset(fids, 0, sizeof(fids));
	memset(&odd, 0, sizeof(odd));
	ctx = fs_context_create();
	assert_non_null(ctx);
	assert_int_equal(share_mount(&share), 0);
	assert_int_equal(vfs_chdir(ctx, path), 0);
}

static void mount_new(const char *path)
{
	mount_as(path, false);
}

struct counting {
	struct dir_emit emit;
	u32 names;
};

static bool count_one(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type, u64 next)
{
	(void)ino;
	(void)type;
	(void)next;
	((struct counting *)e)->names += name[0] != '.' && len > 0;
	return true;
}

static u32 count_names(const char *dir)
{
	struct counting c = {.emit = {count_one}};
	struct file *f;

	if (vfs_open(ctx, NULL, dir, O_RDONLY | O_DIRECTORY, 0, &f))
		return 0;
	if (vfs_iterate(f, &c.emit))
		c.names = 0;
	file_put(f);
	return c.names;
}

static void test_lazy(void **state)
{
	unsigned before = calls;

	(void)state;
	mount_new("/lazy");
	assert_int_equal(calls, before); /* nothing is asked before somebody goes there */
	assert_string_equal(text_of("file"), "hello");
	assert_string_equal(text_of("link"), "inside");
	assert_int_equal(find("none"), -ENOENT);
	assert_int_equal(find("file/x"), -ENOTDIR);
	assert_int_equal(attr_of("file").uid, 0);
	before = calls;
	assert_string_equal(text_of("file"), "hello");
	assert_int_equal(find("dir/in"), 0);
	assert_int_equal(calls, before); /* what is known is not asked for again */
	fs_context_put(ctx);
}

static void test_misses(void **state)
{
	char name[8] = "n0";
	unsigned before;

	(void)state;
	mount_new("/misses");
	for (int i = 0; i < 8; i++) {
		name[1] = (char)('0' + i);
		assert_int_equal(find(name), -ENOENT);
	}
	before = calls;
	assert_int_equal(find("another"), -ENOENT);
	assert_int_equal(calls, before); /* all names are known by now */
	assert_string_equal(text_of("dir/more"), "more");
	fs_context_put(ctx);
}

static void test_changes(void **state)
{
	(void)state;
	mount_new("/changes");
	assert_int_equal(vfs_unlink(AT("file")), 0);
	assert_int_equal(find("file"), -ENOENT);
	assert_int_equal(vfs_rmdir(AT("dir")), -ENOTEMPTY);
	assert_int_equal(vfs_rename(AT("dir"), AT("moved"), 0), 0);
	assert_int_equal(find("dir"), -ENOENT);
	assert_string_equal(text_of("moved/in"), "inside");
	assert_int_equal(vfs_mkdir(AT("dir"), 0755), 0);
	assert_int_equal(find("dir/in"), -ENOENT); /* a new one in an old one's place is empty */
	assert_int_equal(vfs_link(AT("moved/more"), AT("second")), 0);
	assert_string_equal(text_of("second"), "more");
	assert_int_equal(vfs_truncate(AT("moved/in"), 3, UINT64_MAX), 0);
	assert_int_equal(vfs_truncate(AT("moved/in"), 5, UINT64_MAX), 0);
	assert_string_equal(text_of("moved/in"), "ins");
	make_file("moved/in2", "new");
	assert_int_equal(vfs_rename(AT("moved/in2"), AT("moved/in"), 0), 0);
	assert_string_equal(text_of("moved/in"), "new");
	assert_int_equal(count_names("moved"), 3);
	fs_context_put(ctx);
}

static void test_twins(void **state)
{
	(void)state;
	mount_new("/twins");
	assert_int_equal(attr_of("twin").ino, attr_of("dir/twin").ino);
	assert_int_equal(vfs_truncate(AT("twin"), 2, UINT64_MAX), 0);
	assert_string_equal(text_of("dir/twin"), "tw");
	fs_context_put(ctx);
}

static void test_big(void **state)
{
	static char bytes[BIG_BYTES];
	struct file *f;

	(void)state;
	mount_new("/big");
	assert_int_equal(vfs_open(ctx, NULL, "big", O_RDONLY, 0, &f), 0);
	assert_int_equal(vfs_pread(f, bytes, sizeof(bytes), 0), BIG_BYTES);
	assert_memory_equal(bytes, big, BIG_BYTES);
	file_put(f);
	fs_context_put(ctx);
}

/* A name that went away on the host after it was listed. */
static void test_gone(void **state)
{
	(void)state;
	mount_new("/gone");
	assert_int_equal(count_names("dir"), 3);
	odd.gone = "more";
	assert_int_equal(find("dir/more"), -ENOENT);
	assert_int_equal(count_names("dir"), 2);
	assert_int_equal(find("dir/more"), -ENOENT);
	make_file("dir/more", "mine");
	assert_string_equal(text_of("dir/more"), "mine");
	odd.gone = NULL;
	fs_context_put(ctx);
}

static void test_endless(void **state)
{
	unsigned before;

	(void)state;
	mount_new("/endless");
	odd.no_advance = true;
	before = calls;
	assert_int_equal(vfs_unlink(AT("file")), -EIO);
	assert_true(calls < before + 10);
	odd.no_advance = false;
	odd.endless = true;
	assert_int_equal(vfs_unlink(AT("file")), -ENOMEM);
	odd.endless = false;
	assert_int_equal(vfs_unlink(AT("file")), 0);
	fs_context_put(ctx);
}

/* What is written back is what is in memory, however large the file is said to be. */
static void test_size(void **state)
{
	struct mobj *obj;
	struct file *f;
	unsigned before;
	int err;

	(void)state;
	mount_as("/size", true);
	odd.size_bytes = INT64_MAX;
	assert_int_equal(vfs_open(ctx, NULL, "file", O_RDWR, 0, &f), 0);
	obj = vfs_object(f, &err);
	assert_non_null(obj);
	assert_int_equal(put_text(f, "changed"), 7);
	before = calls;
	assert_int_equal(vfs_fsync(f), 0);
	assert_true(calls < before + 10);
	mobj_put(obj);
	file_put(f);
	fs_context_put(ctx);
}

static void test_link_text(void **state)
{
	static char longest[PATH_MAX];

	(void)state;
	mount_new("/text");
	odd.link = "";
	assert_int_equal(find("link"), -EIO);
	odd.link = "\0file";
	odd.link_len = 5;
	assert_int_equal(find("link"), -EIO);
	memset(longest, 'x', sizeof(longest));
	odd.link = longest;
	odd.link_len = PATH_MAX;
	assert_int_equal(find("link"), -EIO);
	odd.link = "file";
	odd.link_len = 4;
	assert_int_equal(find("link"), 0);
	fs_context_put(ctx);
}

/* One thing that a program may do. */
static void random_step(void)
{
	static const char *const paths[] = {"file",	"big",	    "link", "dir", "dir/in",
					    "dir/none", "dir/twin", "twin", "x",   "dir/y"};
	const char *path = paths[unit_random_below(&lies, ARRAY_SIZE(paths))];
	static char bytes[4096];
	struct file *f;
	int err = 0; /* whatever it is */

	switch (unit_random_below(&lies, 8)) {
	case 0:
	case 1:
	case 2:
		if (vfs_open(ctx, NULL, path, O_RDONLY, 0, &f))
			return;
		(void)vfs_pread(f, bytes, sizeof(bytes), unit_random_below(&lies, BIG_BYTES));
		file_put(f);
		return;
	case 3:
		(void)count_names("dir");
		return;
	case 4:
		err = vfs_unlink(AT(path));
		break;
	case 5:
		err = vfs_rename(AT(path), AT(paths[unit_random_below(&lies, ARRAY_SIZE(paths))]), 0);
		break;
	case 6:
		err = vfs_truncate(AT(path), (s64)unit_random_below(&lies, 70), UINT64_MAX);
		break;
	default:
		err = find(path);
		break;
	}
	assert_true(err <= 0);
}

/* Whatever it says: no step hangs, fails an assertion or touches what it must not (the sanitizers look on). */
static void test_lies(void **state)
{
	char path[32];

	(void)state;
	for (unsigned i = 0; i < RUNS / 300; i++) {
		lies = 0;
		snprintf(path, sizeof(path), "/lies%u", i);
		mount_new(path);
		lies = i + 1;
		for (unsigned j = 0; j < 300; j++)
			random_step();
		fs_context_put(ctx);
	}
	lies = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lazy),	  cmocka_unit_test(test_misses),
		cmocka_unit_test(test_changes),	  cmocka_unit_test(test_twins),
		cmocka_unit_test(test_big),	  cmocka_unit_test(test_gone),
		cmocka_unit_test(test_endless),	  cmocka_unit_test(test_size),
		cmocka_unit_test(test_link_text), cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
