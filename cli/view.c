/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of the host (docs/host-files.md). Folders are shared: the guest reads in them what it wants, when it
 * wants it, and what it changes stays in its memory. QEMU's file server gives out a folder whole, so what must not be seen
 * is kept out by the choice of folders; --hide takes names out of them in the guest's kernel.
 *
 *     shared    /usr, /etc/alternatives, the current folder, --ro
 *     packed    files of /etc (etc.c); /bin, /sbin and /lib* as the links into /usr that they are (else they are shared)
 *
 * With --root DIR it is that folder instead, as /, and of the rest of the host only what is named.
 *
 * The current folder is not shared when it holds what is not the program's business: the root, folders of the system, a
 * home, or what a home lies in. A folder below one of these is.
 */
#include "view.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "etc.h"

#define DISK_PLACE "/mnt" /* where a disk is seen unless something else is said */
#define LINKS_MAX  40	  /* as many as the guest's kernel follows */

static const char *const system_folders[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

/* Neither these nor what lies in them is ever shared because somebody happens to stand there. */
static const char *const never[] = {"/etc", "/proc", "/sys", "/dev", "/run", "/boot"};
/* These are not, but what lies in them is. */
static const char *const not_itself[] = {"/",	 "/root", "/home", "/var",  "/tmp",
					 "/srv", "/opt",  "/mnt",  "/media"};

/* Is `path` the folder `above` or in it? Both tidy. */
static bool lies_in(const char *path, const char *above)
{
	size_t length = strcmp(above, "/") == 0 ? 0 : strlen(above);

	return strncmp(path, above, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static const struct view_share *share_of(const struct view *view, const char *guest)
{
	const struct view_share *best = NULL;

	for (size_t i = 0; i < view->count; i++) {
		const struct view_share *s = &view->shares[i];

		if (lies_in(guest, s->guest) && (!best || strlen(s->guest) > strlen(best->guest)))
			best = s;
	}
	return best;
}

static const char *without_root(const char *path)
{
	return strcmp(path, "/") == 0 ? "" : path;
}

/* What share `s` shows under a guest path that lies in it. */
static char *below(const struct view_share *s, const char *guest)
{
	return must_format("%s%s", without_root(s->host), guest + strlen(without_root(s->guest)));
}

/** view_hidden - does --hide name the tidy path @guest, or a folder that it lies in? */
bool view_hidden(const struct options *o, const char *guest)
{
	for (size_t i = 0; i < o->hide_count; i++) {
		if (lies_in(guest, o->hide[i]))
			return true;
	}
	return false;
}

/* Shares a folder, unless another shows the same there already. */
static int add_share(struct view *view, const char *host, const char *guest, bool writable, struct verdict *v)
{
	char *real = realpath(host, NULL), *seen = NULL;
	const struct view_share *there = share_of(view, guest);
	struct stat st;
	int error = 0;

	if (!real || stat(real, &st))
		error = verdict_error(v, STATUS_MOAT_FAILED, "%s: %s", host, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		error = verdict_error(v, STATUS_MOAT_FAILED, "%s: not a folder", host);
	else if (!writable && there && strcmp(seen = below(there, guest), real) == 0)
		goto out;
	else if (view->count == VIEW_SHARES_MAX)
		error = verdict_error(v, STATUS_MOAT_FAILED,
				      "%s: a machine has room for %d folders of the host; the system's "
				      "are among them (--bare)",
				      host, VIEW_SHARES_MAX);
	if (error)
		goto out;
	view->shares[view->count++] = (struct view_share){
		.host = real, .guest = must_copy(guest), .mode = st.st_mode & 07777, .writable = writable};
	real = NULL;
out:
	free(seen);
	free(real);
	return error;
}

static void note_link(struct view *view, const char *guest)
{
	view->links = must_grow(view->links, view->link_count + 1, sizeof(*view->links));
	view->links[view->link_count++] = must_copy(guest);
}

/* What the user gave stays as it was given: nothing of the system is put over it, or into it. */
static int add_system(struct view *view, const struct options *o, struct pack *pack, struct verdict *v)
{
	int error = 0;

	if (!view_hidden(o, "/usr") && !share_of(view, "/usr"))
		error = add_share(view, "/usr", "/usr", false, v);
	for (size_t i = 0; i < sizeof(system_folders) / sizeof(*system_folders) && !error; i++) {
		const char *path = system_folders[i];
		struct stat st;

		if (lstat(path, &st) || view_hidden(o, path) || share_of(view, path))
			continue;
		if (S_ISDIR(st.st_mode)) {
			error = add_share(view, path, path, false, v);
		} else if (S_ISLNK(st.st_mode)) {
			error = pack_add_as_is(pack, path, v);
			note_link(view, path);
		}
	}
	if (!error)
		error = etc_add(view, pack, v);
	if (!error && access("/etc/alternatives", X_OK) == 0 && !view_hidden(o, "/etc/alternatives") &&
	    !share_of(view, "/etc/alternatives"))
		error = add_share(view, "/etc/alternatives", "/etc/alternatives", false, v);
	return error;
}

/* May the folder be shared only because the command was called there? */
static bool may_share_here(const char *here)
{
	char *home = getenv("HOME") ? realpath(getenv("HOME"), NULL) : NULL;
	bool may = !home || !lies_in(home, here);

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		may = may && !lies_in(here, never[i]);
	for (size_t i = 0; i < sizeof(not_itself) / sizeof(*not_itself); i++)
		may = may && strcmp(here, not_itself[i]) != 0;
	free(home);
	return may;
}

static int add_here(struct view *view, const struct options *o, struct verdict *v)
{
	char *here = getcwd(NULL, 0);
	int error = 0;

	if (here && *here == '/' && may_share_here(here) && !view_hidden(o, here)) {
		if (!share_of(view, here))
			error = add_share(view, here, here, false, v);
		if (!view->cwd && view_shows(view, here))
			view->cwd = must_copy(here);
	}
	free(here);
	return error;
}

static int add_given(struct view *view, const struct file_option *list, size_t count, bool writable,
		     struct verdict *v)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		char *guest = path_absolute(list[i].guest ? list[i].guest : list[i].host);

		if (strcmp(guest, "/") == 0)
			error = verdict_error(v, STATUS_MOAT_FAILED, "%s: what is to be / is given by --root",
					      list[i].host);
		else if (view_hidden(view->options, guest))
			error = verdict_error(v, STATUS_MOAT_FAILED, "%s: shown and hidden at once", guest);
		else
			error = add_share(view, list[i].host, guest, writable, v);
		free(guest);
	}
	return error;
}

/* A file that the caller may not write to is a disk that can only be read. */
static int add_disk(struct view *view, const struct file_option *disk, struct verdict *v)
{
	char *real = realpath(disk->host, NULL), *guest;
	struct stat st;
	int error = 0;

	if (!real || stat(real, &st) || access(real, R_OK))
		error = verdict_error(v, STATUS_MOAT_FAILED, "--disk %s: %s", disk->host, strerror(errno));
	else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		error = verdict_error(v, STATUS_MOAT_FAILED, "--disk %s: no image of a disk", disk->host);
	else if (view->count + view->disk_count == VIEW_SHARES_MAX)
		error = verdict_error(v, STATUS_MOAT_FAILED,
				      "--disk %s: a machine has room for %d folders of the host and disks; "
				      "the system's folders are among them (--bare)",
				      disk->host, VIEW_SHARES_MAX);
	guest = path_absolute(disk->guest ? disk->guest : DISK_PLACE);
	if (!error && (strcmp(guest, "/") == 0 || view_hidden(view->options, guest)))
		error = verdict_error(v, STATUS_MOAT_FAILED, "--disk %s: cannot be seen at %s", disk->host,
				      guest);
	if (error) {
		free(guest);
		free(real);
		return error;
	}
	view->disks[view->disk_count++] = (struct view_disk){
		.host = real,
		.guest = guest,
		.writable = access(real, W_OK) == 0,
	};
	return 0;
}

static int compare_shares(const void *a, const void *b)
{
	return strcmp(((const struct view_share *)a)->guest, ((const struct view_share *)b)->guest);
}

/* The archive is unpacked when the folders are there: what it has for a writable one would be written to the host. */
static int keep_apart(const struct view *view, const struct pack *pack, struct verdict *v)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct view_share *s = &view->shares[i];
		const char *packed = s->writable ? pack_first_in(pack, s->guest) : NULL;

		if (packed)
			return verdict_error(
				v, STATUS_MOAT_FAILED,
				"%s would be copied into %s, which --rw gives: copy it there before", packed,
				s->host);
	}
	return 0;
}

