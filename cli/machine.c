/* SPDX-License-Identifier: MIT */
/*
 * QEMU as a child process: its command line (docs/host-interface.md, "The machine"), its descriptors and
 * its tie to this process.
 *
 * QEMU runs in a session of its own, so that no key of the terminal reaches it, and the host's kernel kills
 * it when the thread that forked it ends (PR_SET_PDEATHSIG): machine_start() must be called from a thread
 * that lives until the end of the command, which is the main one. It inherits the descriptors of its
 * channels and no other, whatever the caller of the command left open.
 */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "accel.h"
#include "alloc.h"

#define QEMU	    "qemu-system-x86_64"
#define EXIT_PORT   "0x501"
#define DEBUG_PORT  "0xe9"
#define CHANNEL_LOG 0 /* in peers: port 0 does not exist, so its place is the log's */
#define PEER_COUNT  PORT_COUNT

/* QEMU's ends of the channels, while it is being started. */
struct peers {
	int channel[PEER_COUNT];
	int text;
	int failed; /* gets the errno of a failed exec; closed by a successful one */
};

struct arguments {
	char **list;
	size_t count;
};

static const char *const channel_names[PEER_COUNT] = {"log", "in", "out", "err", "control"};

/** monotonic_ns - CLOCK_MONOTONIC in nanoseconds. */
uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void push(struct arguments *a, char *text)
{
	a->list = must_grow(a->list, a->count + 2, sizeof(*a->list));
	a->list[a->count++] = text;
	a->list[a->count] = NULL;
}

/* Add two arguments: an option and its value, made as by printf(3). */
static __attribute__((format(printf, 3, 4))) void add(struct arguments *a, const char *option,
						      const char *format, ...)
{
	char *value = NULL;
	va_list list;
	int length;

	va_start(list, format);
	length = vasprintf(&value, format, list);
	va_end(list);
	push(a, must_copy(option));
	push(a, must_have(length < 0 ? NULL : value));
}

/* ARCH_CAPABILITIES is no use to this kernel, and a nested KVM may say it has the MSR and then refuse it. */
static void add_processor(struct arguments *a, const struct options *o, enum accel accel)
{
	const char *model = accel == ACCEL_KVM ? "host,arch-capabilities=off" : "max";

	add(a, "-accel", "%s", accel_name(accel));
	add(a, "-cpu", "%s,pku=off%s", model, o->deterministic ? ",rdrand=off,rdseed=off" : "");
	add(a, "-smp", "%u", o->cpus);
	add(a, "-m", "%lluk", (unsigned long long)o->memory_bytes >> 10);
	if (o->deterministic)
		add(a, "-icount", "shift=0,sleep=off");
}

static void add_kernel(struct arguments *a, const struct options *o, const struct machine_files *files)
{
	/* microvm has no tables that could tell of nodes; the kernel is told how many to make instead. */
	char nodes[32] = "";

	add(a, "-kernel", "%s", files->kernel);
	add(a, "-initrd", "/proc/self/fd/%d", files->archive);
	if (o->nodes > 1)
		snprintf(nodes, sizeof(nodes), " numa=fake=%u", o->nodes);
	add(a, "-append", "exit=%s debugcon=%s%s%s%s%s%s", EXIT_PORT, DEBUG_PORT,
	    o->kernel_log ? " log=1" : "", o->deterministic || o->gdb_port ? " nokaslr" : "", nodes,
	    o->append ? " " : "", o->append ? o->append : "");
}

/*
 * A deterministic run has files behind its ports, so that a write of the guest always ends at once; they
 * are opened by name because QEMU wants a descriptor for writing only.
 */
