/* SPDX-License-Identifier: MIT */
/*
 * The archive that becomes the guest's root file system.
 *
 * First the guest's tree is collected in memory, by guest path; then it is written in one pass as a cpio
 * "newc" archive into a memfd, which QEMU opens as its initrd. The tree is ordered by name, so that
 *  - every folder stands before what lies in it, and
 *  - the same files give the same archive whatever order the host's folders list them in.
 *
 * Folders that are nowhere on the host but lead to something ("/usr" of "/usr/x") are made up: mode 0755,
 * time 0. All else keeps the host's permission bits and modification time; the owner becomes root. What a
 * folder holds besides files, folders and symbolic links is left out: a device or a socket of the host
 * means nothing in the guest. Hard links become separate files.
 */
#include "pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

#define SPEC_NAME   ".moat/spec"
#define CHUNK_BYTES (256U << 10)

struct node {
	char *guest;
	char *host; /* NULL: a folder that is made up, or the content of `fd` or `text` */
	char *text; /* what a made-up file holds or link says, or NULL */
	int fd;	    /* content, when not -1; owned by the caller of pack_add_stream() */
	mode_t mode;
	off_t size;
	struct timespec mtime;
};

struct pack {
	void *root; /* of a tsearch(3) tree of struct node, ordered by guest path */
};

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->guest, ((const struct node *)b)->guest);
}

static void free_node(void *node)
{
	free(((struct node *)node)->guest);
	free(((struct node *)node)->host);
	free(((struct node *)node)->text);
	free(node);
}

/** pack_new - an empty tree, to be freed with pack_free(). */
struct pack *pack_new(void)
{
	return must_alloc(sizeof(struct pack));
}

/** pack_free - free the tree and all of its nodes. */
void pack_free(struct pack *pack)
{
	tdestroy(pack->root, free_node);
	free(pack);
}

static struct node *find(const struct pack *pack, char *guest)
{
	struct node key = {.guest = guest};
	void *const *slot = tfind(&key, &pack->root, compare_nodes);

	return slot ? *slot : NULL;
}

/* The node of that name, a new one when there is none. */
static struct node *find_or_add(struct pack *pack, char *guest)
{
	struct node *node = find(pack, guest);

	if (node)
		return node;
	node = must_alloc(sizeof(*node));
	node->guest = must_copy(guest);
	node->fd = -1;
	node->mode = S_IFDIR | 0755;
	must_have(tsearch(node, &pack->root, compare_nodes));
	return node;
}

static int add_parents(struct pack *pack, const char *guest, struct verdict *v)
{
	char *path = must_copy(guest);
	int error = 0;

	for (char *slash = strchr(path + 1, '/'); slash && !error; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!S_ISDIR(find_or_add(pack, path)->mode))
			error = verdict_error(v, STATUS_MOAT_FAILED, "%s: %s is not a folder in the guest",
					      guest, path);
		*slash = '/';
	}
	free(path);
	return error;
}

/* Enter one file, folder or link; it replaces an earlier one of the same name and kind of thing. */
static int add_node(struct pack *pack, const char *host, char *guest, const struct stat *st,
		    struct verdict *v)
{
	struct node *node;
	int error = add_parents(pack, guest, v);

	if (error)
		return error;
	node = find(pack, guest);
	if (node && S_ISDIR(node->mode) != S_ISDIR(st->st_mode))
		return verdict_error(v, STATUS_MOAT_FAILED, "%s: both a file and a folder in the guest",
				     guest);
	node = find_or_add(pack, guest);
	free(node->host);
	free(node->text);
	node->text = NULL;
	node->host = must_copy(host);
	node->mode = st->st_mode;
	node->size = st->st_size;
	node->mtime = st->st_mtim;
	return 0;
}

