#include "parse.h"
#include <math.h>

static double power(struct parser *p)
{
	double v = parse_value(p);

	if (*p->at != '^')
		return v;
	p->at++;
	return pow(v, power(p));
}

static double product(struct parser *p)
{
	double v = power(p);

	while (*p->at == '*' || *p->at == '/') {
		char op = *p->at++;
		double w = power(p);

		v = op == '*' ? v * w : v / w;
	}
	return v;
}

double parse_sum(struct parser *p)
{
	double v = product(p);

	while (*p->at == '+' || *p->at == '-') {
		char op = *p->at++;
		double w = product(p);

		v = op == '+' ? v + w : v - w;
	}
	return v;
}
