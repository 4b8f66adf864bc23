/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells besides memory: the files of a process and of the machine, links to open files, directories,
 * errors. Numbers are masked or compared with what system calls say.
 */
#include "abi.h"
#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

static char text[1 << 18];

static long slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n = -1;

	while (fd >= 0 && len + 1 < sizeof(text) && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	if (fd < 0) {
		printf("%s: %s\n", path, abi_error(errno));
		return -1;
	}
	close(fd);
	return n < 0 ? -1 : (long)len;
}

/* The text with each run of digits as one 9, and runs of blanks as they are. */
static void show_masked(const char *from)
{
	for (; *from; from++) {
		if (!isdigit((unsigned char)*from))
			putchar(*from == '\n' ? '|' : *from);
		else if (!isdigit((unsigned char)from[1]))
			putchar('9');
	}
	putchar('\n');
}

/* One line that starts with the key, masked. The padding of numbers is turned into one blank. */
static void show_line(const char *key)
{
	char *at = strncmp(text, key, strlen(key)) == 0 ? text : NULL, find[64], line[512];
	size_t len, width;

	snprintf(find, sizeof(find), "\n%s", key);
	if (!at) {
		at = strstr(text, find);
		at = at ? at + 1 : NULL;
	}
	if (!at) {
		printf("no %s\n", key);
		return;
	}
	width = len = strcspn(at, "\n");
	if (len >= sizeof(line))
		return;
	memcpy(line, at, len);
	line[len] = '\0';
	while (strstr(line, "  "))
		memmove(strstr(line, "  "), strstr(line, "  ") + 1, strlen(strstr(line, "  ")));
	printf("%zu ", strstr(line, " kB") ? width : 0);
	show_masked(line);
}

static void status(void)
{
	static const char *const keys[] = {
		"Name:",
		"Umask:",
		"State:",
		"Tgid:",
		"Ngid:",
		"Pid:",
		"PPid:",
		"TracerPid:",
		"Uid:",
		"Gid:",
		"FDSize:",
		"NStgid:",
		"NSpid:",
		"NSpgid:",
		"NSsid:",
		"Kthread:",
		"VmPeak:",
		"VmSize:",
		"VmLck:",
		"VmPin:",
		"VmHWM:",
		"VmRSS:",
		"RssAnon:",
		"RssFile:",
		"RssShmem:",
		"VmData:",
		"VmStk:",
		"VmExe:",
		"VmLib:",
		"VmPTE:",
		"VmSwap:",
		"HugetlbPages:",
		"CoreDumping:",
		"untag_mask:",
		"Threads:",
		"SigPnd:",
		"ShdPnd:",
		"CapAmb:",
		"NoNewPrivs:",
		"Seccomp:",
		"voluntary_ctxt_switches:",
		"nonvoluntary_ctxt_switches:",
	};

	R(prctl(PR_SET_NAME, "some name"));
	slurp("/proc/self/status");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		show_line(keys[i]);
	HOLDS(strstr(text, "\nPid:\t") && atoi(strstr(text, "\nPid:\t") + 6) == getpid());
	HOLDS(strstr(text, "\nPPid:\t") && atoi(strstr(text, "\nPPid:\t") + 7) == getppid());
}

static void stat_fields(void)
{
	struct rlimit r;
	int fields = 0;
	char *rest;

	slurp("/proc/self/stat");
	HOLDS(atoi(text) == getpid());
	rest = strrchr(text, ')');
	HOLDS(rest && strncmp(strchr(text, '('), "(some name)", 11) == 0);
	for (char *word = strtok(rest + 1, " \n"); word; word = strtok(NULL, " \n")) {
		fields++;
		if (fields == 1 || fields == 15 || fields == 18)
			printf("field %d %s\n", fields + 2, word);
		if (fields == 3)
			HOLDS(atoi(word) == getpgrp());
		if (fields == 4)
			HOLDS(atoi(word) == getsid(0));
		if (fields == 23)
			HOLDS(getrlimit(RLIMIT_RSS, &r) == 0 && strtoul(word, NULL, 10) == r.rlim_cur);
		if (fields == 26)
			HOLDS(strtoul(word, NULL, 10) >> 28 == (unsigned long)&r >> 28);
	}
	R(fields);
	slurp("/proc/self/statm");
	show_masked(text);
}

static void limits(void)
{
	struct rlimit r = {100, 200};

	R(setrlimit(RLIMIT_NOFILE, &r));
	r = (struct rlimit){1 << 20, RLIM_INFINITY};
	R(setrlimit(RLIMIT_STACK, &r));
	slurp("/proc/self/limits");
	printf("%.80s\n", text);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, "open files") || strstr(line, "stack size") || strstr(line, "cpu time") ||
		    strstr(line, "nice"))
			printf("%s|\n", line);
	}
}

