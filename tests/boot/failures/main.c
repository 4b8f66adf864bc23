/* SPDX-License-Identifier: MIT */
/*
 * Each memory call, and each kind of page fault, with its first allocation made to fail, then its second, and so on until
 * it comes through without any that failed. Runs under the debug kernel only: /proc/moat/fail_after is the switch.
 *
 * Every try is a process of its own: it prepares, arms, makes the call and looks at what came of it.
 *
 *     prepare ─> maps read ─> [ arm, call, disarm ] ─> came through ─────────────────> next case
 *                                    │             └─> failed: the right errno, the same maps, the same bytes ─> n + 1
 *                                    └─ killed by SIGKILL: a page fault without memory ─> n + 1
 *
 * What stands in brackets touches no memory of its own (armed_call), so that nothing but the call can fail. After the
 * last try of a case the machine's ledger must be what it was before the first.
 */
#define _GNU_SOURCE
#include "failures.h"

long armed_call(int fd, const char *text, size_t len, const struct attempt *a);
__asm__(".text\n.globl armed_call\n.type armed_call, @function\n"
	"armed_call: push %rbx; push %r12; push %r13\n"
	"	mov %edi, %r12d; mov %rcx, %rbx\n"
	"	mov $1, %eax; syscall\n" /* write: armed */
	"	mov (%rbx), %rax; mov 8(%rbx), %rdi\n"
	"	cmp $-1, %rax; je 3f\n"
	"	cmp $-2, %rax; je 4f\n"
	"	mov 16(%rbx), %rsi; mov 24(%rbx), %rdx; mov 32(%rbx), %r10; mov 40(%rbx), %r8; mov 48(%rbx), "
	"%r9\n"
	"	syscall\n"
	"	test %rax, %rax; jnz 1f\n"
	"	cmpq $0, 56(%rbx); je 1f\n"
	"	xor %edi, %edi; mov $60, %eax; syscall\n" /* exit: the child */
	"3:	mov (%rdi), %al; xor %eax, %eax; jmp 1f\n"
	"4:	movb $1, (%rdi); xor %eax, %eax\n"
	"1:	mov %rax, %r13\n"
	"	mov %r12d, %edi; lea 2f(%rip), %rsi; mov $1, %edx; mov $1, %eax; syscall\n" /* write: disarmed */
	"	mov %r13, %rax; pop %r13; pop %r12; pop %rbx; ret\n"
	"2:	.ascii \"0\"\n");

int control; /* /proc/moat/fail_after */
const char *self;
static char maps_before[1 << 15], maps_after[1 << 15];

/* --- what the cases have in common --- */

void broken(const char *what)
{
	printf("cannot prepare: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(3);
}

void call(struct attempt *a, long number, long p, long q, long r, long s, long t, long u)
{
	a->number = number;
	long arguments[] = {p, q, r, s, t, u};
	memcpy(a->arguments, arguments, sizeof(arguments));
}

unsigned char *map_at(long at, long len, int prot, int flags, int fd)
{
	unsigned char *p = mmap((void *)at, (size_t)len, prot, flags | MAP_FIXED_NOREPLACE, fd, 0);

	if (p == MAP_FAILED)
		broken("mmap");
	return p;
}

unsigned char *empty_at(long at, long len)
{
	return map_at(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

unsigned char byte_at(long i)
{
	return (unsigned char)(i / PAGE * 7 + i % 251 + 1);
}

unsigned char *fill(struct attempt *a, unsigned char *p, long len)
{
	for (long i = 0; i < len; i++)
		p[i] = byte_at(i);
	a->bytes = p;
	a->bytes_len = len;
	return p;
}

unsigned char *filled_at(struct attempt *a, long at, long len)
{
	return fill(a, empty_at(at, len), len);
}

unsigned char *huge_at(struct attempt *a, long at)
{
	unsigned char *p = empty_at(at, HUGE);

	if (madvise(p, (size_t)HUGE, MADV_HUGEPAGE))
		broken("madvise");
	return fill(a, p, HUGE);
}

int memory_file(long len)
{
	int fd = (int)syscall(SYS_memfd_create, "file", 0);

	if (fd < 0 || ftruncate(fd, len))
		broken("memfd_create");
	return fd;
}

int filled_file(long len)
{
	int fd = memory_file(len);
	unsigned char page[PAGE];

	memset(page, 'x', sizeof(page));
	for (long at = 0; at < len; at += PAGE) {
		if (pwrite(fd, page, sizeof(page), at) != PAGE)
			broken("pwrite");
	}
	return fd;
}

/* --- one try --- */

enum outcome {
	CAME_THROUGH, /* and no allocation failed */
	FAILED,	      /* as it must */
	DID_WITHOUT,  /* came through, although one failed */
	WRONG,	      /* as was said */
};

static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
}

static int says(const char *word)
{
	char text[64] = "";

	return pread(control, text, sizeof(text) - 1, 0) > 0 && strncmp(text, word, strlen(word)) == 0;
}

static int bytes_are_there(const struct attempt *a)
{
	for (long i = 0; a->bytes && i < a->bytes_len; i++) {
		if (a->bytes[i] != byte_at(i))
			return 0;
	}
	return 1;
}

static int has_failed(const struct test *t, const struct attempt *a, long result)
{
	if (t->flags & RETURNS_BREAK)
		return result != a->arguments[0];
	return result < 0 && result >= -4095;
}

static int look_at_failure(const struct test *t, const struct attempt *a, long result)
{
	if (!(t->flags & RETURNS_BREAK) && result != -ENOMEM && result != -t->error) {
		printf("%s: %s\n", t->name, strerror((int)-result));
		return WRONG;
	}
	read_file("/proc/self/maps", maps_after, sizeof(maps_after));
	if (!(t->flags & HALF_DONE) && strcmp(maps_before, maps_after) != 0) {
		printf("%s: mappings have changed, before:\n%sand after:\n%s", t->name, maps_before,
		       maps_after);
		return WRONG;
	}
	if (!bytes_are_there(a)) {
		printf("%s: contents have changed\n", t->name);
		return WRONG;
	}
	return FAILED;
}

/* Of all processes this one is to end when a fault finds no memory. */
static void volunteer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (write(fd, "1000", 4) != 4)
		broken("oom_score_adj");
	close(fd);
}

static int try_once(const struct test *t, long n)
{
	static struct attempt a, nothing = {.number = SYS_getpid};
	static char text[24];
	int fired, failed, status;
	long result;

	t->prepare(&a);
	if (t->flags & FAULTS)
		volunteer();
	snprintf(text, sizeof(text), "%ld", n);
	read_file("/proc/self/maps", maps_before, sizeof(maps_before));
	armed_call(control, "0", 1, &nothing); /* its pages are there now */
	result = armed_call(control, text, strlen(text), &a);
	fired = !says("off");
	failed = has_failed(t, &a, result);
	if (!failed && (t->flags & MAKES_CHILD) && (wait(&status) != result || status != 0)) {
		printf("%s: the child has not ended well\n", t->name);
		return WRONG;
	}
	if (!failed)
		return fired ? DID_WITHOUT : CAME_THROUGH;
	if (!fired) {
		printf("%s: %s, and nothing had failed\n", t->name, strerror((int)-result));
		return WRONG;
	}
	return look_at_failure(t, &a, result);
}

/* In a process of its own. */
static int try_in_child(const struct test *t, long n)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int outcome = try_once(t, n);
		fflush(stdout);
		_exit(outcome);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		printf("%s: no process for try %ld\n", t->name, n);
		return WRONG;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && (t->flags & FAULTS))
		return FAILED;
	if (WIFSIGNALED(status)) {
		printf("%s: signal %d\n", t->name, WTERMSIG(status));
		return WRONG;
	}
	return WEXITSTATUS(status);
}

