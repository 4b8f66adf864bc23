#include "parse.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double (*fn)(double);
} functions[] = {{"sqrt", sqrt}, {"sin", sin}, {"exp", exp}};

double parse_value(struct parser *p)
{
	char *end;
	double v;

	for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		size_t n = strlen(functions[i].name);

		if (!strncmp(p->at, functions[i].name, n)) {
			p->at += n;
			return functions[i].fn(parse_value(p));
		}
	}
	if (*p->at == '(') {
		p->at++;
		v = parse_sum(p);
		if (*p->at++ != ')')
			longjmp(*p->fail, 1);
		return v;
	}
	v = strtod(p->at, &end);
	if (end == p->at)
		longjmp(*p->fail, 2);
	p->at = end;
	return v;
}
