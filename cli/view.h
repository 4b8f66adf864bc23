/* SPDX-License-Identifier: MIT */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "options.h"
#include "pack.h"
#include "verdict.h"

/* Folders of the host that one machine can have: so many devices it has room for. */
#define VIEW_SHARES_MAX 6

/* Mount tag of share n. The device's configuration is read in words: two bytes and this are whole ones. */
#define VIEW_TAG "moat%02u"

/* A folder of the host that the guest reads when it wants to. */
struct view_share {
	char *host;  /* canonical */
	char *guest; /* tidy */
	mode_t mode;
	bool writable;
};

/* An image of a disk. */
struct view_disk {
	char *host;  /* canonical */
	char *guest; /* tidy */
	bool writable;
};

/* What the guest sees of the host, besides what is packed. */
struct view {
	struct view_share shares[VIEW_SHARES_MAX];
	size_t count;
	struct view_disk disks[VIEW_SHARES_MAX];
	size_t disk_count;
	char **links; /* guest paths of symbolic links to system folders, packed */
	size_t link_count;
	char *cwd;		       /* working directory in the guest */
	const struct options *options; /* [borrowed] what is hidden, and whether there is another root */
};

int view_build(struct view *view, const struct options *options, struct pack *pack, struct verdict *v);
bool view_hidden(const struct options *options, const char *guest);
bool view_hides(const struct view *view, const char *guest);
char *view_resolve(const struct view *view, const char *guest);
bool view_shows(const struct view *view, const char *guest);
char *view_host_of(const struct view *view, const char *guest);
void view_print(const struct view *view, const struct options *options, const struct pack *pack, FILE *out);
void view_free(struct view *view);

#endif
