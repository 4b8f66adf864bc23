/* SPDX-License-Identifier: MIT */
/*
 * Loading whole programs over the fake machine: what is mapped where, with what bytes; and that a load which
 * fails, for a bad file or because any one allocation failed, leaves nothing behind.
 *
 * Files come from a table here, so that the file system is not part of the test. After each test every frame
 * and every byte of heap must have come back.
 */
#include "mm_fixture.h"
#include <elf.h>
#include <linux/auxvec.h>
#include <arch/images.h>
#include <arch/machine.h>
#include <arch/timer.h>
#include <moat/exec.h>
#include <moat/object.h>

#define PIE_FIXED   0x555555554000ul
#define MMAP_FIXED  0x7ffff7fff000ul
#define TEXT_BYTES  0x1800ul
#define DATA_OFFSET 0x1800ul
#define DATA_ADDR   0x3800ul
#define DATA_BYTES  0x234ul
#define BSS_BYTES   0x3000ul
#define ENTRY	    0x1000ul
#define NAME_AT	    0x400ul
#define FILE_BYTES  (DATA_OFFSET + DATA_BYTES + 0x300) /* the file goes on behind its data */
#define IMAGE_END   (DATA_ADDR + DATA_BYTES + BSS_BYTES)

/* The machine and the clock, as far as exec sees them. */
asm(".section .rodata\n"
    ".globl arch_vdso_start, arch_vdso_end, arch_baseline_start, arch_baseline_end\n"
    "arch_vdso_start: .ascii \"vdso code\"\n .zero 5000\n arch_vdso_end:\n"
    "arch_baseline_start: .ascii \"baseline\"\n arch_baseline_end: .byte 0\n"
    ".text\n");

static void (*clock_listener)(const struct clock_params *p);

void clock_set_listener(void (*fn)(const struct clock_params *p))
{
	clock_listener = fn;
}

u64 machine_hwcap(void)
{
	return 0x178bfbff;
}

u64 machine_hwcap2(void)
{
	return 2;
}

/* Files by name, each with a count of its references. */
#define FILES_MAX 10
static struct test_file {
	struct file file; /* first: a struct file is its test_file */
	const char *path;
	struct mobj *object;
} files[FILES_MAX];
static unsigned file_count;

/* The table itself holds one reference to each file, so none is ever the last. */
void file_destroy(struct file *f)
{
	(void)f;
	fail();
}

int exec_open(struct fs_context *fs, struct dentry *base, const char *path, struct file **out)
{
	assert_non_null(fs);
	assert_null(base);
	for (unsigned i = 0; i < file_count; i++) {
		if (strcmp(files[i].path, path) == 0) {
			*out = &files[i].file;
			file_get(*out);
			return 0;
		}
	}
	return -ENOENT;
}

struct mobj *vfs_object(struct file *f, int *err)
{
	struct test_file *file = (struct test_file *)f;

	*err = -ENODEV;
	if (file->object)
		mobj_get(file->object);
	return file->object;
}

static struct fs_context context; /* nobody looks into it */
static struct fs_context *const fs = &context;
static const struct vma_file_ops count_files = {.get = file_get, .put = file_put};
static u64 frames_before, heap_before;

static struct file *add_file(const char *path, const void *bytes, size_t len)
{
	struct test_file *file = &files[file_count++];
	struct uio u;

	*file = (struct test_file){.path = path, .object = mobj_create(NULL, NULL)};
	ref_init(&file->file.refs, 1);
	assert_non_null(file->object);
	uio_init_kernel(&u, (void *)(uintptr_t)bytes, len);
	assert_int_equal(mobj_write(file->object, 0, &u), len);
	return &file->file;
}

/* One machine for all tests: the vDSO's pages are kept for ever. */
static int start(void **state)
{
	machine_setup(state);
	vma_register_file_ops(&count_files);
	vdso_init();
	aspace_put(aspace_create()); /* makes the zero frame */
	return 0;
}

static int load_setup(void **state)
{
	(void)state;
	frames_before = frames_used();
	heap_before = heap_bytes();
	file_count = 0;
	return 0;
}

