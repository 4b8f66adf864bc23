#include "parse.h"
#include <stdio.h>

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		jmp_buf fail;
		struct parser p = {argv[i], &fail};

		if (setjmp(fail)) {
			printf("%s: cannot be read\n", argv[i]);
			bad = 1;
			continue;
		}
		printf("%s = %.6g\n", argv[i], parse_sum(&p));
	}
	return bad;
}
