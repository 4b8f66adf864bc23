/* SPDX-License-Identifier: MIT */
/*
 * Loading a program: the order of events (docs/exec.md tells it with drawings).
 *
 *     open_program    scripts give way to their interpreters; ELF headers
 *     open_loader     PT_INTERP: the dynamic loader's headers
 *     read segments   of both, into lists; the last moment at which the file can be refused
 *     build           a fresh address space: program, heap place, loader, vDSO, stack
 *
 * All is done on an address space that nobody else can see, and on references of our own. So a failure at any
 * point is undone by dropping them, and the caller lives on with what it had. Linux gives up the old program
 * before it maps the new one, and must kill the caller when that fails; nothing here needs that.
 */
#include <asm/errno.h>
#include <elf.h>
#include <linux/auxvec.h>

#include <arch/machine.h>
#include <moat/exec.h>
#include <moat/heap.h>
#include <moat/mode.h>
#include <moat/random.h>
#include <moat/string.h>
#include <moat/wx.h>

#include "exec_args.h"
#include "exec_layout.h"
#include "exec_map.h"
#include "exec_script.h"

#define SCRIPT_DEPTH_MAX 5	  /* scripts that interpret scripts, as Linux */
#define STACK_FIRST	 KIB(128) /* of stack below the strings that is mapped from the start */
#define CLOCK_TICKS	 100	  /* AT_CLKTCK: what times(2) counts in */

/* A program on its way into memory. */
struct load {
	const struct exec_request *req;
	struct elf_file program;
	struct elf_file loader; /* object == NULL: there is none */
	struct exec_layout layout;
	struct aspace *as;
	u64 program_bias, loader_bias;
	u64 vdso_base;
};

/* Opens an interpreter by name: a file and its memory object, one reference each. */
static int open_by_name(struct fs_context *fs, const char *path, struct file **file, struct mobj **object)
{
	int err;

	if (!fs)
		return -ENOENT;
	if (!*path)
		return -EACCES; /* an empty name is the working directory to Linux here */
	err = exec_open(fs, NULL, path, file);
	if (err)
		return err;
	*object = vfs_object(*file, &err);
	if (!*object) {
		file_put(*file);
		return err == -ENODEV ? -ENOEXEC : err;
	}
	return 0;
}

/*
 * If the object is a script, puts its interpreter and argument in front of the arguments: 1 and *line is
 * filled. 0 when it is no script, or -errno. script: the path that the interpreter will see.
 */
static int read_script(struct mobj *object, struct exec_args *args, const char *script,
		       struct script_line *line)
{
	size_t len = MIN(__atomic_load_n(&object->size_bytes, __ATOMIC_RELAXED), sizeof(line->text));
	char head[SCRIPT_LINE_BYTES];
	int err = len > 0 ? object_read_exact(object, head, len, 0) : 0;

	if (err || !script_is_one(head, len))
		return err;
	err = script_parse(head, len, line);
	if (!err)
		err = exec_args_prepend(args, line->interpreter, line->argument, script);
	return err ? err : 1;
}

/*
 * Replaces *file and *object (one reference each, file may be NULL) by the interpreter while they are a
 * script. Not inlined, so that its buffers are off the stack before the rest of the work.
 */
static __noinline int resolve_scripts(const struct exec_request *req, struct file **file,
				      struct mobj **object)
{
	struct script_line line;
	char script[SCRIPT_LINE_BYTES];
	const char *name = req->args->execfn;

	for (unsigned depth = 0; depth <= SCRIPT_DEPTH_MAX; depth++) {
		struct file *next_file;
		struct mobj *next_object;
		int err = read_script(*object, req->args, name, &line);

		if (err <= 0)
			return err;
		if (req->flags & EXEC_PATH_LOST)
			return -ENOENT;
		err = open_by_name(req->fs, line.interpreter, &next_file, &next_object);
		if (err)
			return err;
		mobj_put(*object);
		if (*file)
			file_put(*file);
		*file = next_file;
		*object = next_object;
		str_copy(script, line.interpreter, sizeof(script));
		name = script;
	}
	return -ELOOP;
}

