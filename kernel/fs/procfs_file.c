/* SPDX-License-Identifier: MIT */
/*
 * Open files of procfs: the text, a record at a time.
 *
 *     file    |--- records read before ---|--- the record at hand ---|  not made yet
 *                                      text_at                       └ pos says where to go on
 *
 * A read at the start of the file, or before the record at hand, begins anew. Everything is under the open
 * file's own lock, which is taken inside an offset_lock.
 *
 * As on Linux one read makes as many whole records as fit into a page, and at least one: programs that take a short read for
 * the end of the file get no further there either.
 */
#include <asm/errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <moat/heap.h>
#include <moat/parse.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "procfs.h"

#define TEXT_FIRST KIB(1)
#define TEXT_MAX   MIB(2)    /* of one record */
#define WRITE_MAX  PAGE_SIZE /* of one store, with its terminator */

/* Room for len more bytes and a terminator. */
static bool reserve(struct proc_text *t, size_t len)
{
	size_t size = MAX(t->size, TEXT_FIRST);
	char *buf;

	while (size - t->len <= len && size <= TEXT_MAX)
		size *= 2;
	if (size == t->size)
		return true;
	buf = size <= TEXT_MAX ? kmalloc(size) : NULL;
	if (!buf) {
		t->no_memory = true;
		return false;
	}
	if (t->len)
		memcpy(buf, t->buf, t->len);
	kfree(t->buf);
	t->buf = buf;
	t->size = size;
	return true;
}

void proc_put(struct proc_text *t, const char *bytes, size_t len)
{
	if (!reserve(t, len))
		return;
	memcpy(t->buf + t->len, bytes, len);
	t->len += len;
}

void proc_printf(struct proc_text *t, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (!reserve(t, 1))
		return;
	va_start(ap, fmt);
	len = kvsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if ((size_t)len >= t->size - t->len) {
		if (!reserve(t, (size_t)len))
			return;
		va_start(ap, fmt);
		len = kvsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)len;
}

void proc_pad(struct proc_text *t, size_t from, size_t width)
{
	do {
		proc_put(t, " ", 1);
	} while (t->len - from < width && !t->no_memory);
}

void proc_put_set(struct proc_text *t, u64 set)
{
	const char *comma = "";

	for (unsigned i = 0; i < 64; i++) {
		unsigned first = i;

		if (!(set >> i & 1))
			continue;
		while (i + 1 < 64 && (set >> (i + 1) & 1))
			i++;
		proc_printf(t, first == i ? "%s%u" : "%s%u-%u", comma, first, i);
		comma = ",";
	}
}

void proc_put_escaped(struct proc_text *t, const char *name, const char *escape)
{
	for (; *name; name++) {
		if (strchr(escape, *name))
			proc_printf(t, "\\%03o", (unsigned)(unsigned char)*name);
		else
			proc_put(t, name, 1);
	}
}

int proc_show_text(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)pos;
	proc_printf(t, "%s\n", (const char *)o->entry->data);
	return 0;
}

