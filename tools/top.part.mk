# SPDX-License-Identifier: MIT
# What one types: all, debug, run, test. Everything else hangs below these.
#
# run and test work on a machine that has only make and git: they install what is missing first. What they build is built
# by a second make, since the first one read its makefiles before the compiler was there.

JOBS := $(shell nproc 2>/dev/null || echo 1)
SUBMAKE = $(MAKE) --no-print-directory -j$(JOBS)
SUITES := unit test-abi test-abi-debug test-boot test-programs test-programs-debug test-cli test-shell

.PHONY: all debug setup run test
all: $(B)/moat $(B)/moat-kernel ## the command and the release kernel (the default)
debug: $(B)/moat-kernel-debug ## the kernel with all assertions, UBSan and lock checks
setup: ## install the Debian packages that building, running and testing need, if any is missing
	@tools/setup build run test iso

run: ## build, and run a real program inside: Debian's busybox
	@tools/setup build run
	@$(SUBMAKE) all
	$(B)/moat run /bin/busybox uname -a
	printf 'ring 3\nfrom\nhello\n' | $(B)/moat run /bin/busybox tac
	$(B)/moat run --report - /bin/busybox sh -c 'echo "a shell, pid $$$$, in $$PWD"'

test: ## every test suite; ends with "N passed, N failed"
	@tools/setup build run test iso
	@$(SUBMAKE) all debug
	@MAKE='$(MAKE) -j$(JOBS)' tools/run-suites $(B)/suites $(SUITES)
