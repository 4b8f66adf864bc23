/* SPDX-License-Identifier: MIT */
/*
 * `moat shell`: a small system to live in. The shell is the host's busybox, under the name sh, with a link for each of its
 * applets, or another program; a few files in /etc and a few variables make programs feel at home. What --file
 * has put there goes before all of it.
 */
#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "program.h"

#define BUSYBOX "/bin/busybox"
#define PATH	"PATH=/bin:/usr/bin:/sbin:/usr/sbin"

static const struct {
	const char *path, *text;
} files[] = {
	{"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
	{"/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"},
	{"/etc/hostname", "moat\n"},
	{"/etc/hosts", "127.0.0.1 localhost\n"},
	{"/etc/shells", "/bin/sh\n"},
};

/* A link in /bin for each name that `busybox --list` prints. */
static int add_applets(struct pack *pack, const char *busybox, struct verdict *v)
{
	char *command = must_format("'%s' --list", busybox), *line = NULL;
	FILE *list = strchr(busybox, '\'') ? NULL : popen(command, "re");
	size_t room = 0;
	int error = 0;

	while (list && !error && getline(&line, &room, list) > 0) {
		char *link;

		line[strcspn(line, "\n")] = '\0';
		if (!*line || strchr(line, '/') || strcmp(line, "busybox") == 0)
			continue;
		link = must_format("/bin/%s", line);
		error = pack_add_text(pack, link, S_IFLNK | 0777, "busybox", v);
		free(link);
	}
	if (list)
		pclose(list);
	free(line);
	free(command);
	return error;
}

static int add_busybox(struct pack *pack, bool wanted, struct verdict *v)
{
	int why = 0, error;
	char *host = program_search("busybox", &why);

	if (!host)
		return wanted ? verdict_error(v, STATUS_NOT_FOUND,
					      "busybox: not found (Debian package busybox-static)")
			      : 0;
	error = pack_add_program(pack, host, BUSYBOX, v);
	if (!error)
		error = add_applets(pack, host, v);
	free(host);
	return error;
}

static int add_files(struct pack *pack, struct verdict *v)
{
	int error = pack_add_folder(pack, "/root", v);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !error; i++)
		error = pack_add_text(pack, files[i].path, S_IFREG | 0644, files[i].text, v);
	return error;
}

/* The shell itself, and /bin/sh when it is another one than busybox's. */
static int add_shell(struct shell *shell, const struct options *o, struct pack *pack, struct verdict *v)
{
	char *host = NULL;
	int why = ENOENT, error;

	if (!o->shell_program) {
		shell->path = must_copy(BUSYBOX);
		return 0;
	}
	host = strchr(o->shell_program, '/') ? must_copy(o->shell_program)
					     : program_search(o->shell_program, &why);
	if (!host)
		return verdict_error(v, STATUS_NOT_FOUND, "--shell %s: %s", o->shell_program, strerror(why));
	shell->path = path_absolute(host);
	error = pack_add_program(pack, host, shell->path, v);
	if (!error && strcmp(shell->path, "/bin/sh") != 0)
		error = pack_add_text(pack, "/bin/sh", S_IFLNK | 0777, shell->path, v);
	free(host);
	return error;
}

static void add_variable(struct shell *shell, size_t *count, char *text)
{
	shell->env = must_grow(shell->env, *count + 1, sizeof(*shell->env));
	shell->env[(*count)++] = text;
}

/* Those that were made here come first: what --env says overrides them. */
static void make_environment(struct shell *shell, struct options *o)
{
	static const char *const taken_over[] = {"COLORTERM", "TZ"};
	const char *term = getenv("TERM");
	size_t count = 0;
	/* Not every shell knows \\w. */
	bool plain = o->shell_program && !strstr(o->shell_program, "bash");

	add_variable(shell, &count, must_copy("HOME=/root"));
	add_variable(shell, &count, must_copy(PATH));
	add_variable(shell, &count, must_copy(plain ? "PS1=moat# " : "PS1=moat:\\w\\$ "));
	add_variable(shell, &count, must_copy("SHELL=/bin/sh"));
	add_variable(shell, &count, must_format("TERM=%s", term && *term ? term : "dumb"));
	add_variable(shell, &count, must_copy("USER=root"));
	for (size_t i = 0; i < sizeof(taken_over) / sizeof(taken_over[0]); i++) {
		const char *value = getenv(taken_over[i]);

		if (value)
			add_variable(shell, &count, must_format("%s=%s", taken_over[i], value));
	}
	shell->env_made = count;
	for (size_t i = 0; i < o->env_count; i++)
		add_variable(shell, &count, o->env[i]);
	free(o->env);
	o->env = shell->env;
	o->env_count = count;
	o->clear_env = true;
}

/* argv[0] says which applet busybox is. */
static void make_arguments(struct shell *shell, struct options *o)
{
	const char *slash = strrchr(shell->path, '/');
	size_t count = 0;

	while (o->argv[count])
		count++;
	shell->argv = must_grow(NULL, count + 2, sizeof(*shell->argv));
	shell->argv[0] = must_copy(!o->shell_program ? "sh" : slash ? slash + 1 : shell->path);
	memcpy(shell->argv + 1, o->argv, (count + 1) * sizeof(*o->argv));
	o->argv = shell->argv;
}

/**
 * shell_prepare - pack the shell and what it needs, and change @options to run it.
 * @shell: to be given to shell_free() once @options are not needed any more, whatever is returned.
 *
 * Returns 0, or a negative number with @v set.
 */
int shell_prepare(struct shell *shell, struct options *options, struct pack *pack, struct verdict *v)
{
	int error = 0;

	if (options->root)
		shell->path = must_copy(options->shell_program ? options->shell_program : "sh");
	else
		error = add_shell(shell, options, pack, v);
	if (!error && !options->root)
		error = add_busybox(pack, !options->shell_program, v);
	if (!error && !options->root)
		error = add_files(pack, v);
	if (error)
		return error;
	make_environment(shell, options);
	make_arguments(shell, options);
	return 0;
}

/** shell_free - free what shell_prepare() allocated, but for the list of variables, which options_free() frees. */
void shell_free(struct shell *shell)
{
	for (size_t i = 0; i < shell->env_made; i++)
		free(shell->env[i]);
	if (shell->argv)
		free(shell->argv[0]);
	free(shell->argv);
	free(shell->path);
}
