/* SPDX-License-Identifier: MIT */
/* The auxiliary vector: which entries there are and that each says the truth about this process. */
#include "abi.h"
#include <cpuid.h>
#include <elf.h>
#include <sys/auxv.h>

extern const Elf64_Ehdr __ehdr_start;
extern char **environ;
extern void _start(void);

static void program_headers(void)
{
	const Elf64_Ehdr *e = &__ehdr_start;

	HOLDS(getauxval(AT_PHDR) == (unsigned long)e + e->e_phoff);
	HOLDS(getauxval(AT_PHNUM) == e->e_phnum);
	R(getauxval(AT_PHENT));
	HOLDS(getauxval(AT_ENTRY) == (unsigned long)_start);
	R(getauxval(AT_BASE));
	R(getauxval(AT_FLAGS));
}

static void identity(void)
{
	HOLDS(getauxval(AT_UID) == getuid());
	HOLDS(getauxval(AT_EUID) == geteuid());
	HOLDS(getauxval(AT_GID) == getgid());
	HOLDS(getauxval(AT_EGID) == getegid());
	R(getauxval(AT_SECURE));
}

static void machine(void)
{
	const char *platform = (const char *)getauxval(AT_PLATFORM);

	R(getauxval(AT_PAGESZ));
	R(getauxval(AT_CLKTCK));
	printf("platform %s\n", platform ? platform : "none");
}

static void random_and_name(int argc, char **argv)
{
	const unsigned char *bytes = (const unsigned char *)getauxval(AT_RANDOM);
	const char *name = (const char *)getauxval(AT_EXECFN);
	int zero = 0;

	(void)argc;
	HOLDS(bytes != NULL);
	for (int i = 0; bytes && i < 16; i++)
		zero += bytes[i] == 0;
	HOLDS(zero < 4);
	HOLDS(name != NULL && name[0] != 0);
	HOLDS(name && access(name, X_OK) == 0);
	HOLDS(argv[0] != NULL && argv[0][0] != 0);
}

/* On the stack itself: order of the parts, alignment, one AT_NULL at the end. */
static void layout(int argc, char **argv)
{
	unsigned long *at = (unsigned long *)argv + argc, seen[64] = {0};
	unsigned int a, b, c, d;
	int entries = 0, twice = 0;

	R(*at);
	HOLDS((char **)(at + 1) == environ);
	HOLDS(((unsigned long *)argv)[-1] == (unsigned long)argc);
	HOLDS(((uintptr_t)argv - 8) % 16 == 0);
	for (at++; *at; at++)
		;
	for (at++; at[0] != AT_NULL && entries < 64; at += 2, entries++) {
		if (at[0] < 64)
			twice += seen[at[0]]++ != 0;
		if (at[0] == AT_HWCAP) {
			__cpuid(1, a, b, c, d);
			HOLDS(at[1] == d);
		}
	}
	HOLDS(entries >= 17 && entries < 64);
	R(twice);
	R(at[1]);
	HOLDS(argv[0] > (char *)(at + 2));
	R(argc);
	for (int i = 1; i < argc; i++) {
		printf("argv[%d] %s\n", i, argv[i]);
		HOLDS(argv[i] == argv[i - 1] + strlen(argv[i - 1]) + 1);
	}
	for (char **e = environ; *e; e++)
		printf("environment %s\n", *e);
	HOLDS(!environ[0] || environ[0] == argv[argc - 1] + strlen(argv[argc - 1]) + 1);
}

int main(int argc, char **argv)
{
	program_headers();
	identity();
	machine();
	random_and_name(argc, argv);
	layout(argc, argv);
	return 0;
}