static int load_teardown(void **state)
{
	(void)state;
	frame_fail_after(0);
	heap_fail_after(0);
	fake_use_aspace(NULL);
	for (unsigned i = 0; i < file_count; i++) {
		assert_int_equal(ref_read(&files[i].file.refs), 1);
		if (files[i].object)
			mobj_put(files[i].object);
	}
	assert_int_equal(frames_used(), frames_before);
	assert_int_equal(heap_bytes(), heap_before);
	return 0;
}

#define LOAD_TEST(f) cmocka_unit_test_setup_teardown(f, load_setup, load_teardown)

/* A program: text with headers, and data with BSS that starts and ends inside pages. */
struct program {
	u8 bytes[FILE_BYTES];
};

static Elf64_Ehdr *header(struct program *p)
{
	return (Elf64_Ehdr *)p->bytes;
}

static Elf64_Phdr *phdr(struct program *p, unsigned i)
{
	return (Elf64_Phdr *)(p->bytes + sizeof(Elf64_Ehdr)) + i;
}

static u8 byte_of_file(u64 offset)
{
	return (u8)(offset * 7 + (offset >> 8));
}

/* loader: its name, or NULL. base: added to all addresses. */
static void program_init(struct program *p, u16 type, u64 base, const char *loader)
{
	for (u64 i = 0; i < FILE_BYTES; i++)
		p->bytes[i] = byte_of_file(i);
	*header(p) = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = type,
		.e_machine = EM_X86_64,
		.e_entry = base + ENTRY,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	*phdr(p, 0) = (Elf64_Phdr){.p_type = PT_NULL};
	*phdr(p, 1) = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_vaddr = base,
				   .p_filesz = TEXT_BYTES,
				   .p_memsz = TEXT_BYTES};
	*phdr(p, 2) = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_W,
				   .p_offset = DATA_OFFSET,
				   .p_vaddr = base + DATA_ADDR,
				   .p_filesz = DATA_BYTES,
				   .p_memsz = DATA_BYTES + BSS_BYTES};
	if (loader) {
		strcpy((char *)p->bytes + NAME_AT, loader);
		*phdr(p, 0) = (Elf64_Phdr){
			.p_type = PT_INTERP, .p_offset = NAME_AT, .p_filesz = strlen(loader) + 1};
	}
}

static struct file *add_program(const char *path, u16 type, u64 base, const char *loader)
{
	struct program p;

	program_init(&p, type, base, loader);
	return add_file(path, p.bytes, sizeof(p.bytes));
}

static const char *const argv_default[] = {"prog", "one", "two", NULL};
static const char *const envp_default[] = {"HOME=/", "TERM=dumb", NULL};

static struct exec_request request(struct file *file)
{
	return (struct exec_request){
		.file = file,
		.fs = fs,
		.flags = EXEC_FIXED_ADDRESSES,
		.uid = 1,
		.euid = 2,
		.gid = 3,
		.egid = 4,
		.limit_as_bytes = UINT64_MAX,
		.limit_data_bytes = UINT64_MAX,
		.limit_stack_bytes = MIB(8),
		.min_signal_stack_bytes = 3376,
	};
}

/* Loads with the default strings; req->args is filled in and gone afterwards. */
static int load(struct exec_request *req, const char *execfn, struct exec_image *out)
{
	int err =
		exec_args_from_kernel(execfn, argv_default, envp_default, req->limit_stack_bytes, &req->args);

	if (err)
		return err;
	err = exec_load(req, out);
	exec_args_destroy(req->args);
	if (!err) {
		aspace_check(out->aspace);
		fake_use_aspace(out->aspace);
	}
	return err;
}

static int load_file(struct file *file, struct exec_image *out)
{
	struct exec_request req = request(file);

	return load(&req, "/bin/program", out);
}

static void unload(struct exec_image *image)
{
	aspace_check(image->aspace);
	fake_use_aspace(NULL);
	aspace_put(image->aspace);
	if (image->file)
		file_put(image->file);
}

static u64 word_at(u64 addr)
{
	u64 word = 0;

	for (unsigned i = 0; i < 8; i++)
		word |= (u64)peek(addr + i) << (8 * i);
	return word;
}

