# SPDX-License-Identifier: MIT
# The part of the documentation that the sources give; `make check-docs` compares it with what is in docs/.

$(B)/gen/syscalls.md: tools/syscall-doc kernel/include/moat/syscall.h $(wildcard kernel/sys/*.def kernel/sys/*.c)
	@mkdir -p $(@D)
	tools/syscall-doc >$@.new
	@mv $@.new $@

.PHONY: docs
docs: $(B)/gen/syscalls.md ## make docs/syscalls.md again from the table of system calls
	cp $< docs/syscalls.md
