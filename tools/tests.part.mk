# SPDX-License-Identifier: MIT
# Programs that run under Moat and what they are compared with: tests/abi, tests/boot, tests/programs, bench.

TESTCC_glibc := gcc
TESTCC_musl  := musl-gcc
TESTINC_musl := -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu
# The tests pass bad pointers and lengths on purpose, and leave results to the comparison.
TESTCFLAGS := -std=gnu17 -O1 -static -no-pie -Wall -Wextra -Werror -Wno-nonnull -Wno-nonnull-compare \
	      -Wno-stringop-overflow -Wno-stringop-overread -Wno-unused-result -Wno-infinite-recursion -Wno-array-bounds
BARE := -nostdlib -nostartfiles -ffreestanding -fno-stack-protector -mgeneral-regs-only

ABI_PROGRAMS := $(patsubst tests/abi/%.c,%,$(wildcard tests/abi/*.c))
ABI_BINARIES := $(foreach lib,glibc musl,$(ABI_PROGRAMS:%=$(B)/tests/abi/$(lib)/%))

$(B)/tests/abi/glibc/start $(B)/tests/abi/musl/start: TESTCFLAGS += $(BARE)
$(B)/tests/abi/glibc/%: tests/abi/%.c $(wildcard tests/abi/*.h)
	@mkdir -p $(@D)
	$(TESTCC_glibc) $(TESTCFLAGS) $< -o $@
$(B)/tests/abi/musl/%: tests/abi/%.c $(wildcard tests/abi/*.h)
	@mkdir -p $(@D)
	$(TESTCC_musl) $(TESTCFLAGS) $(TESTINC_musl) $< -o $@

# One program whose argument chooses the attack; no library, so that nothing but the attack happens.
ATTACK := $(B)/tests/boot/attack
$(ATTACK): $(wildcard tests/boot/*.c) tests/boot/attack.h
	@mkdir -p $(@D)
	$(TESTCC_glibc) $(TESTCFLAGS) $(BARE) $(filter %.c,$^) -o $@

# Memory calls with allocations that fail; for the debug kernel.
FAILURES := $(B)/tests/boot/failing
$(FAILURES): $(wildcard tests/boot/failures/*.c) tests/boot/failures/failures.h
	@mkdir -p $(@D)
	$(TESTCC_musl) $(TESTCFLAGS) $(TESTINC_musl) $(filter %.c,$^) -o $@

# Lua from the distribution's own source package, built with musl: a real program with real work.
$(B)/tests/programs/lua: tests/programs/fetch-lua.sh
	B=$(B) sh tests/programs/fetch-lua.sh
$(B)/tests/programs/%: tests/programs/%.c
	@mkdir -p $(@D)
	$(TESTCC_musl) $(TESTCFLAGS) $(TESTINC_musl) $< -o $@
PROGRAM_BINARIES := $(patsubst tests/programs/%.c,$(B)/tests/programs/%,$(wildcard tests/programs/*.c))

$(B)/bench/bench: $(wildcard bench/*.c) bench/bench.h
	@mkdir -p $(@D)
	$(TESTCC_musl) -std=gnu17 -O2 -static -no-pie -Wall -Wextra -Werror $(TESTINC_musl) $(filter %.c,$^) -o $@

# A person at a terminal.
DRIVE := $(B)/tests/shell/drive
$(DRIVE): tests/shell/drive.c
	@mkdir -p $(@D)
	$(TESTCC_glibc) -std=gnu17 -O1 -Wall -Wextra -Werror -D_GNU_SOURCE $< -o $@

.PHONY: test-python test-shell fuzz-mm fuzz-sys stress test-abi test-abi-debug test-programs-debug test-boot test-programs \
	bench test-binaries
test-binaries: $(ABI_BINARIES) $(ATTACK) $(FAILURES) $(PROGRAM_BINARIES) $(B)/bench/bench $(DRIVE)
test-abi: all $(ABI_BINARIES) ## ordinary Linux programs: same output as on this host
	B=$(B) tests/abi/run.sh
test-abi-debug: all debug $(ABI_BINARIES) ## the same in the kernel that checks itself
	B=$(B) MOAT_KERNEL=$(abspath $(B))/moat-kernel-debug tests/abi/run.sh
fuzz-mm: all $(B)/tests/abi/musl/mmfuzz ## random memory calls against this host: SEED=1 N=1000 STEPS=60 MASK=0x17ff
	B=$(B) SEED=$(SEED) N=$(N) STEPS=$(STEPS) MASK=$(MASK) tests/abi/fuzz-mm.sh
test-shell: all $(DRIVE) ## a person at a terminal: moat shell, jobs, line editing, the terminal put back
	B=$(B) tests/shell/run.sh
test-boot: all debug $(ATTACK) $(FAILURES) $(B)/tests/programs/nodes $(B)/moat.iso ## attack programs, and boots on every machine
	B=$(B) tests/boot/run.sh
test-programs: all $(PROGRAM_BINARIES) $(B)/tests/programs/lua ## busybox applets, applications, streams, exit statuses
	B=$(B) tests/programs/run.sh
test-programs-debug: all debug $(PROGRAM_BINARIES) $(B)/tests/programs/lua ## the same in the kernel that checks itself
	B=$(B) MOAT_KERNEL=$(abspath $(B))/moat-kernel-debug tests/programs/run.sh busy streams verdicts lua real disk applets statuses \
		app:shell app:perl
stress: all debug $(B)/tests/programs/stress ## processes, threads, signals, memory, all mixed, on 4 CPUs of the debug kernel: SECONDS=60
	$(B)/moat run --kernel $(B)/moat-kernel-debug --cpus 4 --memory 1G $(B)/tests/programs/stress $(or $(SECONDS),60) 14
fuzz-sys: all debug $(B)/tests/programs/sysfuzz ## random system calls in the debug kernel: SECONDS=600 SEED=1
	B=$(B) tests/programs/fuzz-sys.sh $(or $(SECONDS),600) $(SEED)
test-python: all ## CPython's own tests: same results as on this host; long, not in `make test`
	@tools/setup python
	B=$(B) tests/python/run.sh $(MODULES)
bench: all $(B)/bench/bench $(B)/tests/programs/bombs ## costs of single operations, against Linux in the same machine
	B=$(B) bench/run.sh