static void assert_string_at(u64 addr, const char *expected)
{
	for (size_t i = 0; i <= strlen(expected); i++)
		assert_int_equal(peek(addr + i), (u8)expected[i]);
}

static void assert_file_bytes(u64 addr, u64 offset, u64 len)
{
	for (u64 i = 0; i < len; i++)
		assert_int_equal(peek(addr + i), byte_of_file(offset + i));
}

static void assert_zeros(u64 addr, u64 len)
{
	for (u64 i = 0; i < len; i++)
		assert_int_equal(peek(addr + i), 0);
}

/* The VMA that starts exactly here. */
static const struct vma *vma_at(const struct exec_image *image, u64 start)
{
	struct vma *v;

	rwlock_read(&image->aspace->lock);
	v = aspace_find(image->aspace, start);
	rwlock_read_done(&image->aspace->lock);
	assert_non_null(v);
	assert_int_equal(v->range.start, start);
	return v;
}

static u64 auxv_value(const struct exec_image *image, u64 type)
{
	u64 at = image->rsp + 8 * (word_at(image->rsp) + 2);

	while (word_at(at))
		at += 8;
	for (at += 8; word_at(at) != AT_NULL; at += 16) {
		if (word_at(at) == type)
			return word_at(at + 8);
	}
	fail_msg("no auxiliary vector entry %lu", type);
	return 0;
}

static void check_segments(const struct exec_image *image, u64 bias)
{
	const struct vma *text = vma_at(image, bias), *data = vma_at(image, bias + ALIGN_DOWN(DATA_ADDR, P));
	u64 zero = bias + DATA_ADDR + DATA_BYTES, end = ALIGN_UP(bias + IMAGE_END, P);

	assert_int_equal(text->flags, VMA_READ | VMA_EXEC);
	assert_int_equal(text->range.end, bias + 2 * P);
	assert_int_equal(data->flags, RW | VMA_ACCOUNT);
	assert_file_bytes(bias + NAME_AT + 64, NAME_AT + 64, TEXT_BYTES - NAME_AT - 64);
	assert_file_bytes(bias + DATA_ADDR, DATA_OFFSET, DATA_BYTES);
	assert_zeros(zero, end - zero);
	assert_int_equal(try_access(end, FAULT_READ), FAULT_NO_VMA);
	assert_int_equal(try_access(bias, FAULT_WRITE), FAULT_NO_ACCESS);
	assert_int_equal(try_access(bias + ENTRY, FAULT_EXEC), FAULT_DONE);
	assert_int_equal(try_access(bias + DATA_ADDR, FAULT_EXEC), FAULT_NO_ACCESS);
	poke(bias + DATA_ADDR, 1);
	poke(end - 1, 1);
}

static void test_fixed_program(void **state)
{
	struct exec_image image;

	(void)state;
	assert_int_equal(load_file(add_program("/p", ET_EXEC, 0x400000, NULL), &image), 0);
	assert_int_equal(image.rip, 0x400000 + ENTRY);
	assert_string_equal(image.name, "program");
	check_segments(&image, 0x400000);
	assert_int_equal(image.aspace->heap.start, ALIGN_UP(0x400000 + IMAGE_END, P));
	assert_int_equal(image.aspace->heap.end, image.aspace->heap.start);
	assert_int_equal(image.aspace->mmap_top, MMAP_FIXED);
	unload(&image);
}

static void test_position_independent_program(void **state)
{
	struct exec_image image;

	(void)state;
	assert_int_equal(load_file(add_program("/p", ET_DYN, 0, NULL), &image), 0);
	assert_int_equal(image.rip, PIE_FIXED + ENTRY);
	check_segments(&image, PIE_FIXED);
	assert_int_equal(auxv_value(&image, AT_PHDR), PIE_FIXED + sizeof(Elf64_Ehdr));
	assert_int_equal(auxv_value(&image, AT_ENTRY), PIE_FIXED + ENTRY);
	unload(&image);
}