static bool packable(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

static int add_found(struct pack *pack, const FTSENT *found, const char *guest, size_t host_length,
		     struct verdict *v)
{
	char *name, *joined;
	int error;

	if (found->fts_info == FTS_DP)
		return 0;
	if (found->fts_errno)
		return verdict_error(v, STATUS_MOAT_FAILED, "%s: %s", found->fts_path,
				     strerror(found->fts_errno));
	if (!packable(found->fts_statp->st_mode))
		return 0;
	joined = must_format("%s/%s", guest, found->fts_path + host_length);
	name = path_absolute(joined);
	error = add_node(pack, found->fts_path, name, found->fts_statp, v);
	free(name);
	free(joined);
	return error;
}

static int add_tree(struct pack *pack, const char *host, const char *guest, struct verdict *v)
{
	char *start = must_copy(host);
	char *paths[] = {start, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	int error = 0;

	if (!walk)
		error = verdict_error(v, STATUS_MOAT_FAILED, "%s: %s", host, strerror(errno));
	while (!error) {
		const FTSENT *found;

		errno = 0;
		found = fts_read(walk);
		if (!found && errno)
			error = verdict_error(v, STATUS_MOAT_FAILED, "%s: %s", host, strerror(errno));
		if (!found)
			break;
		error = add_found(pack, found, guest, strlen(host), v);
	}
	if (walk)
		fts_close(walk);
	free(start);
	return error;
}

/**
 * pack_add - copy a file, or a folder with all that lies in it, into the guest.
 * @host: path on the host; when it is a symbolic link, what it leads to is taken.
 * @guest: absolute path in the guest, or NULL for the same absolute path as on the host. A file whose
 *         guest path ends with a slash goes into that folder under its own name.
 *
 * A file that comes later replaces an earlier one of the same guest path.
 * Returns 0, or a negative number with @v set (status 125).
 */
int pack_add(struct pack *pack, const char *host, const char *guest, struct verdict *v)
{
	const char *base = strrchr(host, '/');
	char *joined, *name;
	struct stat st;
	int error;

	if (stat(host, &st))
		return verdict_error(v, STATUS_MOAT_FAILED, "--file %s: %s", host, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return verdict_error(v, STATUS_MOAT_FAILED, "--file %s: neither a file nor a folder", host);
	if (!guest)
		guest = host;
	if (S_ISREG(st.st_mode) && guest != host && guest[strlen(guest) - 1] == '/')
		joined = must_format("%s%s", guest, base ? base + 1 : host);
	else
		joined = must_copy(guest);
	name = path_absolute(joined);
	free(joined);
	error = S_ISDIR(st.st_mode) ? add_tree(pack, host, name, v) : add_node(pack, host, name, &st, v);
	free(name);
	return error;
}

/**
 * pack_add_program - copy one file in, unless --file has already put one of that name there.
 *
 * Returns 0, or a negative number with @v set (status 125 or 126).
 */
int pack_add_program(struct pack *pack, const char *host, const char *guest, struct verdict *v)
{
	char *name = path_absolute(guest);
	struct stat st;
	int error = 0;

	if (find(pack, name))
		goto out;
	if (stat(host, &st) || access(host, R_OK))
		error = verdict_error(v, STATUS_NOT_EXECUTABLE, "%s: %s", host, strerror(errno));
	else
		error = add_node(pack, host, name, &st, v);
out:
	free(name);
	return error;
}

/**
 * pack_add_as_is - copy a file of the host in under its own name, a symbolic link as a link.
 *
 * Unless --file has already put one of that name there. Returns as pack_add() does.
 */
int pack_add_as_is(struct pack *pack, const char *path, struct verdict *v)
{
	char *name = path_absolute(path);
	struct stat st;
	int error = 0;

	if (!find(pack, name)) {
		if (lstat(path, &st))
			error = verdict_error(v, STATUS_MOAT_FAILED, "%s: %s", path, strerror(errno));
		else
			error = add_node(pack, path, name, &st, v);
	}
	free(name);
	return error;
}

static void print_node(const void *slot, VISIT visit, void *out)
{
	const struct node *node = *(struct node *const *)slot;

	if ((visit == postorder || visit == leaf) && !S_ISDIR(node->mode))
		fprintf(out, "copied     %s\n", node->guest);
}

/** pack_print - the guest paths of all that is packed but folders, a line each. */
void pack_print(const struct pack *pack, FILE *out)
{
	twalk_r(pack->root, print_node, out);
}

struct search {
	const char *folder; /* its guest path */
	const char *found;
};

static void search_node(const void *slot, VISIT visit, void *arg)
{
	const struct node *node = *(struct node *const *)slot;
	struct search *s = arg;
	size_t length = strlen(s->folder);

	if ((visit == postorder || visit == leaf) && !S_ISDIR(node->mode) && !s->found &&
	    strncmp(node->guest, s->folder, length) == 0 && node->guest[length] == '/')
		s->found = node->guest;
}

/** pack_first_in - the guest path of something that is packed in @folder, folders aside; or NULL. */
const char *pack_first_in(const struct pack *pack, const char *folder)
{
	struct search s = {.folder = folder};

	twalk_r(pack->root, search_node, &s);
	return s.found;
}

/**
 * pack_add_stream - a file that holds what @fd, an open memfd, holds from its start to its end.
 *
 * @fd stays the caller's and must be open until pack_write() has returned.
 * Returns 0, or a negative number with @v set.
 */
int pack_add_stream(struct pack *pack, int fd, const char *guest, struct verdict *v)
{
	char *name = path_absolute(guest);
	struct node *node;
	struct stat st;
	int error = add_parents(pack, name, v);

	if (!error && fstat(fd, &st))
		error = verdict_error(v, STATUS_MOAT_FAILED, "standard input: %s", strerror(errno));
	if (!error) {
		node = find_or_add(pack, name);
		node->fd = fd;
		node->mode = S_IFREG | 0444;
		node->size = st.st_size;
	}
	free(name);
	return error;
}

/**
 * pack_add_text - a file (S_IFREG) that holds @text, or a link (S_IFLNK) that says it, unless there is one of that name.
 * Returns as pack_add() does.
 */
int pack_add_text(struct pack *pack, const char *guest, mode_t mode, const char *text, struct verdict *v)
{
	char *name = path_absolute(guest);
	struct node *node;
	int error = 0;

	if (!find(pack, name)) {
		error = add_parents(pack, name, v);
		node = find_or_add(pack, name);
		node->mode = mode;
		node->text = must_copy(text);
	}
	free(name);
	return error;
}

/** pack_add_folder - see to it that a folder exists in the guest. Returns as pack_add() does. */
int pack_add_folder(struct pack *pack, const char *guest, struct verdict *v)
{
	char *inside = must_format("%s/.", guest), *name = path_absolute(inside),
	     *below = must_format("%s/x", name);
	int error = strcmp(name, "/") == 0 ? 0 : add_parents(pack, below, v);

	free(below);
	free(name);
	free(inside);
	return error;
}

/** pack_host_of - the host file that has been packed under the tidy path @guest, or NULL. */
const char *pack_host_of(const struct pack *pack, const char *guest)
{
	struct node key = {.guest = NULL};
	const struct node *node;

	key.guest = must_copy(guest);
	node = find(pack, key.guest);
	free(key.guest);
	return node ? node->host : NULL;
}

/* Writing: one pass over the tree. */
struct writer {
	struct archive *archive;
	struct archive_entry *entry;
	struct verdict *v;
	char *chunk;
	int64_t inode; /* every entry gets a number of its own: no hard links */
	int error;     /* once set, nothing more is written */
};

static int archive_failed(struct writer *w, const char *name)
{
	const char *why = archive_error_string(w->archive);

	return verdict_error(w->v, STATUS_MOAT_FAILED, "packing %s: %s", name, why ? why : strerror(errno));
}

static int write_header(struct writer *w, const char *name, mode_t mode, int64_t size, struct timespec mtime,
			const char *link)
{
	archive_entry_clear(w->entry);
	archive_entry_copy_pathname(w->entry, name);
	archive_entry_set_mode(w->entry, mode);
	archive_entry_set_size(w->entry, size);
	archive_entry_set_mtime(w->entry, mtime.tv_sec, 0);
	archive_entry_set_nlink(w->entry, 1);
	archive_entry_set_ino64(w->entry, ++w->inode);
	if (link)
		archive_entry_copy_symlink(w->entry, link);
	return archive_write_header(w->archive, w->entry) == ARCHIVE_OK ? 0 : archive_failed(w, name);
}

static int write_bytes(struct writer *w, const char *name, const char *data, size_t bytes)
{
	if (bytes == 0 || archive_write_data(w->archive, data, bytes) == (la_ssize_t)bytes)
		return 0;
	return archive_failed(w, name);
}

/* Read until `bytes` are there or the file ends; the number of bytes read, or -1 with errno set. */
static ssize_t read_full(int fd, char *buffer, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = read(fd, buffer + done, bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/*
 * The header carries the size, so it must be known before the content. A file that fits into one chunk
 * has the size that was read, which is also right for files of /proc that stat(2) says are empty; a larger
 * one must keep the size it had when the tree was collected.
 */
static int write_content(struct writer *w, const struct node *node, int fd, const char *name)
{
	ssize_t n = read_full(fd, w->chunk, CHUNK_BYTES);
	int64_t size = n < (ssize_t)CHUNK_BYTES ? n : node->size, done = 0;
	int error = n < 0 ? 0 : write_header(w, name, node->mode, size, node->mtime, NULL);

	while (!error && n > 0 && done + n <= size) {
		error = write_bytes(w, name, w->chunk, (size_t)n);
		done += n;
		n = n < (ssize_t)CHUNK_BYTES ? 0 : read_full(fd, w->chunk, CHUNK_BYTES);
	}
	if (error)
		return error;
	if (n < 0)
		return verdict_error(w->v, STATUS_MOAT_FAILED, "/%s: %s", name, strerror(errno));
	if (done != size || n > 0)
		return verdict_error(w->v, STATUS_MOAT_FAILED, "/%s: changed its size while it was read",
				     name);
	return 0;
}

static int write_regular(struct writer *w, const struct node *node, const char *name)
{
	int fd, error;

	if (node->text) {
		error = write_header(w, name, node->mode, (int64_t)strlen(node->text), node->mtime, NULL);
		return error ? error : write_bytes(w, name, node->text, strlen(node->text));
	}
	if (node->fd >= 0) {
		if (lseek(node->fd, 0, SEEK_SET) < 0)
			return verdict_error(w->v, STATUS_MOAT_FAILED, "/%s: %s", name, strerror(errno));
		return write_content(w, node, node->fd, name);
	}
	fd = open(node->host, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return verdict_error(w->v, STATUS_MOAT_FAILED, "%s: %s", node->host, strerror(errno));
	error = write_content(w, node, fd, name);
	close(fd);
	return error;
}

static int write_symlink(struct writer *w, const struct node *node, const char *name)
{
	ssize_t n;

	if (node->text)
		return write_header(w, name, node->mode, 0, node->mtime, node->text);
	n = readlink(node->host, w->chunk, CHUNK_BYTES - 1);
	if (n < 0)
		return verdict_error(w->v, STATUS_MOAT_FAILED, "%s: %s", node->host, strerror(errno));
	w->chunk[n] = '\0';
	return write_header(w, name, node->mode, 0, node->mtime, w->chunk);
}

static void write_node(const void *slot, VISIT visit, void *closure)
{
	const struct node *node = *(struct node *const *)slot;
	const char *name = node->guest + 1;
	struct writer *w = closure;

	if ((visit != postorder && visit != leaf) || w->error || *name == '\0')
		return;
	if (S_ISDIR(node->mode))
		w->error = write_header(w, name, node->mode, 0, node->mtime, NULL);
	else if (S_ISLNK(node->mode))
		w->error = write_symlink(w, node, name);
	else
		w->error = write_regular(w, node, name);
}

static int open_archive(struct writer *w, int fd)
{
	w->archive = must_have(archive_write_new());
	w->entry = must_have(archive_entry_new());
	w->chunk = must_alloc(CHUNK_BYTES);
	if (archive_write_set_format_cpio_newc(w->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(w->archive, CHUNK_BYTES) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(w->archive, 1) != ARCHIVE_OK ||
	    archive_write_open_fd(w->archive, fd) != ARCHIVE_OK)
		return archive_failed(w, "the archive");
	return 0;
}

/**
 * pack_write - write the archive into a new memfd.
 * @spec, @spec_bytes: content of the entry .moat/spec, which comes first.
 * @fd: receives the memfd, close-on-exec, owned by the caller.
 * @bytes: receives the size of the archive.
 *
 * Returns 0, or a negative number with @v set.
 */
int pack_write(const struct pack *pack, const char *spec, size_t spec_bytes, int *fd, uint64_t *bytes,
	       struct verdict *v)
{
	struct writer w = {.v = v};
	off_t end;

	*fd = memfd_create("moat-archive", MFD_CLOEXEC);
	if (*fd < 0)
		return verdict_error(v, STATUS_MOAT_FAILED, "memfd_create: %s", strerror(errno));
	w.error = open_archive(&w, *fd);
	if (!w.error)
		w.error = write_header(&w, SPEC_NAME, S_IFREG | 0400, (int64_t)spec_bytes,
				       (struct timespec){0}, NULL);
	if (!w.error)
		w.error = write_bytes(&w, SPEC_NAME, spec, spec_bytes);
	twalk_r(pack->root, write_node, &w);
	if (!w.error && archive_write_close(w.archive) != ARCHIVE_OK)
		w.error = archive_failed(&w, "the archive");
	archive_write_free(w.archive);
	archive_entry_free(w.entry);
	free(w.chunk);
	end = lseek(*fd, 0, SEEK_END);
	*bytes = end < 0 ? 0 : (uint64_t)end;
	if (w.error)
		close(*fd);
	return w.error;
}
