/* SPDX-License-Identifier: MIT */
/*
 * From the word PROGRAM to a packed file, as a shell does it: a word with a slash is a path, any other is
 * searched in PATH. What can be told from the host's file is told here with the statuses of a shell (126,
 * 127); the last word on whether a file can run is the kernel's. A script brings its interpreter along.
 */
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

#define DEFAULT_PATH	 "/bin:/usr/bin"
#define SCRIPT_LINE	 256 /* Linux reads so much of a #! line (BINPRM_BUF_SIZE) */
#define SCRIPT_DEPTH_MAX 5   /* and follows so many interpreters that are scripts themselves */

static int not_executable(struct verdict *v, const char *name, const char *why)
{
	return verdict_error(v, STATUS_NOT_EXECUTABLE, "%s: %s", name, why);
}

/* 0 when the host would let us execute that path, else an errno. */
static int execute_errno(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return eaccess(path, X_OK) ? errno : 0;
}

/* Where files for the guest come from. */
struct sources {
	const struct view *view;
	struct pack *pack;
};

static bool other_root(const struct sources *from)
{
	return from && from->view->options->root;
}

/* The guest's name for a word that is a path: with another root it counts from the guest's working directory. */
static char *guest_path(const struct sources *from, const char *word)
{
	char *joined, *path;

	if (!other_root(from) || *word == '/')
		return path_absolute(word);
	joined = must_format("%s/%s", from->view->cwd, word);
	path = path_absolute(joined);
	free(joined);
	return path;
}

/* The file that another root shows; the host's own files are none of its. NULL: too many links. */
static char *file_in_root(const struct sources *from, const char *guest)
{
	char *path = view_resolve(from->view, guest), *host = NULL;

	if (path && !view_hides(from->view, path)) {
		const char *packed = pack_host_of(from->pack, path);

		host = packed ? must_copy(packed) : view_host_of(from->view, path);
	}
	free(path);
	return host;
}

/*
 * The host's file for a guest path, to be freed: one that --file has put there goes before one that a folder of the host
 * shows there, and that before the host's own. NULL: the guest's kernel would find none.
 */
static char *host_of(const struct sources *from, const char *guest, const char *otherwise)
{
	const char *packed = pack_host_of(from->pack, guest);
	char *shown;

	if (view_hides(from->view, guest))
		return NULL;
	if (packed)
		return must_copy(packed);
	if (other_root(from))
		return file_in_root(from, guest);
	shown = view_host_of(from->view, guest);
	if (shown && access(shown, F_OK) == 0)
		return shown;
	free(shown);
	return must_copy(otherwise);
}

static int search_error(const char *host)
{
	return host ? execute_errno(host) : ENOENT;
}

enum search_flags {
	SEARCH_SEEN = 1 << 0,
};

/* Can the guest read what is there without its being packed? */
static bool is_seen(const struct sources *from, const char *guest)
{
	return pack_host_of(from->pack, guest) || view_shows(from->view, guest);
}

/*
 * program_search(); `from` NULL: on the host. *file: the host's file of what is found. SEARCH_SEEN: only
 * what the guest sees.
 */
static char *search(const struct sources *from, const char *name, unsigned flags, char **file, int *error)
{
	const char *path = getenv("PATH"), *next;

	*error = ENOENT;
	for (path = path ? path : DEFAULT_PATH; path; path = next) {
		size_t length = strcspn(path, ":");
		char *word = must_format("%.*s/%s", length ? (int)length : 1, length ? path : ".", name);
		char *guest = guest_path(from, word);
		int why;

		*file = from ? host_of(from, guest, word) : must_copy(word);
		why = flags & SEARCH_SEEN && !is_seen(from, guest) ? ENOENT : search_error(*file);
		free(word);
		if (why == 0)
			return guest;
		free(guest);
		free(*file);
		*file = NULL;
		if (why == EACCES)
			*error = why;
		next = path[length] == ':' ? path + length + 1 : NULL;
	}
	return NULL;
}

/**
 * program_search - search PATH for a program of the host.
 *
 * As in a shell, a file that exists but cannot be executed does not end the search, but is what is complained about
 * when nothing better turns up. Returns the path, to be freed by the caller, or NULL with *error set to an errno.
 */
char *program_search(const char *name, int *error)
{
	char *file, *path = search(NULL, name, 0, &file, error);

	free(file);
	return path;
}

/* The interpreter named by a #! line, or NULL when there is none. */
static char *script_interpreter(const char *head, size_t bytes)
{
	char line[SCRIPT_LINE + 1] = "";
	char *start;

	memcpy(line, head, bytes < SCRIPT_LINE ? bytes : SCRIPT_LINE);
	line[strcspn(line, "\n")] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t")] = '\0';
	return *start ? must_copy(start) : NULL;
}

