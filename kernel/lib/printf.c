/* SPDX-License-Identifier: MIT */
/*
 * Formatting, as ISO C 7.21.6.1 describes it, without floating point, wide characters and %n.
 *
 * A conversion is taken apart into `struct spec`, its digits are made in a small buffer, and one function
 * lays out sign or prefix, zeros, text and padding:
 *
 *     [spaces] [prefix] [zeros] [text] [spaces]
 *
 * The output counts every byte and stores those that fit.
 */
#include <moat/printf.h>
#include <moat/string.h>

enum spec_flags {
	SPEC_LEFT = 1 << 0,  /* - */
	SPEC_ZERO = 1 << 1,  /* 0 */
	SPEC_PLUS = 1 << 2,  /* + */
	SPEC_SPACE = 1 << 3, /* space */
	SPEC_ALT = 1 << 4,   /* # */
};

enum spec_length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG };

#define NO_PRECISION (-1)

struct spec {
	unsigned flags;
	int width;
	int precision; /* or NO_PRECISION */
	enum spec_length length;
	char conversion;
};

struct out {
	char *buf;
	size_t size;
	size_t len; /* of the whole text so far */
};

/* va_list is an array on this machine: inside a struct it can be passed down by pointer. */
struct args {
	va_list list;
};

static void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_repeated(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put(o, c);
}

static void put_text(struct out *o, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(o, text[i]);
}

/* Lays out one conversion; `zeros` of them stand between prefix and text. */
static void put_field(struct out *o, const struct spec *s, const char *prefix, int zeros, const char *text,
		      size_t len)
{
	int padding = s->width - (int)strlen(prefix) - zeros - (int)len;

	if (!(s->flags & SPEC_LEFT))
		put_repeated(o, ' ', padding);
	put_text(o, prefix, strlen(prefix));
	put_repeated(o, '0', zeros);
	put_text(o, text, len);
	if (s->flags & SPEC_LEFT)
		put_repeated(o, ' ', padding);
}

/* A number whose magnitude and sign are known. Precision beats the 0 flag, and 0 with precision 0 has no
 * digit. */
static void put_number(struct out *o, const struct spec *s, const char *prefix, u64 value, unsigned base)
{
	const char *digits = s->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[22]; /* 64 bits in octal */
	char *p = text + sizeof(text);

	for (u64 rest = value; rest > 0; rest /= base)
		*--p = digits[rest % base];
	int len = (int)(text + sizeof(text) - p);
	int zeros = MAX((s->precision == NO_PRECISION ? 1 : s->precision) - len, 0);
	if (base == 8 && (s->flags & SPEC_ALT) && zeros == 0)
		zeros = 1;
	if ((s->flags & SPEC_ZERO) && !(s->flags & SPEC_LEFT) && s->precision == NO_PRECISION)
		zeros = MAX(zeros, s->width - (int)strlen(prefix) - len);
	put_field(o, s, prefix, zeros, p, (size_t)len);
}

static s64 signed_arg(struct args *a, enum spec_length length)
{
	switch (length) {
	case LENGTH_CHAR:
		return (signed char)va_arg(a->list, int);
	case LENGTH_SHORT:
		return (short)va_arg(a->list, int);
	case LENGTH_INT:
		return va_arg(a->list, int);
	case LENGTH_LONG:
		break;
	}
	return va_arg(a->list, long);
}

static u64 unsigned_arg(struct args *a, enum spec_length length)
{
	switch (length) {
	case LENGTH_CHAR:
		return (unsigned char)va_arg(a->list, unsigned);
	case LENGTH_SHORT:
		return (unsigned short)va_arg(a->list, unsigned);
	case LENGTH_INT:
		return va_arg(a->list, unsigned);
	case LENGTH_LONG:
		break;
	}
	return va_arg(a->list, unsigned long);
}