static void put(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	printf("%s <- \"%s\": ", path, what);
	if (fd < 0) {
		printf("open %s\n", abi_error(errno));
		return;
	}
	errno = 0;
	ssize_t n = write(fd, what, strlen(what));
	printf("%zd %s\n", n, n < 0 ? abi_error(errno) : "");
	close(fd);
	if (slurp(path) >= 0)
		show_masked(text);
}

static void settings(void)
{
	char name[17] = "";

	slurp("/proc/self/comm");
	printf("comm %s", text);
	put("/proc/self/comm", "renamed by file");
	put("/proc/self/comm", "longer than a name may be");
	slurp("/proc/self/comm");
	printf("comm %s", text);
	R(prctl(PR_GET_NAME, name));
	printf("name %s\n", name);
	put("/proc/self/oom_score_adj", "500");
	slurp("/proc/self/oom_score_adj");
	printf("%s", text);
	slurp("/proc/self/oom_adj");
	printf("%s", text);
	put("/proc/self/oom_score_adj", "1001");
	put("/proc/self/oom_score_adj", "-1001");
	put("/proc/self/oom_score_adj", "x");
	put("/proc/self/oom_score_adj", " 7 ");
	put("/proc/self/oom_adj", "15");
	slurp("/proc/self/oom_score_adj");
	printf("%s", text);
	slurp("/proc/self/oom_score");
	HOLDS(atoi(text) >= 1300 && atoi(text) <= 1400);
	put("/proc/self/oom_adj", "16");
	put("/proc/self/oom_score_adj", "0");
	slurp("/proc/self/personality");
	show_masked(text);
	slurp("/proc/self/wchan");
	printf("%s\n", text);
}

static void strings(int argc, char **argv)
{
	size_t at = 0;
	long len = slurp("/proc/self/cmdline");

	for (int i = 0; i < argc; i++) {
		HOLDS(strcmp(text + at, argv[i]) == 0);
		at += strlen(argv[i]) + 1;
	}
	HOLDS((long)at == len);
	R(slurp("/proc/self/environ"));
	HOLDS(strcmp(text, "A=1") == 0 && strcmp(text + 4, "B=two") == 0);
}

static void auxiliary_vector(void)
{
	long len = slurp("/proc/self/auxv");
	Elf64_auxv_t *v = (Elf64_auxv_t *)(void *)text;

	HOLDS(len > 0 && len % (long)sizeof(*v) == 0);
	for (long i = 0; i < len / (long)sizeof(*v); i++) {
		unsigned long type = v[i].a_type;

		if (type == AT_NULL)
			HOLDS(i == len / (long)sizeof(*v) - 1 || v[i + 1].a_type == AT_NULL);
		if (type == AT_RANDOM || type == AT_EXECFN || type == AT_PHDR || type == AT_ENTRY ||
		    type == AT_PAGESZ)
			HOLDS(getauxval(type) == v[i].a_un.a_val);
	}
}

static void show_link(const char *path)
{
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0) {
		printf("%s -> %s\n", path, abi_error(errno));
		return;
	}
	target[n] = '\0';
	/* The folder that the runner gave is not the same in both. */
	char *tail = strstr(target, "/scratch");
	printf("%s -> ", path);
	show_masked(tail ? tail : target);
}

static void links(const char *program)
{
	struct stat a, b;
	char target[PATH_MAX] = "", cwd[PATH_MAX];
	char byte[16] = "";
	int fd;

	HOLDS(readlink("/proc/self", target, sizeof(target) - 1) > 0 && atoi(target) == getpid());
	show_link("/proc/thread-self");
	show_link("/proc/mounts");
	memset(target, 0, sizeof(target));
	HOLDS(readlink("/proc/self/cwd", target, sizeof(target) - 1) > 0);
	HOLDS(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, target) == 0);
	show_link("/proc/self/root");
	HOLDS(stat("/proc/self/exe", &a) == 0 && stat(program, &b) == 0 && a.st_ino == b.st_ino);
	R(lstat("/proc/self/exe", &a));
	printf("mode %o size %ld links %ld\n", a.st_mode, (long)a.st_size, (long)a.st_nlink);
	fd = R(open("/proc/self/exe", O_RDONLY));
	R(read(fd, byte, 4));
	HOLDS(memcmp(byte, "\177ELF", 4) == 0);
	close(fd);
	R(open("/proc/self/exe", O_RDONLY | O_NOFOLLOW));
	R(open("/proc/self/cwd", O_WRONLY));
	R(readlink("/proc/self/status", target, 10));
	HOLDS(stat("/proc/self/cwd", &a) == 0 && stat(".", &b) == 0 && a.st_ino == b.st_ino);
	abi_write_file("by link", "text");
	R(access("/proc/self/cwd/by link", F_OK));
	R(open("/proc/self/cwd/by link/x", O_RDONLY));
	R(unlink("/proc/self/cwd/by link"));
	R(mkdir("/proc/self/cwd/dir", 0755));
	R(chdir("/proc/self/cwd/dir/../dir"));
	R(chdir(".."));
	R(rmdir("dir"));
}

