# SPDX-License-Identifier: MIT
# A bootable image for PCs with BIOS: make iso

.PHONY: iso
iso:
	tools/setup build iso
	$(MAKE) $(B)/moat.iso
$(B)/moat.iso: $(B)/moat-kernel tools/make-iso
	tools/make-iso $< $@ $(B)/iso
