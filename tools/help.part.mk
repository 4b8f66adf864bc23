# SPDX-License-Identifier: MIT
# A target's line in `make help` is what stands behind ## on its rule.

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "B=DIR chooses the build directory (build), CC=clang the compiler (gcc), PREFIX=DIR where install puts it."