static void descriptors(void)
{
	char byte[16] = "";
	struct stat st;
	int fd = R(open("opened", O_RDWR | O_CREAT | O_CLOEXEC, 0600)), again;

	R(write(fd, "contents", 8));
	show_link("/proc/self/fd/3");
	R(lstat("/proc/self/fd/3", &st));
	printf("mode %o\n", st.st_mode);
	slurp("/proc/self/fdinfo/3");
	printf("%.20s\n", text);
	again = R(open("/proc/self/fd/3", O_RDONLY));
	R(read(again, byte, 8));
	R(write(again, "x", 1));
	HOLDS(lseek(fd, 0, SEEK_CUR) == 8);
	R(lstat("/proc/self/fd/4", &st));
	printf("mode %o\n", st.st_mode);
	slurp("/proc/self/fdinfo/4");
	printf("%.20s\n", text);
	close(again);
	R(unlink("opened"));
	show_link("/proc/self/fd/3");
	again = R(open("/proc/self/fd/3", O_RDWR | O_TRUNC));
	R(fstat(fd, &st));
	R(st.st_size);
	close(again);
	R(link("/proc/self/fd/3", "linked"));
	show_link("/proc/self/fd/99");
	show_link("/proc/self/fd/03");
	show_link("/proc/self/fd/x");
	show_link("/proc/self/fd/-1");
	R(open("/proc/self/fd/99", O_RDONLY));
	R(open("/proc/self/fd/4/x", O_RDONLY));
	close(fd);
	again = R(open("/dev/stdout", O_WRONLY));
	HOLDS(again >= 0 && fstat(again, &st) == 0);
	close(again);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of a directory that are on both systems, sorted. */
static void show_directory(const char *path, const char *wanted)
{
	char *names[512], key[300];
	size_t count = 0;
	struct dirent *e;
	DIR *d = opendir(path);

	while (d && count < 512 && (e = readdir(d))) {
		snprintf(key, sizeof(key), " %s ", e->d_name);
		if (!wanted || strstr(wanted, key)) {
			snprintf(key, sizeof(key), "%s:%d", e->d_name, e->d_type);
			names[count++] = strdup(key);
		}
	}
	if (d)
		closedir(d);
	qsort(names, count, sizeof(names[0]), by_name);
	printf("%s:", path);
	for (size_t i = 0; i < count; i++)
		printf(" %s", names[i]);
	putchar('\n');
}

static void directories(void)
{
	char path[64];
	struct stat a, b;
	int fd;

	show_directory("/proc/self", " . .. task fd fdinfo environ auxv status personality limits comm "
				     "cmdline stat statm maps mem cwd "
				     "root exe mounts mountinfo clear_refs smaps smaps_rollup pagemap wchan "
				     "cgroup oom_score oom_adj "
				     "oom_score_adj ");
	show_directory(
		"/proc",
		" . .. meminfo vmstat zoneinfo buddyinfo uptime loadavg version cpuinfo stat filesystems "
		"mounts cmdline devices sys self thread-self ");
	show_directory(
		"/proc/sys/vm",
		" . .. overcommit_memory overcommit_ratio overcommit_kbytes max_map_count "
		"mmap_min_addr drop_caches compact_memory memfd_noexec swappiness page-cluster panic_on_oom "
		"oom_kill_allocating_task legacy_va_layout nr_hugepages nr_overcommit_hugepages "
		"unprivileged_userfaultfd ");
	show_directory("/proc/sys/kernel/random", " . .. boot_id uuid entropy_avail poolsize ");
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", getpid(), getpid());
	R(access(path, R_OK));
	snprintf(path, sizeof(path), "/proc/%d", getpid());
	HOLDS(stat(path, &a) == 0 && stat("/proc/self", &b) == 0 && a.st_ino == b.st_ino);
	printf("mode %o size %ld uid %u\n", a.st_mode, (long)a.st_size, a.st_uid);
	fd = R(open("/proc/self", O_RDONLY | O_DIRECTORY));
	HOLDS(openat(fd, "status", O_RDONLY) >= 0);
	R(openat(fd, "nothing", O_RDONLY));
	R(openat(fd, "../self/task", O_RDONLY) > 0);
	R(chdir("/proc/self/task"));
	HOLDS(getcwd(text, sizeof(text)) != NULL);
	show_masked(text);
	R(chdir(".."));
	HOLDS(getcwd(text, sizeof(text)) != NULL);
	show_masked(text);
	R(chdir("../.."));
	HOLDS(getcwd(text, sizeof(text)) != NULL && strcmp(text, "/") == 0);
}

static void refusals(void)
{
	struct statfs fs;

	R(statfs("/proc", &fs));
	printf("magic %lx\n", (unsigned long)fs.f_type);
	R(statfs("/proc/self/maps", &fs));
	printf("magic %lx\n", (unsigned long)fs.f_type);
	R(statfs("/sys", &fs));
	printf("magic %lx\n", (unsigned long)fs.f_type);
	R(open("/proc/nothing", O_RDONLY));
	R(open("/proc/999999999", O_RDONLY));
	R(open("/proc/4000000000", O_RDONLY));
	R(open("/proc/01", O_RDONLY));
	R(open("/proc/new", O_RDWR | O_CREAT, 0644));
	R(open("/proc/self/new", O_RDWR | O_CREAT, 0644));
	R(open("/proc/version", O_RDWR | O_CREAT | O_EXCL, 0644));
	R(mkdir("/proc/dir", 0755));
	R(mkdir("/proc/self/fd/dir", 0755));
	R(unlink("/proc/version"));
	R(rmdir("/proc/sys"));
	R(rename("/proc/version", "/proc/v"));
	R(rename("/proc/version", "/tmp/v"));
	R(link("/proc/version", "/tmp/v"));
	R(symlink("x", "/proc/l"));
	R(open("/proc/version/x", O_RDONLY));
	R(open("/proc/self/status/", O_RDONLY));
	R(open("/proc/sys/kernel/ostype", O_WRONLY));
	R(truncate("/proc/self/comm", 0));
}

static void machine(void)
{
	static const char *const keys[] = {
		"MemTotal:",	    "MemFree:",	     "MemAvailable:", "Buffers:",  "Cached:",
		"SwapCached:",	    "Active:",	     "SwapTotal:",    "SwapFree:", "Dirty:",
		"AnonPages:",	    "Mapped:",	     "Shmem:",	      "Slab:",	   "PageTables:",
		"HugePages_Total:", "Hugepagesize:",
	};
	struct sysinfo s;
	char first[64];
	double up, idle;

	slurp("/proc/meminfo");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		show_line(keys[i]);
	R(sysinfo(&s));
	HOLDS(strtoul(text + 9, NULL, 10) * 1024 == s.totalram * s.mem_unit);
	slurp("/proc/uptime");
	HOLDS(sscanf(text, "%lf %lf", &up, &idle) == 2);
	show_masked(text);
	slurp("/proc/loadavg");
	show_masked(text);
	slurp("/proc/version");
	printf("%.14s\n", text);
	slurp("/proc/cpuinfo");
	HOLDS(strstr(text, "processor\t: 0\nvendor_id\t: ") == text);
	HOLDS(strstr(text, "\nflags\t\t: fpu ") != NULL);
	slurp("/proc/stat");
	HOLDS(strncmp(text, "cpu  ", 5) == 0 && strstr(text, "\ncpu0 ") && strstr(text, "\nbtime "));
	slurp("/proc/filesystems");
	HOLDS(strstr(text, "nodev\ttmpfs\n") && strstr(text, "nodev\tproc\n"));
	slurp("/proc/self/mounts");
	HOLDS(strstr(text, "proc /proc proc rw,") != NULL);
	slurp("/proc/buddyinfo");
	HOLDS(strncmp(text, "Node 0, zone", 12) == 0);
	slurp("/proc/sys/kernel/random/boot_id");
	memcpy(first, text, 37);
	R(slurp("/proc/sys/kernel/random/boot_id"));
	HOLDS(memcmp(first, text, 37) == 0);
	R(slurp("/proc/sys/kernel/random/uuid"));
	HOLDS(memcmp(first, text, 37) != 0 && text[14] == '4' && text[8] == '-' && text[23] == '-' &&
	      strchr("89ab", text[19]));
	slurp("/proc/sys/kernel/ostype");
	printf("%s", text);
	slurp("/proc/sys/kernel/pid_max");
	printf("%s", text);
	slurp("/proc/sys/kernel/overflowuid");
	printf("%s", text);
	slurp("/proc/sys/vm/max_map_count");
	HOLDS(atoi(text) >= 65530);
	slurp("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
	R(access("/sys/block", X_OK));
	R(access("/sys/class", X_OK));
	R(access("/sys/dev/block", X_OK));
	printf("%s", text);
}

int main(int argc, char **argv)
{
	char *program = realpath(argv[0], NULL);

	abi_scratch();
	status();
	stat_fields();
	limits();
	settings();
	strings(argc, argv);
	auxiliary_vector();
	links(program);
	descriptors();
	directories();
	refusals();
	machine();
	return 0;
}
