/* SPDX-License-Identifier: MIT */
/* room: fs */
/*
 * The way to a server of 9P: what a device offers to the file system above it (dev/virtio_9p.c). A port carries requests;
 * several may be under way at once.
 */
#ifndef MOAT_NINEP_H
#define MOAT_NINEP_H

#include <sys/queue.h>
#include <moat/frame.h>
#include <moat/types.h>

#define NINEP_TAG_MAX	  32
#define NINEP_OUT_MAX	  1000 /* bytes of a request but for its payload */
#define NINEP_IN_MAX	  512  /* bytes of a reply but for its payload */
#define NINEP_PAGES_MAX	  129  /* pages that a payload may lie in: one more when it begins inside a page */
#define NINEP_HEADER	  7    /* size[4] type[1] tag[2] */
#define NINEP_PAYLOAD_MAX ((NINEP_PAGES_MAX - 1) * PAGE_SIZE)

enum ninep_payload {
	NINEP_NONE,
	NINEP_FETCH, /* the reply goes on in the pages, behind the first `in_bytes` */
	NINEP_SEND,  /* the request goes on there */
};

struct ninep_message {
	u8 *out; /* the request; its size and tag are filled in on the way */
	u32 out_bytes;
	u8 *in; /* room for the start of the reply; the server may write less, never more */
	u32 in_bytes;
	enum ninep_payload payload;
	struct page *const *pages; /* borrowed */
	u32 page_offset;	   /* where in the first of them the payload begins */
	u32 page_bytes;
	bool must_finish; /* the wait is not ended by a kill: a dying thread writes back */
	u32 got; /* out: bytes of the reply, payload included; as many were written at least as `in` was filled with */
};

struct ninep_port;

struct ninep_port_ops {
	/* Starts the device: before the first call, once. 0 or -errno. */
	int (*open)(struct ninep_port *p);
	/*
	 * Sends the request and waits for the reply, which is given out as it came but for its tag and its size, which fit.
	 * -EINTR: the thread is to die (the request goes on without it); -EIO: the device broke the rules, now or before;
	 * -ENOMEM.
	 */
	int (*call)(struct ninep_port *p, struct ninep_message *m);
	/* Sends a request without a payload whose reply nobody wants, if there is room. */
	void (*post)(struct ninep_port *p, u8 *out, u32 out_bytes);
};

struct ninep_port {
	const struct ninep_port_ops *ops; /* [I] */
	char tag[NINEP_TAG_MAX];	  /* [I] the name that the host gave it */
	LIST_ENTRY(ninep_port) link;	  /* [boot] */
};

/* Makes a port known. Boot. */
void ninep_port_register(struct ninep_port *p);

#endif