static int check_elf(const Elf64_Ehdr *header, size_t bytes, const char *name, struct verdict *v)
{
	if (bytes < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return not_executable(v, name, "neither an ELF program nor a #! script");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return not_executable(v, name, "an ELF file, but not for x86-64");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return not_executable(v, name, "an ELF file, but not a program");
	return 0;
}

/* The file's PT_INTERP string, or NULL; the headers are the file's word and may say anything. */
static char *read_loader(int fd, const Elf64_Ehdr *header)
{
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		off_t place = (off_t)(header->e_phoff + (uint64_t)i * header->e_phentsize);
		char loader[256] = "";
		Elf64_Phdr segment;

		if (pread(fd, &segment, sizeof(segment), place) != sizeof(segment))
			return NULL;
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_filesz == 0 || segment.p_filesz >= sizeof(loader) ||
		    pread(fd, loader, segment.p_filesz, (off_t)segment.p_offset) != (ssize_t)segment.p_filesz)
			return NULL;
		return must_copy(loader);
	}
	return NULL;
}

/*
 * Look into one file: an ELF program is checked, of a script the interpreter is returned for the next
 * round (*interpreter, NULL when this is the last).
 */
static int inspect(struct program *program, const char *host, char **interpreter, struct verdict *v)
{
	union {
		Elf64_Ehdr elf;
		char bytes[SCRIPT_LINE];
	} head;
	int fd = open(host, O_RDONLY | O_CLOEXEC), error = 0;
	ssize_t n = fd < 0 ? -1 : pread(fd, &head, sizeof(head), 0);

	*interpreter = NULL;
	if (n < 0) {
		error = not_executable(v, host, strerror(errno));
	} else if (n >= 2 && memcmp(head.bytes, "#!", 2) == 0) {
		*interpreter = script_interpreter(head.bytes, (size_t)n);
		if (!*interpreter)
			error = not_executable(v, host, "its #! line names no interpreter");
	} else {
		error = check_elf(&head.elf, (size_t)n, host, v);
		if (!error)
			program->loader = read_loader(fd, &head.elf);
	}
	if (fd >= 0)
		close(fd);
	return error;
}

static int interpreter_error(struct verdict *v, const char *name, const char *interpreter, int why)
{
	return verdict_error(v, STATUS_NOT_EXECUTABLE, "%s: interpreter %s: %s", name, interpreter,
			     strerror(why));
}

/* Pack `host` as `guest` unless the guest sees it anyway, then its interpreter, then that one's. */
static int pack_chain(struct program *program, const char *host, const struct sources *from,
		      struct verdict *v)
{
	char *path = must_copy(program->guest), *file = must_copy(host);
	int error = 0;

	for (int depth = 0; path && !error; depth++) {
		char *interpreter;

		if (!other_root(from) && !view_shows(from->view, path))
			error = pack_add_program(from->pack, file, path, v);
		if (!error)
			error = inspect(program, file, &interpreter, v);
		if (error)
			break;
		free(path);
		free(file);
		/* A relative interpreter is looked for from the guest's working directory, by the kernel. */
		if (!interpreter || *interpreter != '/') {
			free(interpreter);
			return 0;
		}
		path = path_absolute(interpreter);
		file = host_of(from, path, interpreter);
		free(interpreter);
		error = search_error(file);
		if (error || depth + 1 > SCRIPT_DEPTH_MAX)
			error = interpreter_error(v, program->name, path, error ? error : ELOOP);
	}
	free(path);
	free(file);
	return error;
}

/**
 * program_find - look up PROGRAM on the host and pack it.
 * @name: the word from the command line, which must outlive @program.
 * @view: what the guest sees of the host without its being packed.
 * @pack: holds what --file brought; the program, and its interpreters when it is a script, are added
 *        under their absolute paths.
 *
 * Returns 0, or a negative number with @v set: 127 when there is no such file, 126 when it cannot be
 * executed. @program must be given to program_free() in either case.
 */
int program_find(struct program *program, const char *name, const struct view *view, struct pack *pack,
		 struct verdict *v)
{
	const struct sources from = {.view = view, .pack = pack};
	char *found = NULL;
	int why, error;

	*program = (struct program){.name = name};
	if (strchr(name, '/')) {
		program->guest = guest_path(&from, name);
		found = host_of(&from, program->guest, name);
		why = search_error(found);
	} else {
		why = ENOENT;
		/* As a shell in the guest would find it; a program that the guest does not see comes after those that it does. */
		program->guest = *name ? search(&from, name, SEARCH_SEEN, &found, &why) : NULL;
		if (*name && !program->guest && !other_root(&from))
			program->guest = search(&from, name, 0, &found, &why);
		why = program->guest ? 0 : why;
	}
	if (why == ENOENT)
		error = verdict_error(v, STATUS_NOT_FOUND, "%s: not found", name);
	else if (why)
		error = not_executable(v, name, strerror(why));
	else
		error = pack_chain(program, found, &from, v);
	free(found);
	return error;
}

/** program_free - free what program_find() allocated. */
void program_free(struct program *program)
{
	free(program->guest);
	free(program->loader);
}
