# SPDX-License-Identifier: MIT
# One makefile for everything. `make help` lists the targets.
#
# Sources are found by folder, so that a new file needs no line here. B is the build directory.

B        ?= build
ifeq ($(origin CC),default)
CC       := gcc
endif
VERSION  := 0.1.0
.DEFAULT_GOAL := all

include tools/kernel.mk
-include tools/*.part.mk