static void add_channels(struct arguments *a, const struct peers *peers, bool files)
{
	for (int i = 0; i < PEER_COUNT; i++) {
		if (peers->channel[i] < 0)
			continue;
		if (files && i != CHANNEL_LOG)
			add(a, "-chardev", "file,id=%s,path=/proc/self/fd/%d", channel_names[i],
			    peers->channel[i]);
		else
			add(a, "-chardev", "socket,id=%s,fd=%d", channel_names[i], peers->channel[i]);
		if (i == CHANNEL_LOG)
			add(a, "-device", "isa-debugcon,iobase=" DEBUG_PORT ",chardev=%s", channel_names[i]);
		else
			add(a, "-device", "virtserialport,nr=%d,chardev=%s", i, channel_names[i]);
	}
}

/* QEMU's options end at a comma; two of them are one. To be freed. */
static char *double_commas(const char *text)
{
	char *out = must_alloc(2 * strlen(text) + 1), *to = out;

	for (; *text; text++) {
		*to++ = *text;
		if (*text == ',')
			*to++ = ',';
	}
	*to = '\0';
	return out;
}

static void add_shares(struct arguments *a, const struct view *view)
{
	for (unsigned int i = 0; i < view->count; i++) {
		char *path = double_commas(view->shares[i].host);

		add(a, "-fsdev", "local,id=share%u,path=%s,security_model=none,readonly=%s,multidevs=remap",
		    i, path, view->shares[i].writable ? "off" : "on");
		add(a, "-device", "virtio-9p-device,fsdev=share%u,mount_tag=" VIEW_TAG, i, i);
		free(path);
	}
}

/* QEMU locks the file: no second machine writes to it. */
static void add_disks(struct arguments *a, const struct view *view)
{
	for (unsigned int i = 0; i < view->disk_count; i++) {
		char *path = double_commas(view->disks[i].host);

		add(a, "-drive", "if=none,id=disk%u,format=raw,cache=writeback,readonly=%s,file=%s", i,
		    view->disks[i].writable ? "off" : "on", path);
		add(a, "-device", "virtio-blk-device,drive=disk%u,serial=" VIEW_TAG, i, i);
		free(path);
	}
}

static void make_arguments(struct arguments *a, const struct options *o, const struct machine_files *files,
			   const struct peers *peers, enum accel accel)
{
	push(a, must_copy(QEMU));
	add(a, "-M", "microvm,acpi=off,pic=off,pit=off,rtc=off,isa-serial=off,auto-kernel-cmdline=on");
	push(a, must_copy("-nodefaults"));
	push(a, must_copy("-no-user-config"));
	push(a, must_copy("-no-reboot"));
	add(a, "-display", "none");
	add(a, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	add_processor(a, o, accel);
	add_kernel(a, o, files);
	add(a, "-global", "virtio-mmio.force-legacy=false");
	add(a, "-device", "isa-debug-exit,iobase=" EXIT_PORT ",iosize=0x4");
	add(a, "-device", "virtio-serial-device,max_ports=%d", PORT_COUNT);
	add_channels(a, peers, o->deterministic);
	if (!o->deterministic) {
		add(a, "-object", "rng-random,filename=/dev/urandom,id=rng");
		add(a, "-device", "virtio-rng-device,rng=rng");
	}
	add_shares(a, files->view);
	add_disks(a, files->view);
	if (o->gdb_port) {
		add(a, "-gdb", "tcp:127.0.0.1:%u", o->gdb_port);
		push(a, must_copy("-S"));
	}
}

static void free_arguments(struct arguments *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->list[i]);
	free(a->list);
}

