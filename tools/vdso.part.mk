# SPDX-License-Identifier: MIT
# The two ELF files for ring 3 that the kernel carries: the vDSO and the boot-regression program. Both end up
# in $(B)/gen, where the assembler finds them (.incbin).

VDSO_DIR    := kernel/arch/x86_64/vdso
VDSO_CFLAGS := -std=gnu17 $(WARN) -O2 -fPIC -fvisibility=default -ffreestanding -fno-stack-protector \
	       -fno-omit-frame-pointer -fcf-protection=none -fasynchronous-unwind-tables -mno-sse -g0
VDSO_LDFLAGS := -shared -nostdlib -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=none \
	       -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--eh-frame-hdr -Wl,-Bsymbolic -Wl,-z,defs

$(B)/gen/vdso.so: $(VDSO_DIR)/vdso.c $(VDSO_DIR)/vdso.lds kernel/arch/x86_64/include/arch/impl/vdso_abi.h
	@mkdir -p $(@D)
	$(CC) $(VDSO_CFLAGS) -Ikernel/arch/x86_64/include -c $< -o $(@D)/vdso.o
	$(CC) $(VDSO_LDFLAGS) -Wl,-T,$(VDSO_DIR)/vdso.lds $(@D)/vdso.o -o $@

$(B)/gen/baseline.elf: user/baseline/baseline.S
	@mkdir -p $(@D)
	$(CC) -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,noseparate-code -s $< -o $@

$(B)/release/arch/x86_64/vdso_blob.S.o $(B)/debug/arch/x86_64/vdso_blob.S.o: $(B)/gen/vdso.so
$(B)/release/arch/x86_64/baseline_blob.S.o $(B)/debug/arch/x86_64/baseline_blob.S.o: $(B)/gen/baseline.elf