int proc_show_u64(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	(void)pos;
	proc_printf(t, "%llu\n", (unsigned long long)*(const u64 *)o->entry->data);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int proc_parse(const char *text, s64 *out)
{
	bool negative;
	char word[24];
	size_t len = 0;
	u64 value;
	int err;

	while (is_blank(*text))
		text++;
	negative = *text == '-';
	if (negative || *text == '+')
		text++;
	while (text[len] && !is_blank(text[len]) && len < sizeof(word) - 1)
		len++;
	memcpy(word, text, len);
	word[len] = '\0';
	for (text += len; is_blank(*text); text++)
		;
	if (*text)
		return -EINVAL;
	err = parse_u64(word, &value);
	if (!err && value > INT64_MAX)
		err = -ERANGE;
	if (!err)
		*out = negative ? -(s64)value : (s64)value;
	return err;
}

static int proc_open_file(struct file *f)
{
	const struct proc_node *node = f->inode->private;
	struct proc_open *o;
	int err = 0;

	f->private = NULL;
	o = kzalloc(sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->entry = node->entry;
	o->key = node->key;
	mutex_init(&o->lock, RANK_FILE);
	if (o->entry->open)
		err = o->entry->open(o, f->flags);
	if (err)
		kfree(o);
	else
		f->private = o;
	return err;
}

static void proc_release(struct file *f)
{
	struct proc_open *o = f->private;

	if (o)
		kfree(o->text.buf);
	kfree(o);
}

static void restart(struct proc_open *o)
{
	o->text.len = 0;
	o->text_at = o->pos = 0;
	o->done = false;
}

/* Puts the next record into o->text; 1, 0 at the end, -errno. */
static int next_record(struct proc_open *o)
{
	int more;

	if (o->done)
		return 0;
	o->text_at += o->text.len;
	o->text.len = 0;
	o->text.no_memory = false;
	more = o->entry->show(&o->text, o, &o->pos);
	if (more >= 0 && o->text.no_memory)
		more = -ENOMEM;
	if (more < 0) {
		o->text.len = 0;
		o->done = true;
		return more;
	}
	o->done = more == 0;
	return 1;
}

/* Copies what the record at hand has at *offset; false when user memory ended. */
static bool copy_record(struct proc_open *o, struct uio *u, u64 *offset)
{
	size_t at = (size_t)(*offset - o->text_at);
	size_t want = MIN(o->text.len - at, u->left);
	size_t n = uio_copy_out(u, o->text.buf + at, want);

	*offset += n;
	return n == want;
}

static ssize_t read_text(struct proc_open *o, struct uio *u, u64 *offset)
{
	u64 start = *offset;
	size_t made; /* bytes of the records that this read gives from their start */
	int err = 1;

	if (*offset == 0 || *offset < o->text_at)
		restart(o);
	made = *offset == o->text_at ? o->text.len : 0;
	while (u->left && err > 0 && !waitq_signal_due()) {
		if (*offset >= o->text_at + o->text.len) {
			err = next_record(o);
			/* A whole one, and not the first: is it for the next read? */
			if (*offset == o->text_at) {
				if (made && made + o->text.len >= PAGE_SIZE)
					break;
				made += o->text.len;
			}
		} else if (!copy_record(o, u, offset)) {
			err = -EFAULT;
		}
	}
	if (*offset != start)
		return (ssize_t)(*offset - start);
	return err < 0 ? err : u->left && err ? -EINTR : 0;
}

static ssize_t proc_read(struct file *f, struct uio *u, u64 *offset)
{
	struct proc_open *o = f->private;
	ssize_t n;

	if (o->entry->read)
		return o->entry->read(o, u, offset);
	if (!o->entry->show)
		return -EINVAL;
	mutex_lock(&o->lock);
	n = read_text(o, u, offset);
	mutex_unlock(&o->lock);
	return n;
}

static ssize_t store(struct proc_open *o, struct uio *u)
{
	size_t len = u->left;
	char *text = kmalloc(len + 1);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = -EFAULT;
	if (uio_copy_in(u, text, len) == len) {
		text[len] = '\0';
		n = o->entry->store(o, text, len);
	}
	kfree(text);
	return n ? n : (ssize_t)len;
}

static ssize_t proc_write(struct file *f, struct uio *u, u64 *offset)
{
	struct proc_open *o = f->private;
	ssize_t n;

	if (o->entry->write)
		return o->entry->write(o, u, offset);
	if (!o->entry->store)
		return o->key.pid ? -EINVAL : -EIO; /* as Linux's two kinds of files in /proc do */
	if (u->left >= WRITE_MAX)
		return -EINVAL;
	n = store(o, u);
	if (n > 0)
		*offset += (u64)n;
	return n;
}

/* Files of bytes seek anywhere, text from the start or from here only. */
static s64 proc_seek(struct file *f, s64 offset, int whence)
{
	const struct proc_open *o = f->private;

	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	if (whence == SEEK_CUR)
		offset = (s64)((u64)offset + f->offset);
	if (offset < 0 && !o->entry->read)
		return -EINVAL;
	f->offset = (u64)offset;
	return offset;
}

const struct file_ops proc_file_ops = {
	.open = proc_open_file,
	.read = proc_read,
	.write = proc_write,
	.seek = proc_seek,
	.release = proc_release,
};