/* Frames by owner, without what lasts for a process only; and promised memory. */
static void read_ledger(char *text, size_t size)
{
	char memory[4096], *line, *end;

	read_file("/proc/moat/ledger", text, size);
	line = strstr(text, "process ");
	if (line)
		*line = '\0';
	/* Frames of the heap come and go with the places of its objects, whose number tells more. */
	for (const char *name = "free \0kernel \0"; *name; name += strlen(name) + 1) {
		char *number = strstr(text, name);
		if (number)
			memset(number + strlen(name), '-', strcspn(number + strlen(name), "\n"));
	}
	read_file("/proc/meminfo", memory, sizeof(memory));
	line = strstr(memory, "Committed_AS");
	end = line ? strchr(line, '\n') : NULL;
	if (!end)
		return;
	*end = '\0';
	strncat(text, line, size - strlen(text) - 1);
}

static int run(const struct test *t, int counts)
{
	static char before[4096] = "-", after[4096] = "-";
	int outcome = FAILED, failures = 0;
	long n;

	if (try_in_child(t, 1000000) != CAME_THROUGH) {
		printf("%s: fails anyway\n", t->name);
		return 0;
	}
	read_ledger(before, sizeof(before));
	for (n = 1; n <= TRIES_MAX && outcome != CAME_THROUGH; n++) {
		outcome = try_in_child(t, n);
		failures += outcome == FAILED;
		if (outcome > DID_WITHOUT || (outcome == DID_WITHOUT && !(t->flags & MAY_DO_WITHOUT))) {
			printf("%s: allocation %ld: %s\n", t->name, n,
			       outcome == DID_WITHOUT ? "not missed" : "wrong");
			return 0;
		}
	}
	read_ledger(after, sizeof(after));
	if (!counts)
		return 1;
	if (n > TRIES_MAX || strcmp(before, after) != 0) {
		printf("%s: %ld tries, before:\n%s\nand after:\n%s\n", t->name, n - 1, before, after);
		return 0;
	}
	printf("%s: %d of %ld\n", t->name, failures, n - 2);
	return 1;
}

int main(int argc, char **argv)
{
	const struct test *const tables[] = {map_cases, advise_cases, process_cases, other_cases,
					     fault_cases};
	int wrong = 0;
	char *const *only = argv + 1;

	setvbuf(stdout, NULL, _IOFBF, 0);
	memset(maps_before, 1, sizeof(maps_before)); /* no page of it is new later */
	memset(maps_after, 1, sizeof(maps_after));
	if (argc == 3 && strcmp(argv[1], "executed") == 0) {
		control = atoi(argv[2]);
		return says("armed") ? CAME_THROUGH : WRONG;
	}
	self = argv[0];
	control = open("/proc/moat/fail_after", O_RDWR);
	if (control < 0 || !says("off")) {
		printf("/proc/moat/fail_after: %s\n", strerror(errno));
		return 1;
	}
	run(&map_cases[0], 0); /* what this process and the kernel make at the first use is made now */
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct test *t = tables[i]; t->name; t++) {
			if (!*only || strcmp(*only, t->name) == 0)
				wrong += !run(t, 1);
			fflush(stdout);
		}
	}
	return wrong != 0;
}
