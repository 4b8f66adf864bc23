/* SPDX-License-Identifier: MIT */
/*
 * One machine survives many attacks. The archive holds the program (/attack) and the table (/attacks, format
 * and meaning in tests/boot/attacks); each line becomes a process of its own, one after the other. After each,
 * its status is what the table says, its memory is back to the last frame, and the next one starts.
 *
 * A program that is expected to run for ever is given LOOP_MS and then SIGKILL: it has been preempted, and can
 * be killed.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/exec.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/parse.h>
#include <moat/string.h>
#include "selftest_lib.h"

#define PROGRAM	    "/attack"
#define TABLE	    "/attacks"
#define TABLE_BYTES KIB(64)
#define LINE_BYTES  128
#define LIMIT_MS    100000 /* filling all memory or a stack takes long in an emulator */
#define LOOP_MS	    100
#define TIMED_OUT   124 /* statuses as the command shows them */
#define SIGNAL_BASE 128
#define MEMORY_GONE (SIGNAL_BASE + SIGKILL)

struct attack {
	char line[LINE_BYTES]; /* what follows points into it */
	const char *expected, *name, *argument;
};

/* The next word of *at, ended by a NUL that is written over the blank behind it; or NULL. */
static const char *next_word(char **at)
{
	char *word = *at;

	while (*word == ' ')
		word++;
	if (!*word)
		return NULL;
	for (*at = word; **at && **at != ' '; (*at)++)
		;
	if (**at)
		*(*at)++ = 0;
	return word;
}

/* False: nothing is to be done for this line. */
static bool parse_line(struct attack *a, const char *text, size_t len)
{
	char *at = a->line;

	EXPECT(len < sizeof(a->line));
	memcpy(a->line, text, len);
	a->line[len] = 0;
	if (a->line[0] == '#')
		return false;
	a->expected = next_word(&at);
	a->name = next_word(&at);
	a->argument = next_word(&at);
	if (a->argument && strncmp(a->argument, "linux=", 6) == 0)
		a->argument = NULL;
	return a->name != NULL;
}

/* Is `status` one of the numbers between the bars? */
static bool is_expected(const char *expected, unsigned status)
{
	char number[8];

	for (;;) {
		const char *bar = strchr(expected, '|');
		size_t n = bar ? (size_t)(bar - expected) : strlen(expected);
		u64 value;
		EXPECT(n < sizeof(number));
		memcpy(number, expected, n);
		number[n] = 0;
		EXPECT_EQ(parse_u64(number, &value), 0);
		if (value == status)
			return true;
		if (!bar)
			return false;
		expected = bar + 1;
	}
}

static struct process *spawn(const struct attack *a, struct capture *out)
{
	const char *const argv[] = {PROGRAM, a->name, a->argument, NULL}, *const envp[] = {NULL};
	struct spawn_request req = {.execfn = PROGRAM, .argv = argv, .envp = envp};
	struct process *p;

	req.files = selftest_files(out);
	req.fs = fs_context_create();
	EXPECT(req.fs);
	EXPECT_EQ(exec_open(req.fs, NULL, PROGRAM, &req.file), 0);
	EXPECT_EQ(process_spawn(&req, &p), 0);
	file_put(req.file);
	return p;
}

/* Runs it to its end, natural or not: the status as the command would show it. */
static unsigned run(const struct attack *a, struct capture *out, bool *explained)
{
	bool loops = is_expected(a->expected, TIMED_OUT);
	struct process *p = spawn(a, out);
	unsigned status;

	process_start(p);
	if (!selftest_ends_within(p, loops ? LOOP_MS : LIMIT_MS)) {
		selftest_kill(p);
		return TIMED_OUT;
	}
	*explained = p->explain[0] != 0;
	status = (unsigned)selftest_reap(p);
	return status & 0x7f ? SIGNAL_BASE + (status & 0x7f) : status >> 8;
}

static void attack(const struct attack *a)
{
	struct ledger before;
	struct capture out;
	bool explained = false;
	unsigned status;

	ledger_take(&before);
	status = run(a, &out, &explained);
	log_printf("selftest: attack %s %s: status %u\n", a->name, a->argument ? a->argument : "", status);
	if (!is_expected(a->expected, status))
		panic("selftest: attack %s %s: status %u, expected %s", a->name,
		      a->argument ? a->argument : "", status, a->expected);
	if (strncmp(out.text, "attack\n", 7) != 0)
		panic("selftest: attack %s did not run, or wrote \"%s\"", a->name, out.text);
	if (status > SIGNAL_BASE && !explained)
		panic("selftest: attack %s died without an explanation", a->name);
	ledger_expect(&before, a->name);
}

static char *read_table(size_t *len)
{
	struct fs_context *fs = fs_context_create();
	char *text = kmalloc(TABLE_BYTES);
	struct file *f;
	ssize_t n;

	EXPECT(fs && text);
	if (vfs_open(fs, NULL, TABLE, O_RDONLY, 0, &f))
		panic("selftest: the archive has no " TABLE);
	n = vfs_pread(f, text, TABLE_BYTES, 0);
	EXPECT(n > 0 && n < (ssize_t)TABLE_BYTES);
	file_put(f);
	fs_context_put(fs);
	*len = (size_t)n;
	return text;
}

void test_attacks(void)
{
	/* Makes once what stays: the kernel's tables for stacks, names that were looked up. */
	static const char warm_up[] = "0 nothing";
	struct attack a;
	struct capture out;
	size_t len, end;
	char *text = read_table(&len);
	bool explained;
	unsigned done = 0;

	EXPECT(parse_line(&a, warm_up, sizeof(warm_up) - 1));
	EXPECT_EQ(run(&a, &out, &explained), 0);
	for (size_t at = 0; at < len; at = end + 1) {
		for (end = at; end < len && text[end] != '\n'; end++)
			;
		if (!parse_line(&a, text + at, end - at))
			continue;
		attack(&a);
		done++;
	}
	kfree(text);
	EXPECT(done > 0);
	log_printf("selftest: %u attacks in one machine\n", done);
}
