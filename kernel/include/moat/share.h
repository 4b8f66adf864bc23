/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Folders of the host that the program sees. */
#ifndef MOAT_SHARE_H
#define MOAT_SHARE_H

#include <moat/types.h>

/* One folder, as the run spec describes it (docs/host-interface.md). */
struct share {
	const char *tag;      /* the name of its 9P device */
	const char *path;     /* where it is seen, absolute */
	u32 mode;	      /* permission bits of its root */
	bool writable;	      /* the program's changes reach the host */
	u32 own_uid, own_gid; /* the host's user: what belongs to it belongs to the program */
};

/* Mounts it; missing directories on the way are made. 0 or -errno: -ENODEV (no such device) and others. Boot. */
int __must_check share_mount(const struct share *share);
/* The name is no longer seen: what it stands for can be reached by no path. 0, -ENOENT, what looking for it gave. Boot. */
int __must_check share_hide(const char *path);

#endif