static void test_initial_stack(void **state)
{
	struct exec_image image;
	u64 sp;

	(void)state;
	assert_int_equal(load_file(add_program("/p", ET_EXEC, 0x400000, NULL), &image), 0);
	sp = image.rsp;
	assert_true(IS_ALIGNED(sp, 16));
	assert_int_equal(word_at(sp), 3);
	assert_string_at(word_at(sp + 8), "prog");
	assert_string_at(word_at(sp + 24), "two");
	assert_int_equal(word_at(sp + 32), 0);
	assert_string_at(word_at(sp + 40), "HOME=/");
	assert_int_equal(word_at(sp + 56), 0);
	assert_int_equal(image.args.start, word_at(sp + 8));
	assert_int_equal(image.env.start, word_at(sp + 40));
	assert_string_at(auxv_value(&image, AT_EXECFN), "/bin/program");
	assert_string_at(auxv_value(&image, AT_PLATFORM), "x86_64");
	assert_int_equal(auxv_value(&image, AT_PHNUM), 3);
	assert_int_equal(auxv_value(&image, AT_BASE), 0);
	assert_int_equal(auxv_value(&image, AT_UID), 1);
	assert_int_equal(auxv_value(&image, AT_EGID), 4);
	assert_int_equal(auxv_value(&image, AT_SECURE), 0);
	assert_int_equal(auxv_value(&image, AT_HWCAP), 0x178bfbff);
	assert_int_equal(auxv_value(&image, AT_MINSIGSTKSZ), 3376);
	/* The stack as Linux shows it: one page filled and 128 KiB below it, not executable. */
	assert_int_equal(vma_at(&image, USER_TOP - KIB(128) - P)->flags, RW | VMA_GROWSDOWN | VMA_ACCOUNT);
	poke(USER_TOP - MIB(1), 1);
	assert_int_equal(try_access(sp, FAULT_EXEC), FAULT_NO_ACCESS);
	unload(&image);
}

static void test_executable_stack(void **state)
{
	struct exec_image image;
	struct program p;

	(void)state;
	program_init(&p, ET_EXEC, 0x400000, NULL);
	phdr(&p, 0)->p_type = PT_GNU_STACK;
	phdr(&p, 0)->p_flags = PF_R | PF_W | PF_X;
	assert_int_equal(load_file(add_file("/p", p.bytes, sizeof(p.bytes)), &image), 0);
	assert_int_equal(try_access(image.rsp, FAULT_EXEC), FAULT_DONE);
	unload(&image);
}

static void test_dynamic_program(void **state)
{
	struct exec_image image;
	u64 loader;

	(void)state;
	add_program("/lib/ld", ET_DYN, 0, NULL);
	assert_int_equal(load_file(add_program("/p", ET_DYN, 0, "/lib/ld"), &image), 0);
	loader = MMAP_FIXED - ALIGN_UP(IMAGE_END, P);
	check_segments(&image, PIE_FIXED);
	check_segments(&image, loader);
	assert_int_equal(image.rip, loader + ENTRY);
	assert_int_equal(auxv_value(&image, AT_BASE), loader);
	assert_int_equal(auxv_value(&image, AT_ENTRY), PIE_FIXED + ENTRY);
	assert_ptr_equal(image.file, &files[1].file);
	unload(&image);
}

static void test_vdso(void **state)
{
	const struct clock_params now = {.base_tsc = 11, .base_ns = 22, .mult = 33, .realtime_offset_ns = 44};
	struct exec_image image;
	struct vdso_data data;
	u64 base;

	(void)state;
	assert_int_equal(load_file(add_program("/p", ET_EXEC, 0x400000, NULL), &image), 0);
	base = auxv_value(&image, AT_SYSINFO_EHDR);
	assert_string_at(base, "vdso code");
	assert_int_equal(vma_at(&image, base)->flags, VMA_READ | VMA_EXEC | VMA_SPECIAL);
	assert_int_equal(vma_at(&image, base - P)->flags, VMA_READ | VMA_SPECIAL);
	assert_int_equal(range_len(vma_at(&image, base)->range) + P, vdso_map_bytes());
	assert_int_equal(try_access(base, FAULT_WRITE), FAULT_NO_ACCESS);
	assert_int_equal(try_access(base - P, FAULT_WRITE), FAULT_NO_ACCESS);
	clock_listener(&now);
	for (u64 i = 0; i < sizeof(data); i++)
		((u8 *)&data)[i] = peek(base - P + i);
	assert_int_equal(data.seq, 2);
	assert_int_equal(data.base_tsc, 11);
	assert_int_equal(data.base_ns, 22);
	assert_int_equal(data.mult, 33);
	assert_int_equal(data.realtime_offset_ns, 44);
	unload(&image);
}

