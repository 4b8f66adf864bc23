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

/* Keys that may repeat. */
enum list_index { LIST_ENV, LIST_ARG, LIST_SHARE, LIST_DISK, LIST_HIDE, LIST_COUNT };

/* Their values; no arrays yet: they are counted. */
struct lists {
	const char **item[LIST_COUNT];
	size_t count[LIST_COUNT];
};

enum record_kind {
	RECORD_VALUES, /* values go to a list */
	RECORD_LINES,  /* whole records do, for their key is part of what they say */
	RECORD_TEXT,
	RECORD_FLAG, /* true when the value is `yes` */
	RECORD_NUMBER,
	RECORD_SEED,
	RECORD_WINSIZE,
	RECORD_TERMINALS,
};

/* What a key says about its record. */
struct record_type {
	const char *key;
	enum record_kind kind;
	size_t place; /* enum list_index, or an offset in struct run_spec */
	const char *yes;
};

#define PLACE(field) offsetof(struct run_spec, field)

/* The most frequent first. */
static const struct record_type types[] = {
	{"env", RECORD_VALUES, LIST_ENV, NULL},
	{"arg", RECORD_VALUES, LIST_ARG, NULL},
	{"share", RECORD_LINES, LIST_SHARE, NULL},
	{"share_rw", RECORD_LINES, LIST_SHARE, NULL},
	{"disk", RECORD_VALUES, LIST_DISK, NULL},
	{"hide", RECORD_VALUES, LIST_HIDE, NULL},
	{"exe", RECORD_TEXT, PLACE(exe), NULL},
	{"cwd", RECORD_TEXT, PLACE(cwd), NULL},
	{"stdin", RECORD_TEXT, PLACE(stdin_path), NULL},
	{"seed", RECORD_SEED, 0, NULL},
	{"epoch_ns", RECORD_NUMBER, PLACE(epoch_ns), NULL},
	{"winsize", RECORD_WINSIZE, 0, NULL},
	{"aslr", RECORD_FLAG, PLACE(aslr), "1"},
	{"deterministic", RECORD_FLAG, PLACE(deterministic), "1"},
	{"strace", RECORD_FLAG, PLACE(trace), "1"},
	{"strict", RECORD_FLAG, PLACE(strict), "1"},
	{"wx", RECORD_FLAG, PLACE(wx_strict), "strict"},
	{"line_editing", RECORD_FLAG, PLACE(host_edits), "host"},
	{"tty", RECORD_TERMINALS, 0, NULL},
};

/* The value when the record's key is `key`, else NULL. */
static const char *value_of(const char *record, const char *key)
{
	while (*key && *record == *key) {
		record++;
		key++;
	}
	return *key || *record != '=' ? NULL : record + 1;
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

static void add(struct lists *n, size_t list, const char *value)
{
	if (n->item[list])
		n->item[list][n->count[list]] = value;
	n->count[list]++;
}

static int parse_value(const struct record_type *t, const char *record, const char *v, struct run_spec *s,
		       struct lists *n)
{
	void *field = (u8 *)s + t->place;

	switch (t->kind) {
	case RECORD_VALUES:
	case RECORD_LINES:
		add(n, t->place, t->kind == RECORD_VALUES ? v : record);
		return 0;
	case RECORD_TEXT:
		*(const char **)field = v;
		return 0;
	case RECORD_FLAG:
		*(bool *)field = strcmp(v, t->yes) == 0;
		return 0;
	case RECORD_NUMBER:
		return parse_u64(v, field);
	case RECORD_SEED:
		return parse_hex_bytes(v, s->seed, sizeof(s->seed));
	case RECORD_WINSIZE:
		return parse_winsize(v, s);
	case RECORD_TERMINALS:
		for (int i = 0; i < 3 && v[i]; i++)
			s->tty[i] = v[i] == '1';
	}
	return 0;
}

/* Takes all records in; values that may repeat are only counted while there are no arrays for them. */
static int parse_records(struct run_spec *s, size_t len, struct lists *n)
{
	for (const char *r = s->text; r < s->text + len; r += strlen(r) + 1) {
		for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
			const char *v = value_of(r, types[i].key);
			int err = v ? parse_value(&types[i], r, v, s, n) : 0;

			if (err)
				return err;
			if (v)
				break;
		}
	}
	return 0;
}

/* An array for each list, with room for a NULL at its end. 0 or -ENOMEM. */
static int make_lists(struct run_spec *s, struct lists *n)
{
	for (size_t i = 0; i < LIST_COUNT; i++) {
		n->item[i] = kcalloc(n->count[i] + 1, sizeof(const char *));
		n->count[i] = 0;
	}
	s->envp = n->item[LIST_ENV];
	s->argv = n->item[LIST_ARG];
	s->shares = n->item[LIST_SHARE];
	s->disks = n->item[LIST_DISK];
	s->hides = n->item[LIST_HIDE];
	return s->envp && s->argv && s->shares && s->disks && s->hides ? 0 : -ENOMEM;
}

int run_spec_parse(const void *bytes, size_t len, struct run_spec *out)
{
	struct run_spec s = {.cwd = "/", .aslr = true};
	struct lists n = {0};
	int err;

	s.text = kmalloc(len + 1);
	if (!s.text)
		return -ENOMEM;
	memcpy(s.text, bytes, len);
	s.text[len] = 0;
	err = parse_records(&s, len, &n);
	if (!err)
		err = make_lists(&s, &n);
	if (!err)
		err = parse_records(&s, len, &n);
	if (err)
		run_spec_destroy(&s);
	else
		*out = s;
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
