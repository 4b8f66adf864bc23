/* SPDX-License-Identifier: MIT */
/*
 * What the room shows in /proc. /proc/net/unix: a line for each socket, the newest first. The position is the number of the last one shown, so that a
 * listing goes on where it was whatever has come or gone meanwhile.
 */
#include <moat/mode.h>
#include <moat/procfs.h>
#include "socket.h"
#include "sysv.h"

typedef unsigned long long ull;

/* What a line shows. */
struct line {
	u64 number, ino;
	u32 refs, type;
	u8 state;
	bool listening;
	struct sock_address name;
};

/* SS_* of <linux/net.h>. */
static u8 shown_state(const struct socket *s)
{
	return s->state == SOCKET_CONNECTED && s->accepted ? 3 : s->accepted ? 1 : 2;
}

/* The newest socket that is older than `below` (0: than none): false when there is none. */
static bool next_line(u64 below, struct line *out)
{
	const struct socket *s;

	sockets_enter();
	LIST_FOREACH (s, &sockets, all) {
		if (!s->dead && (!below || s->number < below))
			break;
	}
	if (s) {
		*out = (struct line){s->number,	   s->ino,	   ref_read(&s->refs),
				     (u32)s->type, shown_state(s), s->state == SOCKET_LISTENING,
				     {0}};
		name_copy(s->name, &out->name);
	}
	sockets_leave();
	return s;
}

/* A NUL of an abstract name is shown as @; the terminator of a path is not shown. */
static void put_name(struct proc_text *t, const struct sock_address *a)
{
	const char *path = a->un.sun_path;
	size_t len = a->len - offsetof(struct sockaddr_un, sun_path);

	if (!len)
		return;
	proc_put(t, " ", 1);
	if (path[0])
		len--;
	for (size_t i = 0; i < len; i++)
		proc_put(t, path[i] ? &path[i] : "@", 1);
}

static int show_unix(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct line l;

	(void)o;
	if (!*pos)
		proc_printf(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	if (!next_line(*pos, &l))
		return 0;
	proc_printf(t, "%016llx: %08X %08X %08X %04X %02X %5llu", (ull)l.number, l.refs, 0,
		    l.listening ? 0x10000 : 0, l.type, l.state, (ull)l.ino);
	put_name(t, &l.name);
	proc_put(t, "\n", 1);
	*pos = l.number;
	return 1;
}

static const struct proc_entry net_table[] = {
	{.name = "unix", .mode = S_IFREG | 0444, .show = show_unix},
	{0},
};

static const struct proc_entry root_table[] = {
	{.name = "net", .mode = S_IFDIR | 0555, .table = net_table},
	{.name = "sysvipc", .mode = S_IFDIR | 0555, .table = sysv_proc_table},
	{0},
};

void ipc_init(void)
{
	static struct proc_table root = {.entries = root_table};

	sysv_init();
	proc_register(&root);
}
