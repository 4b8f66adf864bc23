/* SPDX-License-Identifier: MIT */
/*
 * Collecting the strings of a new program. They are copied once, into frames that later become the top pages
 * of its stack, so that a megabyte of arguments needs no buffer beside them.
 *
 * A program may change its strings while they are read. Then a string can end early, and the pointers that
 * are made later point to what was copied; each string's last byte is made NUL here, so that none of them
 * runs on.
 */
#include <asm/errno.h>

#include <arch/uaccess.h>
#include <moat/exec.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/string.h>
#include <moat/waitq.h>

#include "exec_args.h"
#include "exec_map.h"

#define FRAMES_FIRST 8 /* room for frames to begin with */

/* stack_image's pages: frames of the future stack. */
static u8 *args_page(void *arg, u32 index)
{
	struct exec_args *args = arg;

	if (index < args->frame_count)
		return page_address(args->frames[index]);
	if (args->frame_count == args->frame_capacity) {
		u32 capacity = args->frame_capacity ? 2 * args->frame_capacity : FRAMES_FIRST;
		struct page **frames = kcalloc(capacity, sizeof(struct page *));

		if (!frames)
			return NULL;
		if (args->frames)
			memcpy(frames, args->frames, args->frame_count * sizeof(struct page *));
		kfree(args->frames);
		args->frames = frames;
		args->frame_capacity = capacity;
	}
	args->frames[index] = frame_alloc(0, FRAME_ZERO, FRAME_ANON);
	if (!args->frames[index])
		return NULL;
	args->frame_count++;
	return page_address(args->frames[index]);
}

void exec_args_destroy(struct exec_args *args)
{
	if (!args)
		return;
	for (u32 i = 0; i < args->frame_count; i++) {
		if (args->frames[i])
			frame_put(args->frames[i]);
	}
	kfree(args->frames);
	kfree(args->execfn);
	kfree(args);
}

/* Makes *out for argc and envc strings, which are still to be pushed. An argc of 0 becomes { "" }. */
static int args_create(const char *execfn, u32 argc, u32 envc, u64 stack_limit_bytes, struct exec_args **out)
{
	struct exec_args *args = kzalloc(sizeof(*args));
	int err = -ENOMEM;

	if (!args)
		return -ENOMEM;
	args->execfn = kstrdup(execfn, ARG_STRING_BYTES_MAX);
	if (args->execfn)
		err = stack_begin(&args->image, args_page, args, stack_limit_bytes, execfn, MAX(argc, 1u),
				  envc);
	if (err) {
		exec_args_destroy(args);
		return err;
	}
	*out = args;
	return 0;
}

/* How many strings there are before the NULL; -E2BIG when the number is absurd. */
static int count_kernel(const char *const *list, u32 *count)
{
	u32 n = 0;

	while (list && list[n])
		n++;
	*count = n;
	return 0;
}

static int push_kernel(struct exec_args *args, const char *const *list, u32 count)
{
	int err = 0;

	while (!err && count-- > 0)
		err = stack_push(&args->image, list[count]);
	return err;
}

int exec_args_from_kernel(const char *execfn, const char *const *argv, const char *const *envp,
			  u64 stack_limit_bytes, struct exec_args **out)
{
	struct exec_args *args;
	u32 argc, envc;
	int err;

	count_kernel(argv, &argc);
	count_kernel(envp, &envc);
	err = args_create(execfn, argc, envc, stack_limit_bytes, &args);
	if (err)
		return err;
	err = push_kernel(args, envp, envc);
	if (!err)
		err = argc > 0 ? push_kernel(args, argv, argc) : stack_push(&args->image, "");
	if (err) {
		exec_args_destroy(args);
		return err;
	}
	*out = args;
	return 0;
}

/* Between two of maybe a million strings, no lock held: 0, or -EINTR when the program is killed. */
static int give_way(void)
{
	waitq_give_way();
	return waitq_kill_due() ? -EINTR : 0;
}

/* More pointers than this are E2BIG whatever the limits are (each takes a word of at most 6 MiB). */
#define USER_STRINGS_MAX (MIB(6) / sizeof(u64))

static int count_user(const char __user *const __user *list, u32 *count)
{
	const char __user *s;

	for (*count = 0; list; (*count)++) {
		if (*count > USER_STRINGS_MAX)
			return -E2BIG;
		if (copy_from_user(&s, list + *count, sizeof(s)))
			return -EFAULT;
		if (!s)
			break;
		if (give_way())
			return -EINTR;
	}
	return 0;
}

static int push_user_string(struct stack_image *img, const char __user *s)
{
	ssize_t len = strnlen_user(s, ARG_STRING_BYTES_MAX);
	u64 left, depth;
	int err;

	if (len < 0)
		return len == -ENAMETOOLONG ? -E2BIG : (int)len;
	left = (u64)len + 1;
	err = stack_reserve(img, left);
	if (err)
		return err;
	for (depth = img->used; left > 0;) {
		u64 room;
		u8 *to = stack_bytes(img, depth, &room);
		u64 n = MIN(room, left);

		if (copy_from_user(to, s, n))
			return -EFAULT;
		s += n;
		depth -= n;
		left -= n;
		if (left == 0)
			to[n - 1] = 0;
	}
	return 0;
}

static int push_user(struct exec_args *args, const char __user *const __user *list, u32 count)
{
	const char __user *s;
	int err = 0;

	while (!err && count-- > 0) {
		if (copy_from_user(&s, list + count, sizeof(s)))
			return -EFAULT;
		err = push_user_string(&args->image, s);
		if (!err)
			err = give_way();
	}
	return err;
}

int exec_args_from_user(const char *execfn, const char __user *const __user *argv,
			const char __user *const __user *envp, u64 stack_limit_bytes, struct exec_args **out)
{
	struct exec_args *args;
	u32 argc, envc;
	int err = count_user(argv, &argc);

	if (!err)
		err = count_user(envp, &envc);
	if (!err)
		err = args_create(execfn, argc, envc, stack_limit_bytes, &args);
	if (err)
		return err;
	err = push_user(args, envp, envc);
	if (!err)
		err = argc > 0 ? push_user(args, argv, argc) : stack_push(&args->image, "");
	if (err) {
		exec_args_destroy(args);
		return err;
	}
	*out = args;
	return 0;
}

int exec_args_prepend(struct exec_args *args, const char *interpreter, const char *argument,
		      const char *script)
{
	struct stack_image *img = &args->image;
	int err;

	stack_pop(img);
	err = stack_push(img, script);
	if (!err && argument)
		err = stack_push(img, argument);
	if (!err)
		err = stack_push(img, interpreter);
	img->argc += argument ? 3 : 2;
	return err;
}

int exec_args_enter(struct exec_args *args, struct aspace *as, u64 top, unsigned prot)
{
	for (u32 i = 0; i < args->frame_count; i++) {
		struct page *frame = args->frames[i];
		int err;

		args->frames[i] = NULL;
		err = aspace_enter_frame(as, top - ((u64)(i + 1) << PAGE_SHIFT), frame, prot);
		if (err)
			return err;
	}
	return 0;
}