/* Randomised, the parts move on their own, and all that was true stays true. */
static void test_randomised(void **state)
{
	struct file *file = add_program("/p", ET_DYN, 0, "/lib/ld");
	u64 rip = 0, rsp = 0, entry = 0, vdso = 0, heap = 0;

	(void)state;
	add_program("/lib/ld", ET_DYN, 0, NULL);
	for (int i = 0; i < 20; i++) {
		struct exec_request req = request(file);
		struct exec_image image;

		req.flags = 0;
		assert_int_equal(load(&req, "/p", &image), 0);
		check_segments(&image, auxv_value(&image, AT_ENTRY) - ENTRY);
		check_segments(&image, image.rip - ENTRY);
		assert_string_at(auxv_value(&image, AT_SYSINFO_EHDR), "vdso code");
		assert_int_not_equal(image.rip, rip);
		assert_int_not_equal(image.rsp, rsp);
		assert_int_not_equal(auxv_value(&image, AT_ENTRY), entry);
		assert_int_not_equal(auxv_value(&image, AT_SYSINFO_EHDR), vdso);
		assert_int_not_equal(image.aspace->heap.start, heap);
		rip = image.rip;
		rsp = image.rsp;
		entry = auxv_value(&image, AT_ENTRY);
		vdso = auxv_value(&image, AT_SYSINFO_EHDR);
		heap = image.aspace->heap.start;
		unload(&image);
	}
}

/* Two programs from one file use one frame for the same page of text, and different ones for data. */
static void test_text_is_shared(void **state)
{
	struct file *file = add_program("/p", ET_EXEC, 0x400000, NULL);
	struct exec_image first, second;
	struct pmap_leaf a, b;

	(void)state;
	assert_int_equal(load_file(file, &first), 0);
	peek(0x400000 + ENTRY);
	assert_int_equal(load_file(file, &second), 0);
	peek(0x400000 + ENTRY);
	assert_true(pmap_query(&first.aspace->pmap, 0x400000 + ENTRY, &a));
	assert_true(pmap_query(&second.aspace->pmap, 0x400000 + ENTRY, &b));
	assert_int_equal(a.pfn.raw, b.pfn.raw);
	assert_true(pmap_query(&first.aspace->pmap, 0x400000 + ALIGN_DOWN(DATA_ADDR, P), &a));
	assert_true(pmap_query(&second.aspace->pmap, 0x400000 + ALIGN_DOWN(DATA_ADDR, P), &b));
	assert_int_not_equal(a.pfn.raw, b.pfn.raw);
	unload(&second);
	unload(&first);
}

/* A later segment replaces pages of an earlier one, its half-zeroed page too. */
static void test_overlapping_segments(void **state)
{
	struct exec_image image;
	struct program p;

	(void)state;
	program_init(&p, ET_EXEC, 0x400000, NULL);
	*phdr(&p, 0) = *phdr(&p, 2); /* data first … */
	phdr(&p, 0)->p_vaddr = 0x400800;
	*phdr(&p, 2) = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x402000, .p_memsz = 1};
	assert_int_equal(load_file(add_file("/p", p.bytes, sizeof(p.bytes)), &image), 0);
	assert_file_bytes(0x400000 + 0x800, 0x800, TEXT_BYTES - 0x800); /* … then text over it … */
	assert_int_equal(vma_at(&image, 0x402000)->flags, VMA_READ);	/* … and one page of zeros */
	assert_zeros(0x402000, P);
	assert_int_equal(vma_at(&image, 0x403000)->flags, RW | VMA_ACCOUNT);
	unload(&image);
}