/**
 * view_build - decide what the guest sees of the host.
 * @pack: gets the links and files that are packed because every program needs them.
 *
 * Returns 0, or a negative number with @v set. @view must be given to view_free() in either case.
 */
int view_build(struct view *view, const struct options *o, struct pack *pack, struct verdict *v)
{
	bool host_files = o->host_files && !o->deterministic;
	int error;

	*view = (struct view){.cwd = o->cwd ? must_copy(o->cwd) : NULL, .options = o};
	error = o->root ? add_share(view, o->root, "/", false, v) : 0;
	if (!error)
		error = add_given(view, o->rw, o->rw_count, true, v);
	if (!error)
		error = add_given(view, o->ro, o->ro_count, false, v);
	if (!error && host_files)
		error = add_system(view, o, pack, v);
	if (!error && host_files)
		error = add_here(view, o, v);
	for (size_t i = 0; i < o->disk_count && !error; i++)
		error = add_disk(view, &o->disks[i], v);
	if (!error)
		error = keep_apart(view, pack, v);
	/* A folder comes before what lies in it, as it must be mounted. */
	qsort(view->shares, view->count, sizeof(*view->shares), compare_shares);
	if (!view->cwd)
		view->cwd = must_copy("/");
	return error;
}

/** view_host_of - the host's file that a share shows under the tidy path @guest, to be freed; or NULL. */
char *view_host_of(const struct view *view, const char *guest)
{
	const struct view_share *s = share_of(view, guest);

	return s ? below(s, guest) : NULL;
}

