/* SPDX-License-Identifier: MIT */
/* Start of the attack program: find the attack by name, run it, exit with its result. */
#include "attack.h"

__asm__(".text\n.globl _start\n"
	"_start:\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call attack_main\n\t"
	"ud2\n");

static int same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Decimal, or hexadecimal with 0x. */
static unsigned long number(const char *text)
{
	unsigned long value = 0, base = 10;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	for (; *text; text++)
		value = value * base + (unsigned long)(*text >= 'a' ? *text - 'a' + 10 : *text - '0');
	return value;
}

static const struct attack *find(const struct attack *list, const char *name)
{
	while (list->name && !same(list->name, name))
		list++;
	return list->name ? list : NULL;
}

void attack_main(long *sp);

void attack_main(long *sp)
{
	char **argv = (char **)(sp + 1);
	const struct attack *a = NULL;
	int status = 98;

	if (sp[0] >= 2) {
		a = find(instruction_attacks, argv[1]);
		if (!a)
			a = find(memory_attacks, argv[1]);
		if (!a)
			a = find(entry_attacks, argv[1]);
	}
	if (a) {
		call3(SYS_write, 1, (long)"attack\n", 7);
		status = a->run(sp[0] >= 3 ? number(argv[2]) : 0);
	}
	call3(SYS_exit_group, status, 0, 0);
}
