/* SPDX-License-Identifier: MIT */
/*
 * Parsing the run spec: records KEY=VALUE, each ended by a NUL byte. The text is copied once; argv and envp are arrays
 * of pointers into the copy. Unknown keys are ignored, so that an older kernel runs under a newer command.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/parse.h>
#include <moat/string.h>
#include "run_spec.h"

/* The value when the record's key is `key`, else NULL. */
static const char *value_of(const char *record, const char *key)
{
	size_t n = strlen(key);

	return strncmp(record, key, n) == 0 && record[n] == '=' ? record + n + 1 : NULL;
}

static size_t count_records(const char *text, size_t len, const char *key)
{
	size_t n = 0;

	for (size_t at = 0; at < len; at += strlen(text + at) + 1)
		n += value_of(text + at, key) != NULL;
	return n;
}

static int parse_winsize(const char *v, struct run_spec *s)
{
	const char *space = strchr(v, ' ');
	char rows[8];
	u64 r, c;

	if (!space || (size_t)(space - v) >= sizeof(rows))
		return -EINVAL;
	(void)str_copy(rows, v, (size_t)(space - v) + 1);
	if (parse_u64(rows, &r) || parse_u64(space + 1, &c) || r > UINT16_MAX || c > UINT16_MAX)
		return -EINVAL;
	s->rows = (u16)r;
	s->cols = (u16)c;
	return 0;
}

/* Keys that may repeat: where their values go. */
struct lists {
	size_t args, envs, shares, disks, hides;
};

static int parse_record(const char *r, struct run_spec *s, struct lists *n)
{
	const char *v;

	if ((v = value_of(r, "arg")))
		s->argv[n->args++] = v;
	else if ((v = value_of(r, "env")))
		s->envp[n->envs++] = v;
	else if ((v = value_of(r, "share")) || (v = value_of(r, "share_rw")))
		s->shares[n->shares++] = r;
	else if ((v = value_of(r, "disk")))
		s->disks[n->disks++] = v;
	else if ((v = value_of(r, "hide")))
		s->hides[n->hides++] = v;
	else if ((v = value_of(r, "exe")))
		s->exe = v;
	else if ((v = value_of(r, "cwd")))
		s->cwd = v;
	else if ((v = value_of(r, "stdin")))
		s->stdin_path = v;
	else if ((v = value_of(r, "seed")))
		return parse_hex_bytes(v, s->seed, sizeof(s->seed));
	else if ((v = value_of(r, "epoch_ns")))
		return parse_u64(v, &s->epoch_ns);
	else if ((v = value_of(r, "winsize")))
		return parse_winsize(v, s);
	else if ((v = value_of(r, "aslr")))
		s->aslr = strcmp(v, "0") != 0;
	else if ((v = value_of(r, "deterministic")))
		s->deterministic = strcmp(v, "1") == 0;
	else if ((v = value_of(r, "strace")))
		s->trace = strcmp(v, "1") == 0;
	else if ((v = value_of(r, "strict")))
		s->strict = strcmp(v, "1") == 0;
	else if ((v = value_of(r, "wx")))
		s->wx_strict = strcmp(v, "strict") == 0;
	else if ((v = value_of(r, "line_editing")))
		s->host_edits = strcmp(v, "host") == 0;
	else if ((v = value_of(r, "tty")))
		for (int i = 0; i < 3 && v[i]; i++)
			s->tty[i] = v[i] == '1';
	return 0;
}

/* Room for all values of a key, and a NULL. */
static const char **make_list(const struct run_spec *s, size_t len, const char *key)
{
	return kcalloc(count_records(s->text, len, key) + 1, sizeof(const char *));
}

int run_spec_parse(const void *bytes, size_t len, struct run_spec *out)
{
	struct run_spec s = {.cwd = "/", .aslr = true};
	struct lists n = {0};
	int err = -ENOMEM;

	s.text = kmalloc(len + 1);
	if (!s.text)
		return -ENOMEM;
	memcpy(s.text, bytes, len);
	s.text[len] = 0;
	s.argv = make_list(&s, len, "arg");
	s.envp = make_list(&s, len, "env");
	s.shares = kcalloc(count_records(s.text, len, "share") + count_records(s.text, len, "share_rw") + 1,
			   sizeof(const char *));
	s.disks = make_list(&s, len, "disk");
	s.hides = make_list(&s, len, "hide");
	if (!s.argv || !s.envp || !s.shares || !s.disks || !s.hides)
		goto fail;
	for (size_t at = 0; at < len; at += strlen(s.text + at) + 1) {
		err = parse_record(s.text + at, &s, &n);
		if (err)
			goto fail;
	}
	*out = s;
	return 0;

fail:
	run_spec_destroy(&s);
	return err;
}

/* The digits up to the next space, in base 8 or 10; *text moves behind it. */
static int take_number(const char **text, unsigned base, u32 *out)
{
	u64 value = 0;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	while (**text >= '0' && **text < (char)('0' + base) && value <= UINT32_MAX)
		value = value * base + (u64)(*(*text)++ - '0');
	if (*(*text)++ != ' ' || value > UINT32_MAX)
		return -EINVAL;
	*out = (u32)value;
	return 0;
}

int run_spec_share(const char *record, char tag[], size_t size, struct share *out)
{
	bool writable = value_of(record, "share_rw") != NULL;
	const char *space;

	record = strchr(record, '=') + 1;
	space = strchr(record, ' ');
	if (!space || (size_t)(space - record) >= size)
		return -EINVAL;
	memcpy(tag, record, (size_t)(space - record));
	tag[space - record] = '\0';
	*out = (struct share){.tag = tag, .writable = writable};
	record = space + 1;
	if (take_number(&record, 8, &out->mode) || take_number(&record, 10, &out->own_uid) ||
	    take_number(&record, 10, &out->own_gid) || *record != '/')
		return -EINVAL;
	out->path = record;
	return 0;
}

int run_spec_disk(const char *record, char name[], size_t size, struct disk *out)
{
	const char *space = strchr(record, ' ');

	*out = (struct disk){.name = name, .path = record};
	if (!space || (size_t)(space - record) >= size || space[1] != '/')
		return -EINVAL;
	memcpy(name, record, (size_t)(space - record));
	name[space - record] = '\0';
	out->path = space + 1;
	return 0;
}

void run_spec_destroy(struct run_spec *s)
{
	kfree(s->disks);
	kfree(s->hides);
	kfree(s->shares);
	kfree(s->envp);
	kfree(s->argv);
	kfree(s->text);
	*s = (struct run_spec){0};
}
