#ifndef PARSE_H
#define PARSE_H
#include <setjmp.h>
struct parser {
	const char *at;
	jmp_buf *fail;
};
double parse_sum(struct parser *p);
double parse_value(struct parser *p);
#endif
