/* SPDX-License-Identifier: MIT */
/*
 * The command line of `moat run`, from words to `struct options`. Nothing outside the process is looked at
 * here: a word is accepted or refused by its form alone. Options end at PROGRAM, so that the program's own
 * options need no `--` before them.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "pack.h"

#define MEMORY_DEFAULT	 (256ULL << 20)
#define MEMORY_MIN	 (4ULL << 20)
#define MEMORY_MAX	 (1ULL << 40)
#define TIMEOUT_MAX_S	 1e9
#define CPUS_MAX	 8
#define NODE_BYTES_MIN	 (8ULL << 20)
#define GDB_PORT_DEFAULT 1234

enum option_letter {
	OPT_MEMORY = 256,
	OPT_TIMEOUT,
	OPT_ENV,
	OPT_CLEAR_ENV,
	OPT_CWD,
	OPT_FILE,
	OPT_RO,
	OPT_RW,
	OPT_ROOT,
	OPT_DISK,
	OPT_HIDE,
	OPT_BARE,
	OPT_DRY_RUN,
	OPT_KERNEL_LOG,
	OPT_REPORT,
	OPT_ACCEL,
	OPT_DETERMINISTIC,
	OPT_STRICT,
	OPT_STRACE,
	OPT_GDB,
	OPT_NO_ASLR,
	OPT_KERNEL,
	OPT_APPEND,
	OPT_CPUS,
	OPT_WX,
	OPT_NODES,
	OPT_SHELL,
};

static const struct option long_options[] = {
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"env", required_argument, NULL, OPT_ENV},
	{"clear-env", no_argument, NULL, OPT_CLEAR_ENV},
	{"cwd", required_argument, NULL, OPT_CWD},
	{"file", required_argument, NULL, OPT_FILE},
	{"ro", required_argument, NULL, OPT_RO},
	{"rw", required_argument, NULL, OPT_RW},
	{"disk", required_argument, NULL, OPT_DISK},
	{"root", required_argument, NULL, OPT_ROOT},
	{"hide", required_argument, NULL, OPT_HIDE},
	{"bare", no_argument, NULL, OPT_BARE},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"kernel-log", no_argument, NULL, OPT_KERNEL_LOG},
	{"report", required_argument, NULL, OPT_REPORT},
	{"accel", required_argument, NULL, OPT_ACCEL},
	{"deterministic", no_argument, NULL, OPT_DETERMINISTIC},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"wx", required_argument, NULL, OPT_WX},
	{"strace", no_argument, NULL, OPT_STRACE},
	{"gdb", optional_argument, NULL, OPT_GDB},
	{"no-aslr", no_argument, NULL, OPT_NO_ASLR},
	{"kernel", required_argument, NULL, OPT_KERNEL},
	{"append", required_argument, NULL, OPT_APPEND},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"nodes", required_argument, NULL, OPT_NODES},
	{"shell", required_argument, NULL, OPT_SHELL},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int bad_value(struct verdict *v, const char *option, const char *value, const char *wanted)
{
	return verdict_error(v, STATUS_MOAT_FAILED, "%s %s: %s", option, value, wanted);
}

static int suffix_shift(const char *suffix)
{
	if (*suffix == '\0')
		return 0;
	if (suffix[1] != '\0')
		return -EINVAL;
	switch (*suffix) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	default:
		return -EINVAL;
	}
}

static int parse_memory(uint64_t *bytes, const char *text, struct verdict *v)
{
	unsigned long long number;
	char *end;
	int shift;

	errno = 0;
	number = strtoull(text, &end, 10);
	shift = suffix_shift(end);
	if (errno || end == text || strchr("+-", *text) || shift < 0)
		return bad_value(v, "--memory", text, "not a size such as 64M or 2G");
	if (number > MEMORY_MAX >> shift || number << shift < MEMORY_MIN)
		return bad_value(v, "--memory", text, "must lie between 4M and 1024G");
	*bytes = number << shift;
	return 0;
}

static int parse_timeout(uint64_t *ns, const char *text, struct verdict *v)
{
	double seconds;
	char *end;

	errno = 0;
	seconds = strtod(text, &end);
	if (errno || end == text || *end != '\0' || !isfinite(seconds) || seconds <= 0 ||
	    seconds > TIMEOUT_MAX_S)
		return bad_value(v, "--timeout", text, "not a number of seconds above zero");
	*ns = (uint64_t)ceil(seconds * 1e9);
	return 0;
}

static int parse_number(unsigned int *number, const char *option, const char *text, unsigned int max,
			struct verdict *v)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end != '\0' || strchr("+-", *text) || value < 1 || value > max)
		return verdict_error(v, STATUS_MOAT_FAILED, "%s %s: not a number from 1 to %u", option, text,
				     max);
	*number = (unsigned int)value;
	return 0;
}

static int parse_nodes(unsigned int *nodes, const char *text, struct verdict *v)
{
	if (strcmp(text, "1") != 0 && strcmp(text, "2") != 0 && strcmp(text, "4") != 0)
		return bad_value(v, "--nodes", text, "must be 1, 2 or 4");
	*nodes = (unsigned int)(*text - '0');
	return 0;
}

static int parse_accel(enum accel *accel, const char *text, struct verdict *v)
{
	if (strcmp(text, "auto") == 0)
		*accel = ACCEL_AUTO;
	else if (strcmp(text, "kvm") == 0)
		*accel = ACCEL_KVM;
	else if (strcmp(text, "tcg") == 0)
		*accel = ACCEL_TCG;
	else
		return bad_value(v, "--accel", text, "must be kvm, tcg or auto");
	return 0;
}

static int add_env(struct options *o, char *text, struct verdict *v)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return bad_value(v, "--env", text, "must be NAME=VALUE");
	o->env = must_grow(o->env, o->env_count + 1, sizeof(*o->env));
	o->env[o->env_count++] = text;
	return 0;
}

/*
 * HOST or HOST:GUEST. GUEST is absolute, so the last ":/" divides the two and a host name may hold colons
 * of other kinds.
 */
