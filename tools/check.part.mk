# SPDX-License-Identifier: MIT
# What the tree is held to: `make check` runs each of these and counts them.

CHECKS := check-format check-layers check-size check-user check-sparse check-tidy check-gcc check-clang check-docs

FORMAT_FILES := $(sort $(wildcard $(addsuffix /*.[ch],kernel/* kernel/include/moat kernel/arch/* \
		kernel/arch/include/arch kernel/arch/*/include/arch/impl cli user user/* bench tests/* tests/boot/failures)))
# Options that only gcc has would stop clang's tools.
TIDY_FLAGS   := $(filter-out -Werror -W% -MMD -MP -g,$(KCFLAGS)) -DCONFIG_DEBUG=1
SPARSE_FLAGS := $(filter-out -Werror -W% -MMD -MP,$(KCFLAGS)) -DCONFIG_DEBUG=1 \
		-U__STDC_HOSTED__ -D__STDC_HOSTED__=0 -Wsparse-error -Wno-decl -Wno-bitwise -Wno-cast-truncate
ROOMS       := lib arch sync mm fs dev task ipc sys boot include
# 30,000 was the plan; nodes of memory and the finer points of memory calls took more. The smallest peer that runs
# Linux programs with processes and threads has 42,000.
LINES_LIMIT := 62500

.PHONY: check format size $(CHECKS)
check: ## formatting, clang-tidy, sparse, layers, both compilers; ends with "N passed, N failed"
	@tools/setup build test check
	@MAKE='$(MAKE) -j$(JOBS)' tools/run-suites -q $(B)/checks $(CHECKS)

format: ## clang-format over the whole tree
	clang-format -i $(FORMAT_FILES)
check-format:
	@clang-format --dry-run -Werror $(FORMAT_FILES)

check-layers: ## the rooms of the kernel include downwards only
	tools/check-layers

# What only the debug kernel has is not counted: its own tests and checkers.
DEBUG_ONLY := -name 'selftest_*' -o -name 'ubsan.*' -o -name 'kasan*' -o -name 'fail.c' -o -name 'check.c' -o -name 'syscall_check.c'
size: ## lines of the release kernel, room by room: of code (at most LINES_LIMIT; no blank and no comment-only lines), and all
	@for room in $(wildcard $(ROOMS:%=kernel/%)); do \
		find $$room \( -name '*.[chS]' -o -name '*.def' \) ! \( $(DEBUG_ONLY) \) | xargs cat /dev/null | \
			awk -v room=$${room#kernel/} -f tools/count-lines; \
	done | awk 'BEGIN { printf "%-8s %6s %6s\n", "room", "code", "all" } \
		{ print; code += $$2; all += $$3 } \
		END { printf "%-8s %6d %6d, at most $(LINES_LIMIT) of code\n", "sum", code, all; exit code > $(LINES_LIMIT) }'

check-size: size

# __user means something: what must be refused is refused, what is right is not.
check-user:
	clang $(TIDY_FLAGS) -Werror -DALLOWED -fsyntax-only tests/check/user_pointer.c
	sparse $(SPARSE_FLAGS) -DALLOWED tests/check/user_pointer.c
	! clang $(TIDY_FLAGS) -Werror -fsyntax-only tests/check/user_pointer.c 2>/dev/null
	! sparse $(SPARSE_FLAGS) tests/check/user_pointer.c 2>/dev/null
check-sparse: $(B)/gen/.ready
	@printf '%s\n' $(KSRC) | xargs -P $(JOBS) -n 4 sparse $(SPARSE_FLAGS)
check-tidy: $(B)/gen/.ready
	@printf '%s\n' $(KSRC) | xargs -P $(JOBS) -I FILE clang-tidy --quiet FILE -- $(TIDY_FLAGS)
	@printf '%s\n' $(CSRC) | xargs -P $(JOBS) -I FILE clang-tidy --quiet FILE -- $(filter-out -Werror -W% -MMD -MP -g,$(CCFLAGS))

# Generated headers that the checkers read; the rules of whoever generates them add to this target's prerequisites.
$(B)/gen/.ready:
	@mkdir -p $(@D)
	@touch $@

# A build directory for each compiler; the first is the ordinary one.
check-gcc:
	$(SUBMAKE) CC=gcc all debug
check-clang:
	$(SUBMAKE) CC=clang B=$(B)/clang all debug

# What is generated into docs/ is what the sources give: `make docs` and see whether anything changed.
check-docs: $(if $(wildcard docs/syscalls.md),$(B)/gen/syscalls.md)
	$(if $(wildcard docs/syscalls.md),cmp docs/syscalls.md $(B)/gen/syscalls.md,@true)
