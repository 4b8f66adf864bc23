/* SPDX-License-Identifier: MIT */
/*
 * The report: one line of JSON, the same fields in the same order for every verdict (docs/report.md). A
 * figure that is not known is null. Numbers are written as they are, not through a double, so that no
 * nanosecond gets lost.
 */
#include "report.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/**
 * report_open - open the file of --report before anything runs, so that a bad path is told in time.
 * @path: "-" for standard error.
 *
 * Returns 0, or a negative number with @v set (status 125).
 */
int report_open(const char *path, FILE **out, struct verdict *v)
{
	*out = strcmp(path, "-") == 0 ? stderr : fopen(path, "we");
	if (!*out)
		return verdict_error(v, STATUS_MOAT_FAILED, "--report %s: %s", path, strerror(errno));
	return 0;
}

static void add_number(cJSON *object, const char *name, bool known, uint64_t value)
{
	char text[24] = "null";

	if (known)
		snprintf(text, sizeof(text), "%" PRIu64, value);
	must_have(cJSON_AddRawToObject(object, name, text));
}

static void add_figure(cJSON *object, const char *name, const struct figure *figure)
{
	add_number(object, name, figure->known, figure->value);
}

static void add_faults(cJSON *json, const struct guest_report *guest)
{
	cJSON *faults = must_have(cJSON_AddObjectToObject(json, "faults"));

	add_figure(faults, "minor", &guest->minor);
	add_figure(faults, "major", &guest->major);
	add_figure(faults, "cow", &guest->cow);
}

static void add_lists(cJSON *json, const struct guest_report *guest)
{
	cJSON *list = must_have(cJSON_AddObjectToObject(json, "syscalls"));

	for (size_t i = 0; i < guest->syscall_count; i++)
		add_number(list, guest->syscalls[i].name, true, guest->syscalls[i].count);
	list = must_have(cJSON_AddArrayToObject(json, "unsupported"));
	for (size_t i = 0; i < guest->unsupported_count; i++)
		cJSON_AddItemToArray(list, must_have(cJSON_CreateString(guest->unsupported[i])));
}

static cJSON *make_json(const struct report_source *s)
{
	cJSON *json = must_have(cJSON_CreateObject());
	const struct verdict *v = s->verdict;

	must_have(cJSON_AddStringToObject(json, "moat", MOAT_VERSION));
	must_have(cJSON_AddStringToObject(json, "verdict", verdict_name(v->kind)));
	add_number(json, "exit", v->kind == VERDICT_EXITED, (uint64_t)v->exit_status);
	add_number(json, "signal", v->kind == VERDICT_SIGNALED || v->kind == VERDICT_OOM,
		   (uint64_t)v->signal);
	add_number(json, "wall_ns", s->wall_ns != 0, s->wall_ns);
	add_figure(json, "boot_ns", &s->guest->boot_ns);
	add_figure(json, "user_ns", &s->guest->user_ns);
	add_figure(json, "sys_ns", &s->guest->sys_ns);
	add_figure(json, "peak_bytes", &s->guest->peak_bytes);
	add_faults(json, s->guest);
	add_lists(json, s->guest);
	must_have(s->accel ? cJSON_AddStringToObject(json, "accel", s->accel)
			   : cJSON_AddNullToObject(json, "accel"));
	add_figure(json, "kernel_bytes", &s->guest->kernel_bytes);
	if (s->deterministic)
		add_figure(json, "instructions", &s->guest->instructions);
	return json;
}

/** report_write - write the report and close @out. Returns 0 or a negative errno. */
int report_write(FILE *out, const struct report_source *source)
{
	cJSON *json = make_json(source);
	char *text = must_have(cJSON_PrintUnformatted(json));
	int error = 0;

	if (fprintf(out, "%s\n", text) < 0 || fflush(out))
		error = -errno;
	if (out != stderr && fclose(out) && !error)
		error = -errno;
	cJSON_free(text);
	cJSON_Delete(json);
	return error;
}