/* Memory beyond the file in a segment that may not be written is zero as well, and stays unwritable. */
static void test_read_only_tail(void **state)
{
	struct exec_image image;
	struct program p;

	(void)state;
	program_init(&p, ET_EXEC, 0x400000, NULL);
	phdr(&p, 2)->p_flags = PF_R;
	assert_int_equal(load_file(add_file("/p", p.bytes, sizeof(p.bytes)), &image), 0);
	assert_file_bytes(0x400000 + DATA_ADDR, DATA_OFFSET, DATA_BYTES);
	assert_zeros(0x400000 + DATA_ADDR + DATA_BYTES, BSS_BYTES);
	assert_int_equal(try_access(0x400000 + DATA_ADDR, FAULT_WRITE), FAULT_NO_ACCESS);
	assert_int_equal(try_access(0x400000 + DATA_ADDR + DATA_BYTES, FAULT_WRITE), FAULT_NO_ACCESS);
	unload(&image);
}

static void check_args(const struct exec_image *image, const char *const *expected)
{
	u64 argc = word_at(image->rsp);
	u64 i = 0;

	for (; expected[i]; i++)
		assert_string_at(word_at(image->rsp + 8 * (i + 1)), expected[i]);
	assert_int_equal(argc, i);
	assert_string_at(word_at(image->rsp + 8 * (argc + 2)), "HOME=/");
}

static void test_script(void **state)
{
	static const char *const expected[] = {"/bin/i", "-x y", "/s", "one", "two", NULL};
	static const char text[] = "#! /bin/i -x y\nrest of the script";
	struct exec_image image;
	struct exec_request req;

	(void)state;
	add_program("/bin/i", ET_EXEC, 0x400000, NULL);
	req = request(add_file("/s", text, strlen(text)));
	assert_int_equal(load(&req, "/s", &image), 0);
	check_args(&image, expected);
	assert_string_at(auxv_value(&image, AT_EXECFN), "/s");
	assert_string_equal(image.name, "s");
	assert_ptr_equal(image.file, &files[0].file);
	unload(&image);
}

/* `depth` scripts in a row: "/s1" is interpreted by "/s2" and so on, the last one by a program. */
static int load_script_chain(unsigned depth, struct exec_image *image)
{
	static const char *const names[] = {"/s1", "/s2", "/s3", "/s4", "/s5", "/s6", "/i"};
	struct exec_request req;

	file_count = 0;
	add_program("/i", ET_EXEC, 0x400000, NULL);
	for (unsigned i = 0; i < depth; i++) {
		char text[32];

		snprintf(text, sizeof(text), "#!%s\n", i + 1 < depth ? names[i + 1] : "/i");
		add_file(names[i], text, strlen(text));
	}
	req = request(&files[1].file);
	return load(&req, "/s1", image);
}

static void drop_files(void)
{
	for (unsigned i = 0; i < file_count; i++) {
		assert_int_equal(ref_read(&files[i].file.refs), 1);
		mobj_put(files[i].object);
	}
	file_count = 0;
}

static void test_scripts_of_scripts(void **state)
{
	static const char *const expected[] = {"/i", "/s5", "/s4", "/s3", "/s2", "/s1", "one", "two", NULL};
	struct exec_image image;

	(void)state;
	assert_int_equal(load_script_chain(5, &image), 0);
	check_args(&image, expected);
	unload(&image);
	drop_files();
	assert_int_equal(load_script_chain(6, &image), -ELOOP);
}

static void assert_load_fails(const char *path, const void *bytes, size_t len, int err)
{
	struct exec_image image;

	assert_int_equal(load_file(add_file(path, bytes, len), &image), err);
}

