/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of /etc: not the folder, in which keys and passwords lie, but copies of the files that installed
 * programs cannot do without. They are named by patterns, for what a host has depends on what is installed there: a
 * compiler of Java reads its rules of security in /etc/java-17-openjdk, whatever it compiles.
 *
 * No pattern may match what an administrator writes secrets into: servers' settings, accounts, networks, sources of packages,
 * variables for everybody.
 * As a second wall only files that everybody on the host may read are taken, and none that is large. Links stay links.
 */
#include "etc.h"

#include <errno.h>
#include <fts.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (1U << 20)

static const char *const patterns[] = {
	/* the loader, names, time, what this system is */
	"/etc/ld.so.cache",
	"/etc/ld.so.conf",
	"/etc/ld.so.conf.d",
	"/etc/ld-musl-*.path",
	"/etc/passwd",
	"/etc/group",
	"/etc/nsswitch.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/protocols",
	"/etc/services",
	"/etc/rpc",
	"/etc/localtime",
	"/etc/timezone",
	"/etc/locale.alias",
	"/etc/os-release",
	"/etc/debian_version",
	"/etc/lsb-release",
	"/etc/dpkg/origins",
	/* shells, texts, terminals */
	"/etc/shells",
	"/etc/profile",
	"/etc/bash.bashrc",
	"/etc/bash_completion",
	"/etc/inputrc",
	"/etc/zsh",
	"/etc/fish",
	"/etc/csh.*",
	"/etc/mkshrc",
	"/etc/vim",
	"/etc/emacs",
	"/etc/nanorc",
	"/etc/screenrc",
	"/etc/tmux.conf",
	"/etc/terminfo",
	"/etc/manpath.config",
	"/etc/groff",
	"/etc/papersize",
	"/etc/mime.types",
	"/etc/magic",
	"/etc/mailcap",
	"/etc/xml",
	"/etc/sgml",
	"/etc/texmf",
	/* languages and libraries */
	"/etc/java*",
	"/etc/perl",
	"/etc/python*",
	"/etc/php",
	"/etc/R",
	"/etc/octave*",
	"/etc/gdb",
	"/etc/gnucobol",
	"/etc/mke2fs.conf",
	"/etc/ssl/openssl.cnf",
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/fonts",
	"/etc/ImageMagick*",
	"/etc/ghostscript",
	"/etc/gtk-*",
	"/etc/X11/rgb.txt",
	"/etc/OpenCL",
	"/etc/vulkan",
	"/etc/glvnd",
};

/* Is it something that everybody on the host may look at? */
static bool is_public(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return (st->st_mode & (S_IROTH | S_IXOTH)) == (S_IROTH | S_IXOTH);
	return S_ISLNK(st->st_mode) ||
	       (S_ISREG(st->st_mode) && (st->st_mode & S_IROTH) && st->st_size <= FILE_BYTES_MAX);
}

/* What the command was given there is all that is seen there. */
static bool is_given(const struct view *view, const struct pack *pack, const char *path)
{
	char *host = view_host_of(view, path);
	bool given = host || pack_host_of(pack, path);

	free(host);
	return given;
}

static int add_tree(const struct view *view, struct pack *pack, char *path, struct verdict *v)
{
	char *paths[] = {path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *found;
	int error = 0;

	if (!walk)
		return verdict_error(v, STATUS_MOAT_FAILED, "%s: %s", path, strerror(errno));
	while (!error && (found = fts_read(walk))) {
		if (found->fts_info == FTS_DP || found->fts_info == FTS_DNR)
			continue;
		if (found->fts_errno || !is_public(found->fts_statp) ||
		    view_hidden(view->options, found->fts_path) || is_given(view, pack, found->fts_path))
			fts_set(walk, found, FTS_SKIP);
		else
			error = pack_add_as_is(pack, found->fts_path, v);
	}
	fts_close(walk);
	return error;
}

/**
 * etc_add - copy in what installed programs need of the host's /etc.
 * @view: what the user asked to see, which comes first.
 *
 * What is not there, and what not everybody may read, is left out. Returns 0, or a negative number with @v set.
 */
int etc_add(const struct view *view, struct pack *pack, struct verdict *v)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns) && !error; i++) {
		glob_t found = {0};

		if (glob(patterns[i], GLOB_NOSORT, NULL, &found) == 0) {
			for (size_t n = 0; n < found.gl_pathc && !error; n++)
				error = add_tree(view, pack, found.gl_pathv[n], v);
		}
		globfree(&found);
	}
	return error;
}
