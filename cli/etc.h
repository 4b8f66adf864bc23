/* SPDX-License-Identifier: MIT */
#ifndef CLI_ETC_H
#define CLI_ETC_H

#include "pack.h"
#include "verdict.h"
#include "view.h"

int etc_add(const struct view *view, struct pack *pack, struct verdict *v);

#endif