static int add_pair(struct file_option **list, size_t *count, const char *option, const char *text,
		    struct verdict *v)
{
	char *host = must_copy(text), *guest = NULL;
	char *colon;

	for (colon = strstr(host, ":/"); colon; colon = strstr(colon + 1, ":/"))
		guest = colon;
	if (guest)
		*guest++ = '\0';
	if (*host == '\0') {
		free(host);
		return bad_value(v, option, text, "must be HOST or HOST:GUEST, where GUEST begins with /");
	}
	*list = must_grow(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = (struct file_option){.host = host, .guest = guest ? must_copy(guest) : NULL};
	return 0;
}

static int add_hidden(struct options *o, const char *text, struct verdict *v)
{
	char *path = path_absolute(text);

	if (*text != '/' || strcmp(path, "/") == 0) {
		free(path);
		return bad_value(v, "--hide", text, "must be an absolute path below /");
	}
	o->hide = must_grow(o->hide, o->hide_count + 1, sizeof(*o->hide));
	o->hide[o->hide_count++] = path;
	return 0;
}

static int take_option(struct options *o, int letter, struct verdict *v)
{
	switch (letter) {
	case OPT_MEMORY:
		return parse_memory(&o->memory_bytes, optarg, v);
	case OPT_TIMEOUT:
		return parse_timeout(&o->timeout_ns, optarg, v);
	case OPT_ENV:
		return add_env(o, optarg, v);
	case OPT_CLEAR_ENV:
		o->clear_env = true;
		return 0;
	case OPT_CWD:
		if (*optarg != '/')
			return bad_value(v, "--cwd", optarg, "must be an absolute path");
		o->cwd = optarg;
		return 0;
	case OPT_FILE:
		return add_pair(&o->files, &o->file_count, "--file", optarg, v);
	case OPT_RO:
		return add_pair(&o->ro, &o->ro_count, "--ro", optarg, v);
	case OPT_RW:
		return add_pair(&o->rw, &o->rw_count, "--rw", optarg, v);
	case OPT_DISK:
		return add_pair(&o->disks, &o->disk_count, "--disk", optarg, v);
	case OPT_ROOT:
		o->root = optarg;
		o->host_files = false;
		return 0;
	case OPT_HIDE:
		return add_hidden(o, optarg, v);
	case OPT_BARE:
		o->host_files = false;
		return 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPT_KERNEL_LOG:
		o->kernel_log = true;
		return 0;
	case OPT_REPORT:
		o->report = optarg;
		return 0;
	case OPT_ACCEL:
		return parse_accel(&o->accel, optarg, v);
	case OPT_DETERMINISTIC:
		o->deterministic = true;
		return 0;
	case OPT_STRICT:
		o->strict = true;
		return 0;
	case OPT_WX:
		if (strcmp(optarg, "strict") != 0 && strcmp(optarg, "linux") != 0)
			return bad_value(v, "--wx", optarg, "must be strict or linux");
		o->wx_linux = strcmp(optarg, "linux") == 0;
		return 0;
	case OPT_STRACE:
		o->strace = true;
		return 0;
	case OPT_GDB:
		o->gdb_port = GDB_PORT_DEFAULT;
		return optarg ? parse_number(&o->gdb_port, "--gdb", optarg, UINT16_MAX, v) : 0;
	case OPT_NO_ASLR:
		o->no_aslr = true;
		return 0;
	case OPT_KERNEL:
		o->kernel = optarg;
		return 0;
	case OPT_APPEND:
		o->append = optarg;
		return 0;
	case OPT_CPUS:
		return parse_number(&o->cpus, "--cpus", optarg, CPUS_MAX, v);
	case OPT_NODES:
		return parse_nodes(&o->nodes, optarg, v);
	case OPT_SHELL:
		if (!o->shell)
			return verdict_error(v, STATUS_MOAT_FAILED, "--shell belongs to `moat shell`");
		o->shell_program = optarg;
		return 0;
	default:
		o->help = true;
		return 0;
	}
}

static int check_together(const struct options *o, struct verdict *v)
{
	if (!o->argv[0] && !o->shell)
		return verdict_error(v, STATUS_MOAT_FAILED, "run: no PROGRAM given (try 'moat run --help')");
	if (o->deterministic && o->cpus != 1)
		return verdict_error(v, STATUS_MOAT_FAILED, "--deterministic runs on one CPU, not on %u",
				     o->cpus);
	if (o->nodes > 1 && o->memory_bytes / o->nodes < NODE_BYTES_MIN)
		return verdict_error(v, STATUS_MOAT_FAILED, "--nodes %u needs at least 8M of memory for each",
				     o->nodes);
	if (o->deterministic && o->root)
		return verdict_error(v, STATUS_MOAT_FAILED,
				     "--deterministic copies files (--file); --root reads them when the "
				     "host has the time");
	if (o->deterministic && o->disk_count)
		return verdict_error(v, STATUS_MOAT_FAILED,
				     "--deterministic: --disk answers when the host has the time");
	if (o->deterministic && (o->ro_count || o->rw_count))
		return verdict_error(v, STATUS_MOAT_FAILED,
				     "--deterministic copies files (--file); --ro reads them when the "
				     "host has the time");
	if (o->deterministic && o->accel == ACCEL_KVM)
		return verdict_error(v, STATUS_MOAT_FAILED, "--deterministic needs TCG, not --accel kvm");
	return 0;
}

/**
 * options_parse - read the words after `moat run`.
 * @argc, @argv: argv[0] is the word `run` or `shell`; the strings must live as long as @options.
 *
 * Stops with @options->help set when --help is met. Even after an error, @options holds what came before
 * it (so that --report is honoured) and must be given to options_free().
 * Returns 0, or a negative number with @v saying what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv, struct verdict *v)
{
	int letter, error;

	*options =
		(struct options){.memory_bytes = MEMORY_DEFAULT, .cpus = 1, .nodes = 1, .host_files = true};
	options->shell = strcmp(argv[0], "shell") == 0;
	if (options->shell) {
		options->cwd = "/root";
		options->host_files = false;
	}
	optind = 1;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "+:h", long_options, NULL)) != -1) {
		if (letter == '?')
			return verdict_error(v, STATUS_MOAT_FAILED,
					     "%s: unknown or misused option (try 'moat run --help')",
					     argv[optind - 1]);
		if (letter == ':')
			return verdict_error(v, STATUS_MOAT_FAILED, "%s: needs a value", argv[optind - 1]);
		error = take_option(options, letter, v);
		if (error)
			return error;
		if (options->help)
			return 0;
	}
	options->argv = argv + optind;
	return check_together(options, v);
}

/** options_free - give back what options_parse() allocated. */
void options_free(struct options *options)
{
	for (size_t i = 0; i < options->file_count; i++) {
		free(options->files[i].host);
		free(options->files[i].guest);
	}
	for (size_t i = 0; i < options->disk_count; i++) {
		free(options->disks[i].host);
		free(options->disks[i].guest);
	}
	free(options->disks);
	for (size_t i = 0; i < options->ro_count; i++) {
		free(options->ro[i].host);
		free(options->ro[i].guest);
	}
	for (size_t i = 0; i < options->rw_count; i++) {
		free(options->rw[i].host);
		free(options->rw[i].guest);
	}
	free(options->rw);
	for (size_t i = 0; i < options->hide_count; i++)
		free(options->hide[i]);
	free(options->hide);
	free(options->ro);
	free(options->files);
	free(options->env);
}
