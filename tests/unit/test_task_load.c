/* SPDX-License-Identifier: MIT */
/*
 * Loading whole programs over the fake machine: what is mapped where, with what bytes; and that a load which
 * fails, for a bad file or because any one allocation failed, leaves nothing behind.
 */
#include "load_fixture.h"

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
	assert_int_equal(auxv_value(&image, AT_SECURE), 1); /* the caller runs as another user already */
	assert_int_equal(auxv_value(&image, AT_HWCAP), 0x178bfbff);
	assert_int_equal(auxv_value(&image, AT_MINSIGSTKSZ), 3376);
	/* The stack as Linux shows it: one page filled and 128 KiB below it, not executable. */
	assert_int_equal(vma_at(&image, USER_TOP - KIB(128) - P)->flags, RW | VMA_GROWSDOWN | VMA_ACCOUNT);
	poke(USER_TOP - MIB(1), 1);
	assert_int_equal(try_access(sp, FAULT_EXEC), FAULT_NO_ACCESS);
	unload(&image);
}

/* Set-user-ID and set-group-ID bits count where the caller says so; the group's only if the group may execute. */
static void test_set_ids(void **state)
{
	static const struct {
		u32 flags, mode, euid, egid;
	} cases[] = {
		{0, 06755, 1, 3},	    {EXEC_SETID, 0755, 1, 3},  {EXEC_SETID, 04755, 50, 3},
		{EXEC_SETID, 02755, 1, 60}, {EXEC_SETID, 02745, 1, 3}, {EXEC_SETID, 06755, 50, 60},
	};
	struct file *file = add_program("/p", ET_EXEC, 0x400000, NULL);
	struct exec_image image;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_request req = request(file);

		req.euid = req.uid;
		req.egid = req.gid;
		req.flags |= cases[i].flags;
		files[0].facts = (struct file_facts){.mode = cases[i].mode, .uid = 50, .gid = 60};
		assert_int_equal(load(&req, "/p", &image), 0);
		assert_int_equal(image.euid, cases[i].euid);
		assert_int_equal(image.egid, cases[i].egid);
		assert_int_equal(auxv_value(&image, AT_EUID), cases[i].euid);
		assert_int_equal(auxv_value(&image, AT_SECURE), cases[i].euid != 1 || cases[i].egid != 3);
		unload(&image);
	}
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
	assert_int_equal(vma_at(&image, base - P)->flags,
			 VMA_READ | VMA_SPECIAL | VMA_IO | VMA_NO_WRITE | VMA_NO_DUMP);
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
	for (u64 i = 1; i <= 2; i++) { /* the object, a place for its page */
		heap_fail_after(i);
		assert_null(baseline_object());
		heap_fail_after(0);
	}
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		LOAD_TEST(test_fixed_program),
		LOAD_TEST(test_position_independent_program),
		LOAD_TEST(test_initial_stack),
		LOAD_TEST(test_set_ids),
		LOAD_TEST(test_executable_stack),
		LOAD_TEST(test_dynamic_program),
		LOAD_TEST(test_vdso),
		LOAD_TEST(test_randomised),
		LOAD_TEST(test_text_is_shared),
		LOAD_TEST(test_overlapping_segments),
		LOAD_TEST(test_read_only_tail),
		LOAD_TEST(test_refused),
		LOAD_TEST(test_object_only),
		LOAD_TEST(test_every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
