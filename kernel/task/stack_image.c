/* SPDX-License-Identifier: MIT */
/* The initial stack of a program; the drawing is in stack_image.h. */
#include <asm/errno.h>
#include <linux/auxvec.h>

#include <moat/panic.h>
#include <moat/string.h>

#include "stack_image.h"

#define WORD	    sizeof(u64)
#define STRINGS_MIN KIB(128)
#define STRINGS_MAX MIB(6)
#define STACK_ALIGN 16

/* Makes pages until `depth` bytes below the top exist. 0 or -ENOMEM. */
static int ensure(struct stack_image *img, u64 depth)
{
	while ((u64)img->pages << PAGE_SHIFT < depth) {
		if (!img->page(img->arg, img->pages))
			return -ENOMEM;
		img->pages++;
	}
	return 0;
}

u8 *stack_bytes(struct stack_image *img, u64 depth, u64 *len)
{
	u64 index = (depth - 1) >> PAGE_SHIFT;
	u64 above = depth - (index << PAGE_SHIFT); /* bytes up to the end of the page: 1 .. PAGE_SIZE */

	DEBUG_ASSERT(depth > 0 && index < img->pages);
	*len = above;
	return img->page(img->arg, (u32)index) + (PAGE_SIZE - above);
}

/* Writes `len` bytes upward from `depth`. */
static void write_bytes(struct stack_image *img, u64 depth, const void *src, u64 len)
{
	const u8 *from = src;

	while (len > 0) {
		u64 room;
		u8 *to = stack_bytes(img, depth, &room);
		u64 n = MIN(room, len);

		memcpy(to, from, n);
		from += n;
		depth -= n;
		len -= n;
	}
}

/* Bytes of the string at `depth` with its NUL. */
static u64 string_bytes(struct stack_image *img, u64 depth)
{
	u64 total = 0;

	for (;;) {
		u64 room;
		const u8 *at = stack_bytes(img, depth - total, &room);
		const u8 *nul = memchr(at, 0, room);

		if (nul)
			return total + (u64)(nul - at) + 1;
		total += room;
	}
}

int stack_reserve(struct stack_image *img, u64 len)
{
	int err;

	if (len > img->strings_max || img->used > img->strings_max - len)
		return -E2BIG;
	err = ensure(img, img->used + len);
	if (err)
		return err;
	img->used += len;
	return 0;
}

int stack_push(struct stack_image *img, const char *s)
{
	u64 len = strnlen(s, ARG_STRING_BYTES_MAX) + 1;
	int err;

	if (len > ARG_STRING_BYTES_MAX)
		return -E2BIG;
	err = stack_reserve(img, len);
	if (err)
		return err;
	write_bytes(img, img->used, s, len);
	return 0;
}

void stack_pop(struct stack_image *img)
{
	u64 len = string_bytes(img, img->used);
	u64 depth = img->used;

	/* What stays free below the strings is seen by the program: it must be zero again. */
	while (depth > img->used - len) {
		u64 room;
		u8 *at = stack_bytes(img, depth, &room);
		u64 n = MIN(room, depth - (img->used - len));

		memset(at, 0, n);
		depth -= n;
	}
	img->used -= len;
	img->argc--;
}

int stack_begin(struct stack_image *img, u8 *(*page)(void *arg, u32 index), void *arg, u64 stack_limit_bytes,
		const char *execfn, u32 argc, u32 envc)
{
	u64 limit = MAX(MIN(stack_limit_bytes / 4, STRINGS_MAX), STRINGS_MIN);
	u64 pointers = ((u64)MAX(argc, 1u) + envc) * WORD;
	int err;

	if (limit <= pointers)
		return -E2BIG;
	*img = (struct stack_image){
		.page = page,
		.arg = arg,
		.strings_max = limit - pointers + WORD,
		.argc = argc,
		.envc = envc,
	};
	err = stack_reserve(img, WORD);
	if (err)
		return err;
	err = stack_push(img, execfn);
	img->execfn_depth = img->used;
	return err;
}

/* A cursor that writes words upward, from a depth that is a multiple of words: none crosses a page's end. */
struct word_cursor {
	struct stack_image *img;
	u64 depth;
	u8 *to;	  /* the place of depth */
	u64 room; /* bytes left in its page; 0: the place is to be asked for */
};

static inline void put_word(struct word_cursor *c, u64 word)
{
	if (!c->room)
		c->to = stack_bytes(c->img, c->depth, &c->room);
	*(u64 *)c->to = word; /* stacks are aligned */
	c->to += WORD;
	c->room -= WORD;
	c->depth -= WORD;
}

/* Writes `count` pointers to the strings that follow each other from *string_depth on, and a NULL. */
static void put_pointers(struct word_cursor *c, u64 top, u32 count, u64 *string_depth)
{
	for (u32 i = 0; i < count; i++) {
		put_word(c, top - *string_depth);
		*string_depth -= string_bytes(c->img, *string_depth);
	}
	put_word(c, 0);
}

int stack_finish(struct stack_image *img, const struct stack_tail *tail, struct stack_places *out)
{
	u64 strings = img->used;
	u64 platform_bytes = strlen(tail->platform) + 1;
	u64 platform = ALIGN_UP(strings + tail->drop_bytes, STACK_ALIGN) + platform_bytes;
	u64 random = platform + STACK_RANDOM_BYTES;
	u64 words = 1 + ((u64)img->argc + 1) + ((u64)img->envc + 1) + 2 * ((u64)tail->auxv_count + 1);
	u64 sp = ALIGN_UP(random + words * WORD, STACK_ALIGN);
	struct word_cursor c = {.img = img, .depth = sp};
	int err = ensure(img, sp);

	if (err)
		return err;
	img->used = sp;
	write_bytes(img, platform, tail->platform, platform_bytes);
	write_bytes(img, random, tail->random, STACK_RANDOM_BYTES);

	out->sp = tail->top - sp;
	out->args.start = tail->top - strings;
	put_word(&c, img->argc);
	put_pointers(&c, tail->top, img->argc, &strings);
	out->args.end = out->env.start = tail->top - strings;
	put_pointers(&c, tail->top, img->envc, &strings);
	out->env.end = tail->top - strings;

	for (u32 i = 0; i < tail->auxv_count; i++) {
		u64 value = tail->auxv[i].value;

		if (tail->auxv[i].type == AT_RANDOM)
			value = tail->top - random;
		else if (tail->auxv[i].type == AT_EXECFN)
			value = tail->top - img->execfn_depth;
		else if (tail->auxv[i].type == AT_PLATFORM)
			value = tail->top - platform;
		put_word(&c, tail->auxv[i].type);
		put_word(&c, value);
	}
	put_word(&c, AT_NULL);
	put_word(&c, 0);
	return 0;
}