static void put_signed(struct out *o, const struct spec *s, s64 value)
{
	const char *prefix = s->flags & SPEC_PLUS ? "+" : s->flags & SPEC_SPACE ? " " : "";

	if (value < 0)
		put_number(o, s, "-", 0 - (u64)value, 10);
	else
		put_number(o, s, prefix, (u64)value, 10);
}

static void put_hex(struct out *o, const struct spec *s, u64 value)
{
	const char *prefix = s->conversion == 'X' ? "0X" : "0x";

	put_number(o, s, (s->flags & SPEC_ALT) && value ? prefix : "", value, 16);
}

/* An address is always 0x and its digits, 0x0 for NULL. */
static void put_pointer(struct out *o, const struct spec *s, const void *p)
{
	put_number(o, s, "0x", (uintptr_t)p, 16);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	if (!text)
		text = "(null)";
	size_t len = s->precision == NO_PRECISION ? strlen(text) : strnlen(text, (size_t)s->precision);
	put_field(o, s, "", 0, text, len);
}

/* A width or precision: digits, or * for an argument. */
static int read_count(const char **fmt, struct args *a)
{
	int n = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(a->list, int);
	}
	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		n = n * 10 + (**fmt - '0');
	return n;
}

static unsigned flag_of(char c)
{
	switch (c) {
	case '-':
		return SPEC_LEFT;
	case '0':
		return SPEC_ZERO;
	case '+':
		return SPEC_PLUS;
	case ' ':
		return SPEC_SPACE;
	case '#':
		return SPEC_ALT;
	default:
		return 0;
	}
}

static enum spec_length read_length(const char **fmt)
{
	enum spec_length length = LENGTH_INT;

	for (;; (*fmt)++) {
		switch (**fmt) {
		case 'h':
			length = length == LENGTH_SHORT ? LENGTH_CHAR : LENGTH_SHORT;
			break;
		case 'l':
		case 'z':
		case 'j':
		case 't':
			length = LENGTH_LONG;
			break;
		default:
			return length;
		}
	}
}

/* From behind the % to behind the conversion letter. */
static void read_spec(const char **fmt, struct args *a, struct spec *s)
{
	*s = (struct spec){.precision = NO_PRECISION};
	for (unsigned flag; (flag = flag_of(**fmt)) != 0; (*fmt)++)
		s->flags |= flag;
	s->width = read_count(fmt, a);
	if (s->width < 0) {
		s->flags |= SPEC_LEFT;
		s->width = -s->width;
	}
	if (**fmt == '.') {
		(*fmt)++;
		int count = read_count(fmt, a);
		s->precision = MAX(count, NO_PRECISION);
	}
	s->length = read_length(fmt);
	s->conversion = **fmt;
	if (**fmt)
		(*fmt)++;
}

static void put_conversion(struct out *o, const struct spec *s, struct args *a)
{
	char c;

	switch (s->conversion) {
	case 'd':
	case 'i':
		put_signed(o, s, signed_arg(a, s->length));
		break;
	case 'u':
		put_number(o, s, "", unsigned_arg(a, s->length), 10);
		break;
	case 'o':
		put_number(o, s, "", unsigned_arg(a, s->length), 8);
		break;
	case 'x':
	case 'X':
		put_hex(o, s, unsigned_arg(a, s->length));
		break;
	case 'p':
		put_pointer(o, s, va_arg(a->list, void *));
		break;
	case 'c':
		c = (char)va_arg(a->list, int);
		put_field(o, s, "", 0, &c, 1);
		break;
	case 's':
		put_string(o, s, va_arg(a->list, const char *));
		break;
	case '%':
		put(o, '%');
		break;
	default: /* not ours: shown, so that it is noticed */
		put(o, '%');
		if (s->conversion)
			put(o, s->conversion);
	}
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = {.buf = buf, .size = size};
	struct args a;
	struct spec s;

	va_copy(a.list, ap);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt++;
		read_spec(&fmt, &a, &s);
		put_conversion(&o, &s, &a);
	}
	va_end(a.list);
	if (size > 0)
		buf[MIN(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int len = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