static int open_socket(int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

static int open_pipe(int *ours, int *theirs)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

/* Two descriptors for one memfd: QEMU's is closed after the start, as that of a socket is. */
static int open_file(int *ours, int *theirs)
{
	*ours = memfd_create("moat-stream", MFD_CLOEXEC);
	if (*ours < 0)
		return -errno;
	*theirs = fcntl(*ours, F_DUPFD_CLOEXEC, 0);
	return *theirs < 0 ? -errno : 0;
}

static void close_peers(const struct peers *peers)
{
	for (int i = 0; i < PEER_COUNT; i++) {
		if (peers->channel[i] >= 0)
			close(peers->channel[i]);
	}
	if (peers->text >= 0)
		close(peers->text);
	if (peers->failed >= 0)
		close(peers->failed);
}

static int open_channels(struct machine *m, struct peers *peers, int *failed, bool deterministic)
{
	int error = open_socket(&m->log, &peers->channel[CHANNEL_LOG]);

	for (int i = PORT_STDIN; i < PORT_COUNT && !error; i++) {
		if (!deterministic)
			error = open_socket(&m->port[i], &peers->channel[i]);
		else if (i != PORT_STDIN)
			error = open_file(&m->port[i], &peers->channel[i]);
	}
	if (!error)
		error = open_pipe(&m->text, &peers->text);
	if (!error)
		error = open_pipe(failed, &peers->failed);
	return error;
}

static void keep_across_exec(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

/* In the child: cut all ties to the caller but the wanted ones, then become QEMU. */
static void become_qemu(pid_t parent, char **arguments, const struct peers *peers, int archive)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), why;
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_MOAT_FAILED); /* the parent died before the tie was made */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(peers->text, STDOUT_FILENO) < 0 ||
	    dup2(peers->text, STDERR_FILENO) < 0)
		goto failed;
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	for (int i = 0; i < PEER_COUNT; i++)
		keep_across_exec(peers->channel[i]);
	keep_across_exec(archive);
	/* An arena for each thread would grow page by page, with a system call each time, while the guest boots. */
	setenv("MALLOC_ARENA_MAX", "1", 0);
	execvp(QEMU, arguments);
failed:
	why = errno;
	if (write(peers->failed, &why, sizeof(why)) < 0)
		_exit(STATUS_MOAT_FAILED);
	_exit(STATUS_MOAT_FAILED);
}

static int exec_failed(struct verdict *v, int why)
{
	if (why == ENOENT)
		return verdict_error(v, STATUS_MOAT_FAILED,
				     QEMU " is not installed (Debian package qemu-system-x86)");
	return verdict_error(v, STATUS_MOAT_FAILED, QEMU ": %s", strerror(why));
}

/**
 * machine_start - start QEMU with the given files and options.
 *
 * Must be called from the main thread, before there are others, with the descriptors 0, 1 and 2 in use.
 * Returns 0, or a negative number with @v set (status 125).
 */
int machine_start(struct machine *machine, const struct options *options, const struct machine_files *files,
		  struct verdict *v)
{
	struct peers peers = {.channel = {-1, -1, -1, -1, -1}, .text = -1, .failed = -1};
	struct arguments arguments = {0};
	int failed = -1, why = 0, error;
	pid_t parent = getpid();
	ssize_t n;

	*machine = (struct machine){.pid = -1, .port = {-1, -1, -1, -1, -1}, .log = -1, .text = -1};
	machine->accel = accel_choose(options);
	if (options->accel == ACCEL_KVM && access("/dev/kvm", R_OK | W_OK) == 0 && !accel_kvm_runs())
		return verdict_error(
			v, STATUS_MOAT_FAILED,
			"/dev/kvm only emulates here, too slowly to be of use: try --accel auto");
	error = open_channels(machine, &peers, &failed, options->deterministic);
	if (error) {
		close_peers(&peers);
		return verdict_error(v, STATUS_MOAT_FAILED, "%s", strerror(-error));
	}
	make_arguments(&arguments, options, files, &peers, machine->accel);
	machine->start_ns = monotonic_ns();
	machine->pid = fork();
	if (machine->pid == 0)
		become_qemu(parent, arguments.list, &peers, files->archive);
	why = machine->pid < 0 ? errno : 0;
	close_peers(&peers);
	free_arguments(&arguments);
	if (machine->pid < 0)
		return verdict_error(v, STATUS_MOAT_FAILED, "fork: %s", strerror(why));
	do
		n = read(failed, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	close(failed);
	return n == (ssize_t)sizeof(why) ? exec_failed(v, why) : 0;
}
