/* SPDX-License-Identifier: MIT */
/* The language of seccomp's filters: which programs are accepted, and what each instruction computes. */
#include "seccomp.h"
#include <signal.h>

/* Every instruction there could be, where it does no harm. */
static void instructions(void)
{
	int count = 0;

	for (unsigned code = 0; code < 65536; code++) {
		if (code == (BPF_RET | BPF_K))
			continue;
		if (FILTER(BPF_STMT(BPF_LDX | BPF_IMM, 1), BPF_STMT(BPF_LD | BPF_IMM, ALLOW),
			   BPF_STMT(BPF_ST, 0), BPF_STMT((unsigned short)code, 0), GIVE(ALLOW)) == 0)
			printf("%x ", code), count++;
		else if (errno != EINVAL)
			printf("%x: %s\n", code, abi_error(errno));
		if (FILTER(BPF_STMT(BPF_LDX | BPF_IMM, 1), BPF_STMT(BPF_LD | BPF_IMM, ALLOW),
			   BPF_STMT(BPF_ST, 4), BPF_STMT((unsigned short)code, 4), GIVE(ALLOW)) == 0)
			printf("%x/4 ", code), count++;
		if (FILTER(BPF_STMT((unsigned short)code, 0)) == 0)
			printf("%x ends ", code), count++;
	}
	printf("%d\n", count);
}

static void operands(void)
{
	for (unsigned k = 0; k < 80; k++) {
		if (FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, k), GIVE(ALLOW)) == 0)
			printf("load %u\n", k);
		if (FILTER(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, k), GIVE(ALLOW)) == 0)
			printf("shift %u\n", k);
		if (FILTER(BPF_STMT(BPF_ST, k), GIVE(ALLOW)) == 0)
			printf("store %u\n", k);
	}
	R(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xfffff000), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xfffffffc), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ST, 0xffffffff), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 31), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_LD | BPF_IMM, 3)));
	R(FILTER(GIVE(ALLOW), BPF_STMT(BPF_LD | BPF_IMM, 3)));
	/* Jumps. */
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JA, 0xfffffffe, 0, 0), GIVE(ALLOW), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 1), GIVE(ALLOW), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 255), GIVE(ALLOW), GIVE(ALLOW)));
	/* Memory is written before it is read, whichever way the program goes. */
	R(FILTER(BPF_STMT(BPF_LD | BPF_MEM, 0), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_LDX | BPF_MEM, 15), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_ST, 15), BPF_STMT(BPF_LDX | BPF_MEM, 15), GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_STX, 2), BPF_STMT(BPF_LD | BPF_MEM, 2), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 1),
		 BPF_STMT(BPF_LD | BPF_MEM, 1), GIVE(ALLOW)));
	R(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), BPF_STMT(BPF_ST, 1),
		 BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_STX, 1), BPF_STMT(BPF_LD | BPF_MEM, 1),
		 GIVE(ALLOW)));
	R(FILTER(BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1),
		 GIVE(ALLOW)));
	R(FILTER(GIVE(ALLOW), BPF_STMT(BPF_LD | BPF_MEM, 1), GIVE(ALLOW)));
}

/* One program, for one call, answers with what it computes as the call's error. */
#define ANSWER(...)                                                                                       \
	show_answer(FILTER(LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), GIVE(ALLOW), \
			   __VA_ARGS__, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff),                       \
			   BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),                         \
			   BPF_STMT(BPF_RET | BPF_A, 0)));                                                \
	return
#define A(op, k)	 BPF_STMT(BPF_ALU | (op) | BPF_K, (k))
#define AX(op)		 BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define SET(v)		 BPF_STMT(BPF_LD | BPF_IMM, (v))
#define SETX(v)		 BPF_STMT(BPF_LDX | BPF_IMM, (v))
#define TEST(op, k, yes) BPF_JUMP(BPF_JMP | (op), (k), 0, 1), SET(yes)

static int which;

static void show_answer(long accepted)
{
	long result = syscall(SYS_getppid, 0x1122334455667788, 2, 3, 4, 5, 0xabc);

	printf("%d: accepted %ld, answer %d\n", which, accepted, result == -1 ? errno : 0);
}

static void answer(void)
{
	switch (which) {
	case 0:
		ANSWER(SET(7), A(BPF_ADD, 0xfffffffe));
	case 1:
		ANSWER(SET(7), A(BPF_SUB, 3));
	case 2:
		ANSWER(SET(7), A(BPF_MUL, 300));
	case 3:
		ANSWER(SET(0xffffffff), A(BPF_DIV, 0x100000));
	case 4:
		ANSWER(SET(0xf5), A(BPF_XOR, 0xff));
	case 5:
		ANSWER(SET(5), BPF_STMT(BPF_ALU | BPF_NEG, 0));
	case 6:
		ANSWER(SET(1), SETX(33), AX(BPF_LSH));
	case 7:
		ANSWER(SET(0x80000000), SETX(31), AX(BPF_RSH));
	case 8:
		ANSWER(SET(100), SETX(7), AX(BPF_DIV));
	case 9:
		ANSWER(SET(100), SETX(7), AX(BPF_SUB));
	case 10:
		ANSWER(SET(100), SETX(0), AX(BPF_DIV));
	case 11:
		ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
	case 12:
		ANSWER(BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0));
	case 13:
		ANSWER(LOAD(args[0]), A(BPF_RSH, 20));
	case 14:
		ANSWER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 4),
		       A(BPF_RSH, 20));
	case 15:
		ANSWER(LOAD(args[5]));
	case 16:
		ANSWER(LOAD(args[1]), BPF_STMT(BPF_MISC | BPF_TAX, 0), LOAD(args[2]), AX(BPF_MUL));
	case 17:
		ANSWER(LOAD(arch), A(BPF_RSH, 28));
	case 18:
		ANSWER(LOAD(arch), A(BPF_AND, 0xfff));
	case 19:
		ANSWER(SET(9), TEST(BPF_JGT, 8, 1), A(BPF_ADD, 0));
	case 20:
		ANSWER(SET(9), TEST(BPF_JGT, 9, 1), A(BPF_ADD, 0));
	case 21:
		ANSWER(SET(9), TEST(BPF_JGE, 9, 1), A(BPF_ADD, 0));
	case 22:
		ANSWER(SET(0x80000000), TEST(BPF_JGT, 1, 1), A(BPF_RSH, 4));
	case 23:
		ANSWER(SET(6), TEST(BPF_JSET, 2, 1), A(BPF_ADD, 0));
	case 24:
		ANSWER(SET(6), TEST(BPF_JSET, 1, 1), A(BPF_ADD, 0));
	case 25:
		ANSWER(SETX(6), SET(6), TEST(BPF_JEQ | BPF_X, 0, 77), A(BPF_ADD, 0));
	case 26:
		ANSWER(SET(123), BPF_STMT(BPF_ST, 3), SET(1), BPF_STMT(BPF_LD | BPF_MEM, 3));
	case 27:
		ANSWER(SETX(55), BPF_STMT(BPF_STX, 3), SETX(1), BPF_STMT(BPF_LDX | BPF_MEM, 3),
		       BPF_STMT(BPF_MISC | BPF_TXA, 0));
	case 28:
		ANSWER(BPF_STMT(BPF_MISC | BPF_TXA, 0), A(BPF_ADD, 1)); /* X is 0 at the start */
	default:
		ANSWER(LOAD(nr));
	}
}

int main(void)
{
	CHILD(instructions);
	CHILD(operands);
	for (which = 0; which < 30; which++)
		CHILD(answer);
	return 0;
}
