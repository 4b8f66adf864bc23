/* SPDX-License-Identifier: MIT */
/* The FPU state in a signal frame: what a handler sees of it, changes, and breaks. */
#include "abi.h"
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <ucontext.h>

#define MAGIC1 0x46505853U
#define MAGIC2 0x46505845U

/* Bytes 464 to 511 of the area; the C library's headers do not go with those of the kernel. */
struct software_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, padding[7];
};

enum change {
	KEEP,
	CHANGE_XMM,
	CHANGE_CONTROL,
	NO_STATE,
	NO_MAGIC1,
	NO_MAGIC2,
	SHORT_SIZE,
	FEWER_FEATURES,
	BAD_COMPONENT,
	BAD_HEADER,
	BAD_MXCSR_OLD,
	MISPLACED,
	UNMAPPED,
};

static enum change what;

static struct software_bytes *software(char *area)
{
	return (struct software_bytes *)(area + 464);
}

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	char *area = (char *)uc->uc_mcontext.fpregs;
	struct software_bytes *sw = software(area);
	uint64_t *header = (uint64_t *)(area + 512);
	uint32_t *magic2 = (uint32_t *)(area + sw->xstate_size);

	(void)sig;
	(void)info;
	switch (what) {
	case KEEP:
		printf("aligned %d magic %d %d sizes %d features %d flags %d\n", (uintptr_t)area % 64 == 0,
		       sw->magic1 == MAGIC1, *magic2 == MAGIC2,
		       sw->extended_size == sw->xstate_size + sizeof(*magic2), (int)sw->xfeatures & 7,
		       (int)uc->uc_flags & 7);
		printf("xmm %llx control %x\n", (unsigned long long)*(uint64_t *)(area + 160),
		       *(uint32_t *)(area + 24));
		printf("header %d", (int)header[0] & 3);
		for (int i = 1; i < 8; i++)
			printf(" %d", (int)header[i]);
		printf("\n");
		break;
	case CHANGE_XMM:
		*(uint64_t *)(area + 160) = 0x1234;
		header[0] |= 2;
		break;
	case CHANGE_CONTROL:
		*(uint32_t *)(area + 24) = 0x1f80 | 0x2000;
		header[0] |= 2;
		break;
	case NO_STATE:
		uc->uc_mcontext.fpregs = NULL;
		break;
	case NO_MAGIC1:
		sw->magic1 = 0;
		*(uint64_t *)(area + 160) = 0x5678;
		header[0] = ~0ull; /* nobody looks */
		break;
	case NO_MAGIC2:
		*magic2 = 0;
		*(uint64_t *)(area + 160) = 0x9abc;
		header[0] = ~0ull;
		break;
	case SHORT_SIZE:
		sw->xstate_size = 100;
		header[0] = ~0ull;
		break;
	case FEWER_FEATURES:
		sw->xfeatures = 1;
		break;
	case BAD_COMPONENT:
		header[0] |= 1ull << 62;
		break;
	case BAD_HEADER:
		header[1] = 1;
		break;
	case BAD_MXCSR_OLD:
		sw->magic1 = 0;
		*(uint32_t *)(area + 24) = 0xffff0000;
		break;
	case MISPLACED:
		uc->uc_mcontext.fpregs = (void *)(area + 8);
		break;
	case UNMAPPED:
		uc->uc_mcontext.fpregs = (void *)64;
		break;
	}
}

/* A known register and control word, a signal, and what they are then. */
static void round_trip(enum change change, const char *name)
{
	uint64_t in = 0xfeedbeef, out = 0;
	unsigned int control = 0x1f80 | 0x4000, back = 0;

	what = change;
	__asm__ volatile("ldmxcsr %[control]\n\t"
			 "movq %[in], %%xmm0\n\t"
			 "syscall\n\t"
			 "movq %%xmm0, %[out]\n\t"
			 "stmxcsr %[back]"
			 : [out] "=r"(out), [back] "=m"(back)
			 : [control] "m"(control), [in] "r"(in), "a"(SYS_tkill), "D"(gettid()), "S"(SIGUSR1)
			 : "rcx", "r11", "memory", "xmm0");
	control = 0x1f80;
	__asm__ volatile("ldmxcsr %0" ::"m"(control));
	printf("%s: xmm0 %llx control %x\n", name, (unsigned long long)out, back);
}

static void in_child(enum change change, const char *name)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		round_trip(change, name);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%s: status %x\n", name, status & 0x7f7f);
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	sigaction(SIGUSR1, &action, NULL);
	round_trip(KEEP, "keep");
	round_trip(CHANGE_XMM, "change a register");
	round_trip(CHANGE_CONTROL, "change the control word");
	round_trip(NO_STATE, "no state");
	round_trip(NO_MAGIC1, "no first magic number");
	round_trip(NO_MAGIC2, "no second magic number");
	round_trip(SHORT_SIZE, "a size that is too small");
	round_trip(FEWER_FEATURES, "fewer components");
	in_child(BAD_COMPONENT, "an unknown component");
	in_child(BAD_HEADER, "reserved bytes of the header");
	in_child(BAD_MXCSR_OLD, "a bad control word, old format");
	in_child(MISPLACED, "not aligned");
	in_child(UNMAPPED, "nothing there");
	return 0;
}
