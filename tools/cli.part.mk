# SPDX-License-Identifier: MIT
# The `moat` command and its installation.
#
# libarchive is linked statically: of all it can do the command needs the cpio writer, and loading its shared
# form with everything behind it would cost more time than all the rest of the command.

PREFIX   ?= /usr/local
CSRC     := $(sort $(wildcard cli/*.c))
COBJ     := $(patsubst cli/%.c,$(B)/cli/%.o,$(CSRC))
CCFLAGS  := -std=gnu17 $(WARN) -Wframe-larger-than=16384 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	    -DMOAT_VERSION='"$(VERSION)"' -O2 -g -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -pthread -MMD -MP
CLDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -pthread
CLIBS    := -Wl,-Bstatic -larchive -Wl,-Bdynamic -lcjson -lm

$(B)/cli/%.o: cli/%.c
	@mkdir -p $(@D)
	$(CC) $(CCFLAGS) -c $< -o $@
$(B)/moat: $(COBJ)
	$(CC) $(CLDFLAGS) $(COBJ) $(CLIBS) -o $@

.PHONY: cli install test-cli
cli: $(B)/moat ## the command alone

install: $(B)/moat $(B)/moat-kernel ## command, kernel and man page below PREFIX (/usr/local)
	install -D -m 755 $(B)/moat $(DESTDIR)$(PREFIX)/bin/moat
	install -D -m 644 $(B)/moat-kernel $(DESTDIR)$(PREFIX)/lib/moat/moat-kernel
	install -D -m 644 docs/moat.1 $(DESTDIR)$(PREFIX)/share/man/man1/moat.1

test-cli: $(B)/moat ## the command alone
	B=$(abspath $(B)) tests/cli/run.sh
-include $(COBJ:.o=.d)
