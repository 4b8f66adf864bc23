/* SPDX-License-Identifier: MIT */
#ifndef CLI_PACK_H
#define CLI_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "verdict.h"

struct pack;

struct pack *pack_new(void);
void pack_free(struct pack *pack);
int pack_add(struct pack *pack, const char *host, const char *guest, struct verdict *v);
int pack_add_program(struct pack *pack, const char *host, const char *guest, struct verdict *v);
int pack_add_stream(struct pack *pack, int fd, const char *guest, struct verdict *v);
int pack_add_text(struct pack *pack, const char *guest, mode_t mode, const char *text, struct verdict *v);
int pack_add_folder(struct pack *pack, const char *guest, struct verdict *v);
int pack_add_as_is(struct pack *pack, const char *path, struct verdict *v);
void pack_print(const struct pack *pack, FILE *out);
const char *pack_first_in(const struct pack *pack, const char *folder);
const char *pack_host_of(const struct pack *pack, const char *guest);
int pack_write(const struct pack *pack, const char *spec, size_t spec_bytes, int *fd, uint64_t *bytes,
	       struct verdict *v);

char *path_absolute(const char *path);

#endif
