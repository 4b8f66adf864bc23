# SPDX-License-Identifier: MIT
# The kernel: one ELF file, built twice (release and debug) from the same sources.
#
# It is linked as a position-independent executable: `boot/start` applies the relocations itself after it
# has chosen a random virtual base. CONFIG_DEBUG is the only switch, and it chooses constants and files.

# <sys/queue.h> brings in glibc's feature macros, with which <linux/stat.h> would hide the mode bits: it comes first.
KSRC  := $(sort $(wildcard kernel/lib/*.c kernel/sync/*.c kernel/mm/*.c kernel/fs/*.c kernel/dev/*.c \
	   kernel/task/*.c kernel/ipc/*.c kernel/sys/*.c kernel/arch/x86_64/*.c kernel/boot/*.c))
KASM  := $(sort $(wildcard kernel/arch/x86_64/*.S))
KINC  := -Ikernel/include -Ikernel/arch/include -Ikernel/arch/x86_64/include -I$(B)/gen

WARN  := -Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wcast-qual \
	 -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough -Wconversion -Wno-sign-conversion
KCFLAGS := -std=gnu17 $(WARN) -Wframe-larger-than=1024 -ffreestanding -fno-builtin -fpie -fvisibility=hidden \
	 -mno-red-zone -mgeneral-regs-only -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fcf-protection=none \
	 -fno-common -fno-strict-aliasing -fno-delete-null-pointer-checks \
	 -fstack-protector-strong -mstack-protector-guard=global -fwrapv -g -O2 -MMD -MP \
	 -DMOAT_VERSION='"$(VERSION)"' $(KINC)
KLDFLAGS := -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,-z,noexecstack -Wl,-z,norelro -Wl,--build-id=none \
	 -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -Wl,-T,kernel/arch/x86_64/kernel.ld

# The boot tests are in the debug kernel only.
KOBJ_release := $(patsubst kernel/%,$(B)/release/%.o,$(filter-out kernel/boot/selftest_%,$(KSRC)) $(KASM))
KOBJ_debug   := $(patsubst kernel/%,$(B)/debug/%.o,$(KSRC) $(KASM))
# A program's pointers may be odd, wild or 0: the address of a member is computed before the copy refuses it.
UBSAN_OFF := alignment,pointer-overflow,null
# The release kernel is optimised as one program: a function that is called from one place becomes part of it, whatever
# file it stands in, which makes a boot a tenth shorter. Structures are cleared and copied by calls and not by string
# instructions in place, each of which QEMU translates as two blocks more. Not so the files whose functions are called then.
KLTO_gcc       := -flto=auto -fno-fat-lto-objects -mstringop-strategy=libcall
KLTO           := $(if $(findstring clang,$(CC)),,$(KLTO_gcc))
KLTO_LINK      := $(if $(KLTO),$(filter-out -MMD -MP -W%,$(KCFLAGS)) -Werror=frame-larger-than=1536 $(KLTO) -save-temps \
	 --param large-stack-frame=512 --param large-stack-frame-growth=50)
KLTO_OFF       := arch/x86_64/machine arch/x86_64/memops
$(KLTO_OFF:%=$(B)/release/%.c.o): KLTO :=
KFLAGS_release := -DCONFIG_DEBUG=0
KFLAGS_debug   := -DCONFIG_DEBUG=1 -fsanitize=undefined -fno-sanitize=$(UBSAN_OFF) -Wframe-larger-than=2048 \
	 -Wno-array-bounds # gcc warns falsely about what its sanitizer inserted

# Each access of the debug kernel's memory is checked by a call (kernel/mm/kasan.c), but for files that run where the
# checker cannot, or are the checker.
KASAN_gcc   := -fsanitize=kernel-address --param asan-stack=0 --param asan-globals=1 \
	 --param asan-instrumentation-with-call-threshold=0
KASAN_clang := -fsanitize=kernel-address -mllvm -asan-stack=0 -mllvm -asan-globals=1 \
	 -mllvm -asan-instrumentation-with-call-threshold=0
KASAN_FLAGS := $(if $(findstring clang,$(CC)),$(KASAN_clang),$(KASAN_gcc))
KASAN_OFF   := arch/x86_64/boot_early arch/x86_64/boot_protocol arch/x86_64/memops arch/x86_64/panic \
	 mm/kasan mm/kasan_heap mm/heap
$(KASAN_OFF:%=$(B)/debug/%.c.o): KASAN_FLAGS :=

$(B)/release/%.c.o: kernel/%.c tools/kernel.mk
	@mkdir -p $(@D)
	$(CC) $(KCFLAGS) $(KFLAGS_release) $(KLTO) -include linux/stat.h -c $< -o $@
$(B)/release/%.S.o: kernel/%.S tools/kernel.mk
	@mkdir -p $(@D)
	$(CC) $(KCFLAGS) $(KFLAGS_release) -c $< -o $@
$(B)/debug/%.c.o: kernel/%.c tools/kernel.mk
	@mkdir -p $(@D)
	$(CC) $(KCFLAGS) $(KFLAGS_debug) $(KASAN_FLAGS) -include linux/stat.h -c $< -o $@
$(B)/debug/%.S.o: kernel/%.S tools/kernel.mk
	@mkdir -p $(@D)
	$(CC) $(KCFLAGS) $(KFLAGS_debug) -c $< -o $@

$(B)/moat-kernel: $(KOBJ_release) kernel/arch/x86_64/kernel.ld tools/link-kernel tools/mksymbols
	tools/link-kernel $@ $(B)/gen/release '$(CC) $(KCFLAGS) $(KFLAGS_release)' '$(CC) $(KLTO_LINK) $(KLDFLAGS)' \
		$(KOBJ_release)
$(B)/moat-kernel-debug: $(KOBJ_debug) kernel/arch/x86_64/kernel.ld tools/link-kernel tools/mksymbols
	tools/link-kernel $@ $(B)/gen/debug '$(CC) $(KCFLAGS) $(KFLAGS_debug)' '$(CC) $(KLDFLAGS)' $(KOBJ_debug)

.PHONY: kernel kernel-debug
kernel: $(B)/moat-kernel
kernel-debug: $(B)/moat-kernel-debug
-include $(KOBJ_release:.o=.d) $(KOBJ_debug:.o=.d)
