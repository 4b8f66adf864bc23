/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any bytes as a program that is executed, over the fake machine, from the file to the address space and
 * its first registers.
 *
 *     input     | choices |  the file "/p", which may name "/ld" (a good loader) or itself as its interpreter  |
 *                8 bytes: which allocations fail, the limits, addresses fixed or not
 *
 * Whatever the file says: exec_load ends with 0 or an error of execve(2); a program that is let through has an address
 * space that passes every check and pages that can be touched without harm; afterwards nothing is missing.
 */
#include "load_fixture.h"
#include "seeds.h"
#include <moat/random.h>

#define CHOICES	     8
#define TOUCHED_VMAS 64

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static u8 choices[CHOICES];

static void touch(u64 addr)
{
	static const unsigned accesses[] = {FAULT_READ, FAULT_WRITE, FAULT_EXEC};

	for (unsigned i = 0; i < ARRAY_SIZE(accesses); i++)
		(void)try_access(addr, accesses[i]);
}

/* The first and the last byte of every mapping, the stack's words, where it starts to run. */
static void look_at(const struct exec_image *image)
{
	struct range r[TOUCHED_VMAS];
	unsigned n = 0;

	aspace_check(image->aspace);
	fake_use_aspace(image->aspace);
	rwlock_read(&image->aspace->lock);
	for (struct vma *v = aspace_find(image->aspace, 0); v && n < TOUCHED_VMAS; v = vma_next(v))
		r[n++] = v->range;
	rwlock_read_done(&image->aspace->lock);
	for (unsigned i = 0; i < n; i++) {
		touch(r[i].start);
		touch(r[i].end - 1);
	}
	REQUIRE(image->rsp % 16 == 0 && image->rip < USER_TOP);
	REQUIRE(word_at(image->rsp) >= 3);
	REQUIRE(image->facts.auxv_words <= EXEC_AUXV_WORDS);
	touch(image->rip);
	aspace_check(image->aspace);
	fake_tlb_check();
}

static bool is_error_of_execve(int err)
{
	static const int errors[] = {EACCES, E2BIG, EINVAL, EIO, ELIBBAD, ELOOP, ENOENT, ENOEXEC, ENOMEM};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (err == -errors[i])
			return true;
	return false;
}

static void execute(struct file *file)
{
	struct exec_request req = request(file);
	struct exec_image image;
	int err;

	if (choices[0] & 1)
		req.flags = 0;
	if (choices[0] & 2)
		req.limit_stack_bytes = (u64)choices[1] << 12;
	if (choices[0] & 4)
		req.limit_as_bytes = (u64)choices[2] << 16;
	frame_fail_after(choices[3]);
	heap_fail_after(choices[4]);
	err = load(&req, "/p", &image);
	frame_fail_after(0);
	heap_fail_after(0);
	if (err) {
		REQUIRE(is_error_of_execve(err));
		return;
	}
	look_at(&image);
	unload(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= CHOICES)
		return 0;
	memcpy(choices, data, CHOICES);
	load_setup(NULL);
	add_program("/ld", ET_DYN, 0, NULL);
	execute(add_file("/p", data + CHOICES, size - CHOICES));
	load_teardown(NULL);
	return 0;
}

/* --- what it starts from --- */

struct seed {
	u8 choices[CHOICES];
	struct program program;
};

static void write_scripts(const char *folder)
{
	seed_write(folder, "script", "\0\0\0\0\0\0\0\0#! /ld -x y\n", CHOICES + 13);
	seed_write(folder, "script-loop", "\0\0\0\0\0\0\0\0#!/p\n", CHOICES + 5);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = seed_folder(*argc, *argv);
	static struct seed s;

	start(NULL);
	if (!folder)
		return 0;
	program_init(&s.program, ET_EXEC, 0x400000, NULL);
	seed_write(folder, "fixed", &s, sizeof(s));
	phdr(&s.program, 0)->p_type = PT_GNU_STACK;
	phdr(&s.program, 0)->p_flags = PF_X;
	phdr(&s.program, 1)->p_flags = PF_R | PF_W | PF_X;
	seed_write(folder, "executable-stack", &s, sizeof(s));
	phdr(&s.program, 2)->p_vaddr = 0x400000 + DATA_OFFSET;
	seed_write(folder, "overlap", &s, sizeof(s));
	program_init(&s.program, ET_DYN, 0, "/ld");
	s.choices[0] = 1;
	seed_write(folder, "dynamic", &s, sizeof(s));
	phdr(&s.program, 2)->p_align = MIB(2);
	s.choices[3] = 20;
	seed_write(folder, "aligned", &s, sizeof(s));
	program_init(&s.program, ET_DYN, 0, "/p");
	s.choices[4] = 5;
	seed_write(folder, "own-loader", &s, sizeof(s));
	write_scripts(folder);
	return 0;
}
