/* SPDX-License-Identifier: MIT */
/* What /proc and getrusage(2) tell of how a process is scheduled, what it used, and who its children are. */
#include "abi.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

/* A whole small file. */
static const char *text_of(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

/* Field n of /proc/PID/stat, counted from 1 as in proc(5). */
static long stat_field(const char *path, int n)
{
	const char *at = strrchr(text_of(path), ')');

	for (int i = 2; at && i < n; i++)
		at = strchr(at + 1, ' ');
	return at ? strtol(at + 1, NULL, 10) : -99;
}

static void show_policy(const char *path)
{
	printf("%d: priority %ld nice %ld threads %ld exit signal %ld rt %ld policy %ld\n", __LINE__,
	       stat_field(path, 18), stat_field(path, 19), stat_field(path, 20), stat_field(path, 38),
	       stat_field(path, 40), stat_field(path, 41));
}

/* The value of a line of a status file. */
static const char *line_of(const char *path, const char *key)
{
	static char value[256];
	const char *at = strstr(text_of(path), key);
	size_t n;

	if (!at)
		return "none";
	at += strlen(key);
	n = strcspn(at, "\n");
	if (n >= sizeof(value))
		n = sizeof(value) - 1;
	memcpy(value, at, n);
	value[n] = 0;
	return value;
}

static int set_policy(int policy, int priority)
{
	const struct sched_param p = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &p);
}

static void policies(void)
{
	pid_t pid = fork();
	cpu_set_t cpus;

	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	set_policy(SCHED_OTHER, 0);
	setpriority(PRIO_PROCESS, 0, 0);
	show_policy("/proc/self/stat");
	R(setpriority(PRIO_PROCESS, 0, 5));
	show_policy("/proc/self/stat");
	R(setpriority(PRIO_PROCESS, 0, -3));
	show_policy("/proc/thread-self/stat");
	R(set_policy(SCHED_BATCH, 0));
	show_policy("/proc/self/stat");
	R(set_policy(SCHED_IDLE, 0));
	show_policy("/proc/self/stat");
	R(set_policy(SCHED_FIFO, 10));
	show_policy("/proc/self/stat");
	R(set_policy(SCHED_RR, 99));
	show_policy("/proc/self/stat");
	R(set_policy(SCHED_OTHER, 0));
	show_policy("/proc/self/stat");
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	R(sched_setaffinity(0, sizeof(cpus), &cpus));
	printf("%s\n", line_of("/proc/self/status", "Cpus_allowed:"));
	printf("%s\n", line_of("/proc/self/status", "Cpus_allowed_list:"));
	printf("%s\n", line_of("/proc/self/status", "Mems_allowed_list:"));
	R(stat_field("/proc/self/stat", 39));
	_exit(0);
}

static void burn(int ms)
{
	struct timespec t;
	int64_t end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	end = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + ms;
	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} while ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 < end);
}

static long micros(struct timeval t)
{
	return t.tv_sec * 1000000 + t.tv_usec;
}

static void usage(void)
{
	struct rusage a, b;
	pid_t pid;

	R(getrusage(RUSAGE_SELF, &a));
	for (int i = 0; i < 10; i++)
		usleep(5000);
	R(getrusage(RUSAGE_SELF, &b));
	HOLDS(b.ru_nvcsw - a.ru_nvcsw >= 6 && b.ru_nvcsw - a.ru_nvcsw < 40);
	HOLDS(atol(line_of("/proc/self/status", "\nvoluntary_ctxt_switches:")) >= 6);
	char *p = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(p, 100 * PAGE, MADV_NOHUGEPAGE);
	getrusage(RUSAGE_THREAD, &a);
	for (int i = 0; i < 100; i++)
		p[i * (int)PAGE] = 1;
	getrusage(RUSAGE_THREAD, &b);
	HOLDS(b.ru_minflt - a.ru_minflt >= 5);
	HOLDS(b.ru_maxrss > 0 && b.ru_ixrss == 0 && b.ru_idrss == 0 && b.ru_isrss == 0 && b.ru_nswap == 0);
	R(getrusage(RUSAGE_CHILDREN, &a));
	pid = fork();
	if (pid == 0) {
		burn(60);
		_exit(0);
	}
	getrusage(RUSAGE_CHILDREN, &b);
	HOLDS(micros(b.ru_utime) + micros(b.ru_stime) == micros(a.ru_utime) + micros(a.ru_stime));
	waitpid(pid, NULL, 0);
	getrusage(RUSAGE_CHILDREN, &b);
	HOLDS(micros(b.ru_utime) + micros(b.ru_stime) >= micros(a.ru_utime) + micros(a.ru_stime) + 50000);
	HOLDS(stat_field("/proc/self/stat", 16) + stat_field("/proc/self/stat", 17) >= 4);
	HOLDS(stat_field("/proc/self/stat", 11) > 0);
	R(getrusage(2, &a));
	R(getrusage(-2, &a));
	R(syscall(SYS_getrusage, RUSAGE_SELF, 8));
}

static int go[2], ready[2];

static void *thread(void *arg)
{
	struct rusage r;
	char c;

	getrusage(RUSAGE_THREAD, &r);
	HOLDS(micros(r.ru_utime) + micros(r.ru_stime) < 40000);
	show_policy("/proc/thread-self/stat");
	prctl(PR_SET_NAME, "second");
	printf("%s", text_of("/proc/thread-self/comm"));
	printf("%s", text_of("/proc/self/comm"));
	printf("%s\n", line_of("/proc/self/status", "Threads:"));
	(void)!write(ready[1], "x", 1);
	(void)!read(go[0], &c, 1);
	return arg;
}