static int open_program(struct load *l)
{
	struct file *file = l->req->file;
	struct mobj *object = l->req->object;
	int err = 0;

	if (file) {
		object = vfs_object(file, &err);
		if (!object)
			return err == -ENODEV ? -ENOEXEC : err;
		file_get(file);
	} else {
		mobj_get(object);
	}
	err = resolve_scripts(l->req, &file, &object);
	if (!err)
		return elf_file_open(&l->program, file, object);
	mobj_put(object);
	if (file)
		file_put(file);
	return err;
}

/* The loader's name as a string of its own in *name, or NULL when the program has none. */
static int read_loader_name(const struct elf_file *program, char **name)
{
	struct elf_interp where;
	int err = elf_find_interp(&program->header, program->phdrs, program->size_bytes, &where);

	*name = NULL;
	if (err || where.bytes == 0)
		return err;
	*name = kmalloc(where.bytes);
	if (!*name)
		return -ENOMEM;
	err = object_read_exact(program->object, *name, where.bytes, where.offset);
	if (!err && (*name)[where.bytes - 1] != 0)
		err = -ENOEXEC;
	if (err) {
		kfree(*name);
		*name = NULL;
	}
	return err;
}

static int open_loader(struct load *l)
{
	struct file *file;
	struct mobj *object;
	char *name;
	int err = read_loader_name(&l->program, &name);

	if (err || !name)
		return err;
	err = open_by_name(l->req->fs, name, &file, &object);
	kfree(name);
	if (err)
		return err;
	if (object->size_bytes < ELF_HEADER_BYTES)
		err = -EIO;
	if (!err)
		err = elf_file_open(&l->loader, file, object);
	else {
		mobj_put(object);
		file_put(file);
	}
	return err == -ENOEXEC ? -ELIBBAD : err;
}

