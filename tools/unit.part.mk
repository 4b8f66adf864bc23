# SPDX-License-Identifier: MIT
# The kernel's machine-independent files on the host: unit tests, coverage, fuzzing.
#
# The same sources are compiled with MOAT_HOSTED over arch/fake into one archive for each variant:
#   unit      gcc, AddressSanitizer and UndefinedBehaviorSanitizer
#   coverage  gcc, line counts
#   fuzz      clang, libFuzzer
#   x86       as unit, but with the page tables of arch/x86_64 in place of the fake machine's (tests/unit/x86)
#   x86cov    as x86, with line counts: huge pages and tables shared by a fork exist only there
# Each tests/unit/test_*.c is a cmocka program, each tests/fuzz/fuzz_*.c a libFuzzer target; both link the archive, so
# that a program pulls in only what it tests.

HOSTED_SRC := $(sort $(wildcard kernel/lib/*.c kernel/sync/*.c kernel/mm/*.c kernel/fs/*.c kernel/arch/fake/*.c \
	      kernel/dev/virtqueue.c kernel/task/elf.c kernel/task/stack_image.c kernel/task/exec_layout.c \
	      kernel/task/exec_script.c kernel/task/exec.c kernel/task/exec_args.c kernel/task/exec_map.c \
	      kernel/task/exec_images.c kernel/task/vdso.c))
HOSTED_FLAGS := -include linux/stat.h -std=gnu17 $(WARN) -DMOAT_HOSTED -DCONFIG_DEBUG=1 -DMOAT_VERSION='"$(VERSION)"' \
		-fno-strict-aliasing -fwrapv -pthread -g -MMD -MP \
		-Ikernel/include -Ikernel/arch/include -Ikernel/arch/fake/include -Ikernel -Itests/unit -I$(B)/gen
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

UNIT_TESTS := $(filter-out test_x86_%,$(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c))))
# What is run over the tables of x86-64: tests of them, and what any page tables must pass.
X86_TESTS  := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_x86_*.c))) \
	      test_mm_model test_mm_aspace test_mm_map test_mm_protect test_mm_remap test_mm_zap test_mm_advise \
	      test_mm_policy test_mm_access test_mm_reclaim
X86_SRC    := $(filter-out kernel/arch/fake/pmap.c,$(filter kernel/lib/% kernel/sync/% kernel/mm/% kernel/arch/fake/%,\
	      $(HOSTED_SRC))) $(wildcard kernel/arch/x86_64/pmap*.c)
X86_FLAGS  := -Itests/unit/x86/include $(HOSTED_FLAGS) -Ikernel/arch/x86_64/include -Ikernel/arch/x86_64
FUZZERS    := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_RUNS  ?= $(or $(N),1000000)
FUZZ_SECONDS ?= 300
# Files that `make coverage` reports on, and the share of lines that the unit tests must reach (T4). What needs more of a
# machine than the hosted tests have (most file systems, sockets) is covered by programs: COVERAGE_FILTER=kernel/fs/ COVERAGE_PERCENT=0.
COVERAGE_FILTER  ?= kernel/(mm|lib)/|kernel/arch/x86_64/(pmap.*|uaccess)\.c|kernel/task/(elf|stack_image|exec.*|vdso)\.c
COVERAGE_PERCENT ?= 90

# $(1) variant, $(2) compiler, $(3) flags
define hosted_variant
HOSTED_OBJ_$(1) := $$(patsubst kernel/%,$$(B)/$(1)/kernel/%.o,$$(HOSTED_SRC))
$$(B)/$(1)/kernel/%.o: kernel/%
	@mkdir -p $$(@D)
	$(2) $$(HOSTED_FLAGS) $(3) -c $$< -o $$@
$$(B)/$(1)/libkernel.a: $$(HOSTED_OBJ_$(1))
	@rm -f $$@
	ar rcs $$@ $$^
-include $$(HOSTED_OBJ_$(1):.o=.d)
endef
$(eval $(call hosted_variant,unit,$(CC),-O1 $(SANITIZE)))
$(eval $(call hosted_variant,coverage,gcc,-O0 --coverage))
$(eval $(call hosted_variant,fuzz,clang,-O1 -fsanitize=fuzzer-no-link $(SANITIZE)))

# $(1) variant, $(2) compiler, $(3) flags
define x86_variant
X86_OBJ_$(1) := $$(patsubst kernel/%,$$(B)/$(1)/kernel/%.o,$$(X86_SRC)) $$(B)/$(1)/machine.o
$$(B)/$(1)/kernel/%.o: kernel/%
	@mkdir -p $$(@D)
	$(2) $$(X86_FLAGS) $(3) -c $$< -o $$@
$$(B)/$(1)/machine.o: tests/unit/x86/machine.c
	@mkdir -p $$(@D)
	$(2) $$(X86_FLAGS) $(3) -c $$< -o $$@
$$(B)/$(1)/libkernel.a: $$(X86_OBJ_$(1))
	@rm -f $$@
	ar rcs $$@ $$^
$$(B)/$(1)/test_%: tests/unit/test_%.c $$(B)/$(1)/libkernel.a
	$(2) $$(X86_FLAGS) $(3) $$< -Wl,--start-group $$(B)/$(1)/libkernel.a -lcmocka -Wl,--end-group -o $$@
-include $$(X86_OBJ_$(1):.o=.d) $$(X86_TESTS:%=$$(B)/$(1)/%.d)
endef
$(eval $(call x86_variant,x86,$(CC),-O1 $(SANITIZE)))
$(eval $(call x86_variant,x86cov,gcc,-O0 --coverage))

$(B)/unit/test_%: tests/unit/test_%.c $(B)/unit/libkernel.a
	$(CC) $(HOSTED_FLAGS) -O1 $(SANITIZE) $< -Wl,--start-group $(B)/unit/libkernel.a -lcmocka -Wl,--end-group -o $@
$(B)/coverage/test_%: tests/unit/test_%.c $(B)/coverage/libkernel.a
	gcc $(HOSTED_FLAGS) -O0 --coverage $< -Wl,--start-group $(B)/coverage/libkernel.a -lcmocka -Wl,--end-group -o $@
$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(B)/fuzz/libkernel.a
	clang $(HOSTED_FLAGS) -O1 -fsanitize=fuzzer $(SANITIZE) $< -Wl,--start-group $(B)/fuzz/libkernel.a \
		-lcmocka -Wl,--end-group -o $@
-include $(UNIT_TESTS:%=$(B)/unit/%.d) $(UNIT_TESTS:%=$(B)/coverage/%.d) $(FUZZERS:%=$(B)/fuzz/%.d)

.PHONY: unit coverage fuzz
unit: $(UNIT_TESTS:%=$(B)/unit/%) $(X86_TESTS:%=$(B)/x86/%) ## unit tests of the machine-independent parts, on the host
	@tools/run-unit $(B)/unit $^
coverage: $(UNIT_TESTS:%=$(B)/coverage/%) $(X86_TESTS:%=$(B)/x86cov/%) ## lines that the unit tests reach
	@find $(B)/coverage $(B)/x86cov -name '*.gcda' -delete
	@tools/run-unit $(B)/coverage $^
	@gcovr --root . --filter '$(COVERAGE_FILTER)' --fail-under-line $(COVERAGE_PERCENT) $(B)/coverage $(B)/x86cov
fuzz: $(FUZZERS:fuzz_%=fuzz-%) ## each libFuzzer target, N=1000000 runs or FUZZ_SECONDS=300 (fuzz-elf, fuzz-exec, fuzz-ninep…: one)
fuzz-%: $(B)/fuzz/fuzz_%
	@mkdir -p $(B)/fuzz/corpus-$*
	$< -runs=$(FUZZ_RUNS) -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
		$(patsubst %,-dict=%,$(wildcard tests/fuzz/$*.dict)) $(B)/fuzz/corpus-$*