static void test_refused(void **state)
{
	struct program p;
	struct exec_image image;
	struct exec_request req;

	(void)state;
	assert_load_fails("/empty", "", 0, -ENOEXEC);
	assert_load_fails("/text", "hello", 5, -ENOEXEC);
	assert_load_fails("/script", "#!\n", 3, -ENOEXEC);
	assert_load_fails("/no-name", "#!", 2, -EACCES);
	assert_load_fails("/no-interp", "#!/missing\n", 11, -ENOENT);
	program_init(&p, ET_EXEC, 0x400000, "/missing");
	assert_load_fails("/a", p.bytes, sizeof(p.bytes), -ENOENT);
	program_init(&p, ET_EXEC, 0x400000, "/text");
	assert_load_fails("/b", p.bytes, sizeof(p.bytes), -EIO);
	phdr(&p, 0)->p_filesz--;
	assert_load_fails("/c", p.bytes, sizeof(p.bytes), -ENOEXEC);
	drop_files();

	memset(p.bytes, 'x', sizeof(p.bytes));
	add_file("/ld", p.bytes, sizeof(p.bytes));
	program_init(&p, ET_EXEC, 0x400000, "/ld");
	assert_load_fails("/d", p.bytes, sizeof(p.bytes), -ELIBBAD);
	program_init(&p, ET_EXEC, 0x400000, NULL);
	phdr(&p, 1)->p_type = phdr(&p, 2)->p_type = PT_NULL;
	add_file("/ld2", p.bytes, sizeof(p.bytes));
	program_init(&p, ET_EXEC, 0x400000, "/ld2");
	assert_load_fails("/e", p.bytes, sizeof(p.bytes), -ELIBBAD);
	/* Over the stack, and a position-independent one that does not fit. */
	program_init(&p, ET_EXEC, USER_TOP - 0x10000, NULL);
	assert_load_fails("/f", p.bytes, sizeof(p.bytes), -ENOMEM);
	program_init(&p, ET_DYN, 0, NULL);
	phdr(&p, 2)->p_memsz = USER_TOP - DATA_ADDR;
	assert_load_fails("/g", p.bytes, sizeof(p.bytes), -ENOMEM);
	program_init(&p, ET_DYN, 0, NULL);
	header(&p)->e_entry = USER_TOP - P;
	assert_load_fails("/h", p.bytes, sizeof(p.bytes), -EINVAL);
	drop_files();

	req = request(add_program("/p", ET_EXEC, 0x400000, NULL));
	req.limit_as_bytes = KIB(64);
	assert_int_equal(load(&req, "/p", &image), -ENOMEM);
	files[0].object->ops = NULL;
	mobj_put(files[0].object);
	files[0].object = NULL; /* a file that cannot be mapped */
	assert_int_equal(load_file(&files[0].file, &image), -ENOEXEC);
}

/* The program that no file system holds. */
static void test_object_only(void **state)
{
	struct mobj *object = baseline_object();
	struct exec_request req = request(NULL);
	struct exec_image image;
	struct program p;
	struct uio u;

	(void)state;
	assert_non_null(object);
	assert_int_equal(object->size_bytes, 8);
	req.object = object;
	req.fs = NULL;
	assert_int_equal(load(&req, "baseline", &image), -ENOEXEC);
	program_init(&p, ET_EXEC, 0x400000, NULL);
	uio_init_kernel(&u, p.bytes, sizeof(p.bytes));
	assert_int_equal(mobj_write(object, 0, &u), sizeof(p.bytes));
	assert_int_equal(load(&req, "baseline", &image), 0);
	assert_null(image.file);
	assert_string_equal(image.name, "baseline");
	check_segments(&image, 0x400000);
	unload(&image);
	mobj_put(object);
}

/*
 * Lets the first, second, third … allocation fail until the load gets through: each time -ENOMEM, and all is
 * as before. The file's own pages are there already, so that only the load allocates.
 */