static int read_segments(struct load *l)
{
	int err = elf_file_read_segments(&l->program);

	if (err || !l->loader.object)
		return err;
	err = elf_file_read_segments(&l->loader);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

u32 randomize_va_space = 2;

static void choose_layout(struct load *l)
{
	struct layout_random random;
	const struct layout_random *r = NULL;

	if (!(l->req->flags & EXEC_FIXED_ADDRESSES) && randomize_va_space > 0) {
		random_bytes(&random, sizeof(random));
		r = &random;
	}
	exec_layout_choose(r, l->req->limit_stack_bytes, vdso_map_bytes(), &l->layout);
	if (randomize_va_space < 2)
		l->layout.brk_gap = 0;
}

static int create_aspace(struct load *l)
{
	struct aspace *as = aspace_create();

	if (!as)
		return -ENOMEM;
	as->limit_as_bytes = l->req->limit_as_bytes;
	as->limit_data_bytes = l->req->limit_data_bytes;
	as->limit_stack_bytes = l->req->limit_stack_bytes;
	as->mmap_top = l->layout.mmap_top;
	l->as = as;
	return 0;
}

/* Maps the image at a bias that suits its type and checks that it starts inside user space. */
static int map_image(const struct elf_file *f, struct aspace *as, u64 base, u64 *bias)
{
	int err = 0;

	*bias = 0;
	if (f->image.type == ET_DYN)
		err = exec_layout_bias(f->image.pages, f->image.align, base, bias);
	if (!err && f->image.entry + *bias >= USER_TOP)
		err = -EINVAL;
	return err ? err : elf_file_map(f, as, *bias);
}

/* The heap starts behind the program; where there is no room for its random distance, at once. */
static void place_heap(struct load *l)
{
	u64 start = ALIGN_UP(l->program.image.brk + l->program_bias, PAGE_SIZE);

	if (start < l->layout.mmap_top && l->layout.brk_gap < l->layout.mmap_top - start)
		start += l->layout.brk_gap;
	rwlock_write(&l->as->lock);
	l->as->heap = (struct range){start, start};
	rwlock_write_done(&l->as->lock);
}

static int map_program(struct load *l)
{
	int err = map_image(&l->program, l->as, l->layout.pie_base, &l->program_bias);

	if (!err)
		place_heap(l);
	return err;
}

static int map_loader(struct load *l)
{
	const struct elf_image *image = &l->loader.image;
	u64 slack = image->align > PAGE_SIZE ? image->align : 0;
	u64 base = 0;
	int err = 0;

	if (!l->loader.object)
		return 0;
	if (image->type == ET_DYN)
		err = aspace_find_space(l->as, 0, range_len(image->pages) + slack, &base);
	if (err)
		return err;
	return map_image(&l->loader, l->as, ALIGN_UP(base, image->align), &l->loader_bias);
}

#define AUXV_MAX 24

struct auxv {
	struct auxv_pair pairs[AUXV_MAX];
	u32 count;
};

static void auxv_add(struct auxv *v, u64 type, u64 value)
{
	v->pairs[v->count++] = (struct auxv_pair){type, value};
}

/* In the order of Linux, which some programs print. */
static void auxv_fill(const struct load *l, const struct exec_image *out, struct auxv *v)
{
	const struct exec_request *req = l->req;
	const struct elf_image *image = &l->program.image;

	v->count = 0;
	auxv_add(v, AT_SYSINFO_EHDR, l->vdso_base);
	auxv_add(v, AT_MINSIGSTKSZ, req->min_signal_stack_bytes);
	auxv_add(v, AT_HWCAP, machine_hwcap());
	auxv_add(v, AT_PAGESZ, PAGE_SIZE);
	auxv_add(v, AT_CLKTCK, CLOCK_TICKS);
	auxv_add(v, AT_PHDR, image->phdr_addr + l->program_bias);
	auxv_add(v, AT_PHENT, ELF_PHDR_BYTES);
	auxv_add(v, AT_PHNUM, image->phdr_count);
	auxv_add(v, AT_BASE, l->loader_bias);
	auxv_add(v, AT_FLAGS, 0);
	auxv_add(v, AT_ENTRY, image->entry + l->program_bias);
	auxv_add(v, AT_UID, req->uid);
	auxv_add(v, AT_EUID, out->euid);
	auxv_add(v, AT_GID, req->gid);
	auxv_add(v, AT_EGID, out->egid);
	auxv_add(v, AT_SECURE, out->secure);
	auxv_add(v, AT_RANDOM, 0);
	auxv_add(v, AT_HWCAP2, machine_hwcap2());
	auxv_add(v, AT_EXECFN, 0);
	auxv_add(v, AT_PLATFORM, 0);
}

/* A program that asks for an executable stack gets an ordinary one where memory may not be both: most never use it. */
static bool stack_is_exec(const struct load *l)
{
	return l->program.image.stack_exec && !wx_forbids(VMA_WRITE | VMA_EXEC);
}

/* The stack's VMA: what is filled, and some room below that the program will want at once. */
static int map_stack(struct load *l, u64 filled_bytes)
{
	u64 filled = ALIGN_UP(filled_bytes, PAGE_SIZE);
	u64 limit = ALIGN_DOWN(l->req->limit_stack_bytes, PAGE_SIZE);
	u64 len = MAX(MIN(filled + STACK_FIRST, limit), filled);
	struct map_request req = {
		.addr = l->layout.stack_top - len,
		.len = len,
		.vma_flags = VMA_READ | VMA_WRITE | VMA_GROWSDOWN | (stack_is_exec(l) ? VMA_EXEC : 0),
		.how = MAP_AT_FREE,
	};
	u64 addr;
	int err = aspace_map(l->as, &req, &addr);

	return err == -EEXIST ? -ENOMEM : err;
}

/* The vector as the program will find it: behind argc, and the pointers to arguments and environment. */
static void save_auxv(struct stack_image *img, u32 pairs, struct exec_facts *out)
{
	u64 depth = img->used - sizeof(u64) * (img->argc + img->envc + 3ull), room;
	size_t size = pairs * sizeof(struct auxv_pair);

	out->auxv_words = 2 * pairs;
	for (size_t done = 0; done < size; done += room) {
		const u8 *at = stack_bytes(img, depth - done, &room);

		room = MIN(room, size - done);
		memcpy((u8 *)out->auxv + done, at, room);
	}
}

static __noinline int build_stack(struct load *l, struct exec_image *out)
{
	struct exec_args *args = l->req->args;
	u8 random[STACK_RANDOM_BYTES];
	struct auxv auxv;
	struct stack_tail tail = {
		.top = l->layout.stack_top,
		.drop_bytes = l->layout.sp_drop,
		.platform = "x86_64",
		.random = random,
		.auxv = auxv.pairs,
	};
	struct stack_places places;
	unsigned prot = PMAP_READ | PMAP_WRITE;
	int err;

	auxv_fill(l, out, &auxv);
	tail.auxv_count = auxv.count;
	random_bytes(random, sizeof(random));
	err = stack_finish(&args->image, &tail, &places);
	if (!err)
		err = map_stack(l, args->image.used);
	if (err)
		return err;
	if (stack_is_exec(l))
		prot |= PMAP_EXEC;
	out->rsp = places.sp;
	out->args = places.args;
	out->env = places.env;
	l->as->stack_start = places.sp;
	save_auxv(&args->image, auxv.count + 1, &out->facts);
	return exec_args_enter(args, l->as, l->layout.stack_top, prot);
}

/* execve(2): for a script the bits of its interpreter count. */
static void choose_ids(const struct load *l, struct exec_image *out)
{
	const struct exec_request *req = l->req;
	struct file_facts facts = {0};

	if ((req->flags & EXEC_SETID) && l->program.file && !vfs_is_nosuid(l->program.file))
		vfs_facts(l->program.file, &facts);
	out->euid = facts.mode & S_ISUID ? facts.uid : req->euid;
	out->egid = (facts.mode & S_ISGID) && (facts.mode & S_IXGRP) ? facts.gid : req->egid;
	out->secure = out->euid != req->uid || out->egid != req->gid;
}

static int build(struct load *l, struct exec_image *out)
{
	int err = create_aspace(l);

	if (!err)
		err = map_program(l);
	if (!err)
		err = map_loader(l);
	if (!err)
		err = vdso_map(l->as, l->layout.vdso_hint, &l->vdso_base);
	if (!err)
		err = build_stack(l, out);
	return err;
}

/* As Linux counts them (proc(5), stat: startcode and the like). */
static void find_parts(const struct elf_file *f, u64 bias, struct exec_facts *out)
{
	out->code = (struct range){UINT64_MAX, 0};
	out->data = (struct range){0, 0};
	for (u32 i = 0; i < f->image.segment_count; i++) {
		const struct elf_segment *s = &f->segments[i];
		u64 start = s->mem.start + bias, end = start + s->file_bytes;

		if (s->prot & ELF_EXEC) {
			out->code.start = MIN(out->code.start, start);
			out->code.end = MAX(out->code.end, end);
		}
		out->data.start = MAX(out->data.start, start);
		out->data.end = MAX(out->data.end, end);
	}
}

static void fill_result(struct load *l, struct exec_image *out)
{
	const struct elf_file *first = l->loader.object ? &l->loader : &l->program;
	u64 bias = l->loader.object ? l->loader_bias : l->program_bias;
	const char *path = l->req->args->execfn;
	const char *slash = strrchr(path, '/');

	find_parts(&l->program, l->program_bias, &out->facts);
	out->facts.args = out->args;
	out->facts.env = out->env;
	out->facts.stack = out->rsp;
	out->rip = first->image.entry + bias;
	out->aspace = l->as;
	out->file = l->program.file;
	if (out->file)
		file_get(out->file);
	str_copy(out->name, slash ? slash + 1 : path, sizeof(out->name));
}

int exec_load(const struct exec_request *req, struct exec_image *out)
{
	struct load l = {.req = req};
	int err = open_program(&l);

	if (err)
		return err;
	err = open_loader(&l);
	if (!err)
		err = read_segments(&l);
	if (!err) {
		choose_layout(&l);
		choose_ids(&l, out);
		err = build(&l, out);
	}
	if (!err)
		fill_result(&l, out);
	else if (l.as)
		aspace_put(l.as);
	if (l.loader.object)
		elf_file_close(&l.loader);
	elf_file_close(&l.program);
	return err;
}