static void threads(void)
{
	pthread_t t;
	char c;

	if (pipe(go) || pipe(ready))
		return;
	burn(50);
	pthread_create(&t, NULL, thread, NULL);
	(void)!read(ready[0], &c, 1);
	R(stat_field("/proc/self/stat", 20));
	(void)!write(go[1], "x", 1);
	pthread_join(t, NULL);
}

static void children(void)
{
	char path[64], expected[64];
	pid_t a, b;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	printf("children: '%s'\n", text_of(path));
	a = fork();
	if (a == 0) {
		pause();
		_exit(0);
	}
	b = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (b == 0) {
		pause();
		_exit(0);
	}
	snprintf(expected, sizeof(expected), a < b ? "%d %d " : "%2$d %1$d ", a, b);
	HOLDS(strcmp(text_of(path), expected) == 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", b);
	R(stat_field(path, 38));
	R(stat_field(path, 4) == getpid());
	signal(SIGUSR1, SIG_IGN);
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	waitpid(a, NULL, 0);
	waitpid(b, NULL, __WALL);
}

static long io(const char *key)
{
	return atol(line_of("/proc/self/io", key));
}

static void transfers(void)
{
	char buf[1000] = "";
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	long before;

	before = io("wchar:");
	(void)!write(fd, buf, sizeof(buf));
	(void)!pwrite(fd, buf, 500, 0);
	R(io("wchar:") - before);
	before = io("syscw:");
	(void)!pwrite(fd, buf, 500, 0);
	(void)!write(99, buf, 500);
	R(io("syscw:") - before);
	before = io("rchar:");
	long cost = io("rchar:") - before; /* of looking */
	(void)!pread(fd, buf, 1000, 0);
	HOLDS(io("rchar:") - before >= 1000 + cost);
	HOLDS(io("read_bytes:") >= 0 && io("cancelled_write_bytes:") >= 0);
	close(fd);
	unlink("file");
}

static void slack(void)
{
	int fd;

	R(prctl(PR_GET_TIMERSLACK));
	R(prctl(PR_SET_TIMERSLACK, 12345));
	printf("%s", text_of("/proc/self/timerslack_ns"));
	fd = open("/proc/self/timerslack_ns", O_WRONLY);
	R(write(fd, "777", 3));
	R(write(fd, "x", 1));
	close(fd);
	R(prctl(PR_GET_TIMERSLACK));
	pid_t pid = fork();
	if (pid == 0) {
		R(prctl(PR_GET_TIMERSLACK));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	R(prctl(PR_SET_TIMERSLACK, 0));
	R(prctl(PR_GET_TIMERSLACK));
}

static void comm(void)
{
	int fd = open("/proc/self/comm", O_RDWR);
	char name[17] = "";

	R(write(fd, "a name that is longer", 21));
	prctl(PR_GET_NAME, name);
	puts(name);
	printf("%s", text_of("/proc/self/comm"));
	close(fd);
	R((fd = open("/proc/1/comm", O_WRONLY)) >= 0);
	R(write(fd, "x", 1));
	close(fd);
}

static void machine(void)
{
	static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts", "time"};
	double a, b, c;
	unsigned running, total, cpus = 0;
	int last;
	struct sysinfo s;

	R(sscanf(text_of("/proc/loadavg"), "%lf %lf %lf %u/%u %d", &a, &b, &c, &running, &total, &last));
	HOLDS(running >= 1 && running <= total && a >= 0 && b >= 0 && c >= 0);
	R(sysinfo(&s));
	HOLDS((double)s.loads[0] / 65536 - a < 1.5 && a - (double)s.loads[0] / 65536 < 1.5);
	HOLDS(strstr(text_of("/proc/stat"), "\nbtime ") != NULL);
	HOLDS(strstr(text_of("/proc/stat"), "\ncpu0 ") != NULL);
	HOLDS(strncmp(text_of("/proc/stat"), "cpu  ", 5) == 0);
	for (const char *at = text_of("/proc/stat"); (at = strstr(at, "\ncpu")); at++)
		cpus++;
	HOLDS((long)cpus == sysconf(_SC_NPROCESSORS_ONLN));
	R(sscanf(text_of("/proc/uptime"), "%lf %lf", &a, &b));
	R(sscanf(text_of("/proc/self/schedstat"), "%lf %lf %lf", &a, &b, &c));
	HOLDS(a > 0 && c > 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char path[64], link[64] = "";
		unsigned number;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		R(readlink(path, link, sizeof(link) - 1));
		HOLDS(strncmp(link, kinds[i], strlen(kinds[i])) == 0 &&
		      sscanf(link + strlen(kinds[i]), ":[%u]", &number) == 1);
	}
	printf("%s", text_of("/proc/self/uid_map"));
	printf("%s", text_of("/proc/self/gid_map"));
	printf("%s", text_of("/proc/self/setgroups"));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_NAME, "first");
	setpriority(PRIO_PROCESS, 0, 0); /* whoever runs the test may have been nice */
	policies();
	usage();
	threads();
	children();
	transfers();
	slack();
	comm();
	machine();
	return 0;
}