/* Takes the first component off *rest. To be freed. */
static char *take_part(const char **rest)
{
	size_t skip = strspn(*rest, "/"), length = strcspn(*rest + skip, "/");
	char *part = must_format("%.*s", (int)length, *rest + skip);

	*rest += skip + length;
	return part;
}

/* The text of the symbolic link that a share shows under `guest`, to be freed; NULL when there is none. */
static char *link_text(const struct view *view, const char *guest)
{
	char *host = view_host_of(view, guest), text[PATH_MAX];
	ssize_t n = host ? readlink(host, text, sizeof(text) - 1) : -1;

	free(host);
	return n < 0 ? NULL : must_format("%.*s", (int)n, text);
}

/**
 * view_resolve - where @guest, an absolute path, leads when its symbolic links are followed as the guest does.
 *
 * Returns a tidy path, to be freed, that holds no link which a share shows; NULL with too many links.
 */
char *view_resolve(const struct view *view, const char *guest)
{
	char *done = must_copy(""), *text = must_copy(guest);
	const char *rest = text;

	for (int links = 0; *rest;) {
		char *part = take_part(&rest), *next = must_format("%s/%s", done, part), *link;

		if (strcmp(part, "..") == 0 && *done)
			*strrchr(done, '/') = '\0';
		if (*part == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
			free(next);
		} else if ((link = link_text(view, next))) {
			char *joined = must_format("%s/%s", link, rest);

			free(next);
			free(text);
			if (*link == '/')
				*done = '\0';
			rest = text = joined;
			free(link);
			links++;
		} else {
			free(done);
			done = next;
		}
		free(part);
		if (links > LINKS_MAX) {
			free(done);
			free(text);
			return NULL;
		}
	}
	free(text);
	if (*done == '\0') {
		free(done);
		done = must_copy("/");
	}
	return done;
}

/* The path with a link to a system folder at its start replaced by what it leads to. To be freed. */
static char *through_links(const struct view *view, const char *guest)
{
	for (size_t i = 0; i < view->link_count; i++) {
		const char *link = view->links[i];
		char *real, *out;

		if (!lies_in(guest, link) || !(real = realpath(link, NULL)))
			continue;
		out = must_format("%s%s", real, guest + strlen(link));
		free(real);
		return out;
	}
	return must_copy(guest);
}

/** view_hides - is the tidy path @guest, or a folder that it lies in, not to be seen? */
bool view_hides(const struct view *view, const char *guest)
{
	char *path = through_links(view, guest);
	bool hides = view_hidden(view->options, guest) || view_hidden(view->options, path);

	free(path);
	return hides;
}

/**
 * view_shows - can the guest read the file at the tidy path @guest without its being packed?
 *
 * It must be in a share, and so must be what it leads to if it is a symbolic link.
 */
bool view_shows(const struct view *view, const char *guest)
{
	char *path = through_links(view, guest), *host = view_host_of(view, path), *real = NULL,
	     *shown = NULL;
	bool shows = false;

	if (view->options->root) {
		free(host);
		free(path);
		path = view_resolve(view, guest);
		host = path ? view_host_of(view, path) : NULL;
		shows = host && access(host, F_OK) == 0;
	} else if (host && (real = realpath(host, NULL))) {
		shown = strcmp(real, host) == 0 ? NULL : view_host_of(view, real);
		shows = strcmp(real, host) == 0 || (shown && strcmp(shown, real) == 0);
	}
	free(shown);
	free(real);
	free(host);
	free(path);
	return shows;
}

/** view_print - what `--dry-run` says. */
void view_print(const struct view *view, const struct options *o, const struct pack *pack, FILE *out)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct view_share *s = &view->shares[i];
		const char *kind = s->writable ? "read-write" : "read-only ";

		if (strcmp(s->host, s->guest) == 0)
			fprintf(out, "%s %s\n", kind, s->guest);
		else
			fprintf(out, "%s %s (%s)\n", kind, s->guest, s->host);
	}
	for (size_t i = 0; i < view->disk_count; i++)
		fprintf(out, "disk       %s (%s%s)\n", view->disks[i].guest, view->disks[i].host,
			view->disks[i].writable ? "" : ", read-only");
	pack_print(pack, out);
	for (size_t i = 0; i < o->hide_count; i++)
		fprintf(out, "hidden     %s\n", o->hide[i]);
	fprintf(out, "in memory  /tmp\nkernel's   /dev /proc /sys\nstarts in  %s\n", view->cwd);
}

/** view_free - free what view_build() allocated. */
void view_free(struct view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		free(view->shares[i].host);
		free(view->shares[i].guest);
	}
	for (size_t i = 0; i < view->disk_count; i++) {
		free(view->disks[i].host);
		free(view->disks[i].guest);
	}
	for (size_t i = 0; i < view->link_count; i++)
		free(view->links[i]);
	free(view->links);
	free(view->cwd);
}
