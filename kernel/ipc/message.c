/* SPDX-License-Identifier: MIT */
/* Messages of System V and POSIX queues: see message.h. */
#include <asm/errno.h>
#include <moat/heap.h>
#include "message.h"
#include "sysv.h"

int message_new(s64 type, struct uio *text, struct message **out)
{
	size_t len = text->left;
	struct message *m;

	if (!sysv_charge(sizeof(*m) + len))
		return -ENOMEM;
	m = kmalloc(sizeof(*m) + len);
	if (!m) {
		sysv_uncharge(sizeof(*m) + len);
		return -ENOMEM;
	}
	m->type = type;
	m->len = len;
	if (uio_copy_in(text, m->text, len) < len) {
		message_free(m);
		return -EFAULT;
	}
	*out = m;
	return 0;
}

void message_free(struct message *m)
{
	if (!m)
		return;
	sysv_uncharge(sizeof(*m) + m->len);
	kfree(m);
}