static void fail_every(void (*fail_after)(u64 n), struct file *file)
{
	u64 frames, heap, n = 1;
	struct exec_image image;
	int err;

	for (;; n++) {
		frames = frames_used();
		heap = heap_bytes();
		fail_after(n);
		err = load_file(file, &image);
		fail_after(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(heap_bytes(), heap);
		assert_int_equal(frames_used(), frames);
	}
	assert_true(n > 5);
	unload(&image);
}

static void test_every_allocation_fails(void **state)
{
	static const char text[] = "#!/p\n";
	struct file *script;

	(void)state;
	add_program("/ld", ET_DYN, 0, NULL);
	add_program("/p", ET_DYN, 0, "/ld");
	script = add_file("/s", text, strlen(text));
	fail_every(frame_fail_after, script);
	fail_every(heap_fail_after, script);
}

/* Many strings: more pages than the first list of frames holds. */
static void test_many_strings(void **state)
{
	static char big[KIB(128)];
	const char *argv[] = {"prog", big, big, big, "end", NULL};
	struct exec_request req = request(add_program("/p", ET_EXEC, 0x400000, NULL));
	struct exec_image image;

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	assert_int_equal(exec_args_from_kernel("/p", argv, envp_default, MIB(8), &req.args), 0);
	assert_int_equal(exec_load(&req, &image), 0);
	exec_args_destroy(req.args);
	aspace_check(image.aspace);
	fake_use_aspace(image.aspace);
	check_args(&image, argv);
	assert_true(pmap_resident_pages(&image.aspace->pmap) > 96);
	unload(&image);
	assert_int_equal(exec_args_from_kernel("/p", argv, envp_default, KIB(512), &req.args), -E2BIG);
}

static void user_write(u64 addr, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		poke(addr + i, ((const u8 *)bytes)[i]);
}

/* Strings that another program hands over: execve's own case. */
static void test_strings_from_user(void **state)
{
	const u64 list[] = {AT + 0x100, AT + P - 3, 0}, bad[] = {AT + 0x100, AT + 2 * P, 0};
	const u64 endless[] = {AT + 3 * P - 4, 0};
	static const char *const expected[] = {"first", "across pages", NULL};
	struct exec_request req = request(add_program("/p", ET_EXEC, 0x400000, NULL));
	struct aspace *caller = aspace_create();
	struct exec_image image;

	(void)state;
	fake_use_aspace(caller);
	map_at(caller, AT, 2 * P, RW);
	user_write(AT + 0x100, "first", 6);
	user_write(AT + P - 3, "across pages", 13);
	user_write(AT + 0x200, list, sizeof(list));
	user_write(AT + 0x300, bad, sizeof(bad));
	user_write(AT + 0x400, endless, sizeof(endless));
	user_write(AT + 2 * P - 4, "xxxx", 4);
#define USER_LIST(at) ((const char __user *const __user *)(at))
	assert_int_equal(exec_args_from_user("/p", USER_LIST(AT + 0x200), NULL, MIB(8), &req.args), 0);
	assert_int_equal(exec_load(&req, &image), 0);
	exec_args_destroy(req.args);
	fake_use_aspace(image.aspace);
	for (unsigned i = 0; expected[i]; i++)
		assert_string_at(word_at(image.rsp + 8 * (i + 1)), expected[i]);
	assert_int_equal(word_at(image.rsp), 2);
	unload(&image);

	fake_use_aspace(caller);
	assert_int_equal(exec_args_from_user("/p", NULL, NULL, MIB(8), &req.args), 0);
	exec_args_destroy(req.args);
	assert_int_equal(exec_args_from_user("/p", USER_LIST(AT + 0x300), NULL, MIB(8), &req.args), -EFAULT);
	assert_int_equal(exec_args_from_user("/p", USER_LIST(AT + 2 * P), NULL, MIB(8), &req.args), -EFAULT);
	assert_int_equal(exec_args_from_user("/p", NULL, USER_LIST(AT + 0x400), MIB(8), &req.args), -EFAULT);
	assert_int_equal(exec_args_from_user("/p", USER_LIST(USER_TOP), NULL, MIB(8), &req.args), -EFAULT);
	fake_use_aspace(NULL);
	aspace_put(caller);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LOAD_TEST(test_fixed_program),
		LOAD_TEST(test_position_independent_program),
		LOAD_TEST(test_initial_stack),
		LOAD_TEST(test_executable_stack),
		LOAD_TEST(test_dynamic_program),
		LOAD_TEST(test_vdso),
		LOAD_TEST(test_randomised),
		LOAD_TEST(test_text_is_shared),
		LOAD_TEST(test_overlapping_segments),
		LOAD_TEST(test_read_only_tail),
		LOAD_TEST(test_script),
		LOAD_TEST(test_scripts_of_scripts),
		LOAD_TEST(test_refused),
		LOAD_TEST(test_object_only),
		LOAD_TEST(test_every_allocation_fails),
		LOAD_TEST(test_many_strings),
		LOAD_TEST(test_strings_from_user),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
