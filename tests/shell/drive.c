/* SPDX-License-Identifier: MIT */
/*
 * Sits at a terminal in a person's place: runs a command on a pseudo-terminal and follows a script.
 *
 *     drive COMMAND ARGS... <script
 *
 *     send TEXT      types it; \r \n \e \\ \xHH
 *     want TEXT      waits until it has appeared, and forgets what came before its end
 *     size R C       changes the window
 *     kill N         sends the command signal N
 *     machine N      sends the command's virtual machine signal N
 *     stopped        waits until the command has stopped
 *     pause MS
 *     raw, cooked    waits until the terminal is so
 *     status N       waits for the command's end and compares its exit status, 128 + N after signal N
 *     restored       the terminal's settings are what they were
 *
 * Each `want` and each check prints a line, "ok" or "FAIL" and the line of the script. Ends at the first failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 20000

static int master, near;
static pid_t command;
static struct termios before;
static char seen[1 << 20];
static size_t seen_bytes;
static const char *section = "";

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Takes what comes within `ms`; false: nothing did, or never will. */
static bool gather(long ms)
{
	struct pollfd p = {.fd = master, .events = POLLIN};
	ssize_t n;

	if (ms < 0 || poll(&p, 1, (int)ms) != 1)
		return false;
	if (seen_bytes > sizeof(seen) / 2) {
		memmove(seen, seen + seen_bytes - 4096, 4096);
		seen_bytes = 4096;
	}
	n = read(master, seen + seen_bytes, sizeof(seen) - 1 - seen_bytes);
	if (n > 0)
		seen_bytes += (size_t)n;
	return n > 0;
}

static void show_seen(void)
{
	size_t from = seen_bytes > 1500 ? seen_bytes - 1500 : 0;

	printf("     seen: ");
	for (size_t i = from; i < seen_bytes; i++) {
		unsigned char c = (unsigned char)seen[i];

		if (c == '\n')
			printf("\\n\n           ");
		else if (c < ' ' || c >= 127)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('\n');
}

static void check(const char *line, bool good)
{
	printf("%s %s%s\n", good ? "ok" : "FAIL", section, line);
	if (good)
		return;
	show_seen();
	kill(command, SIGKILL);
	exit(1);
}

static size_t unescape(const char *from, char *to)
{
	size_t n = 0;

	for (; *from; from++) {
		if (*from != '\\' || !from[1]) {
			to[n++] = *from;
			continue;
		}
		switch (*++from) {
		case 'r':
			to[n++] = '\r';
			break;
		case 'n':
			to[n++] = '\n';
			break;
		case 'e':
			to[n++] = '\033';
			break;
		case 'x':
			to[n++] = (char)strtol((char[]){from[1], from[2], 0}, NULL, 16);
			from += 2;
			break;
		default:
			to[n++] = *from;
		}
	}
	return n;
}

static bool want(const char *text)
{
	char wanted[4096];
	size_t n = unescape(text, wanted);
	long end = now_ms() + LIMIT_MS;

	for (;;) {
		char *at = memmem(seen, seen_bytes, wanted, n);

		if (at) {
			size_t used = (size_t)(at - seen) + n;

			memmove(seen, seen + used, seen_bytes - used);
			seen_bytes -= used;
			return true;
		}
		if (!gather(end - now_ms()))
			return false;
	}
}

static void type(const char *text)
{
	char bytes[4096];
	size_t n = unescape(text, bytes);

	if (write(master, bytes, n) != (ssize_t)n)
		check("typing", false);
}

static bool same_settings(void)
{
	struct termios t;

	return tcgetattr(near, &t) == 0 && t.c_iflag == before.c_iflag && t.c_oflag == before.c_oflag &&
	       t.c_lflag == before.c_lflag && t.c_cflag == before.c_cflag &&
	       memcmp(t.c_cc, before.c_cc, sizeof(t.c_cc)) == 0;
}

static bool wait_mode(bool raw)
{
	struct termios t;

	for (long end = now_ms() + LIMIT_MS; now_ms() < end; gather(20)) {
		if (tcgetattr(near, &t) == 0 && !(t.c_lflag & ICANON) == raw)
			return true;
	}
	return false;
}

static bool wait_restored(void)
{
	for (long end = now_ms() + LIMIT_MS; now_ms() < end; usleep(10000)) {
		if (same_settings())
			return true;
	}
	return false;
}

static int wait_status(int flags, bool *ended)
{
	int status;

	for (long end = now_ms() + LIMIT_MS; now_ms() < end; gather(20)) {
		if (waitpid(command, &status, WNOHANG | flags) == command) {
			*ended = true;
			return status;
		}
	}
	*ended = false;
	return 0;
}

static bool wait_end(int wanted)
{
	bool ended;
	int status = wait_status(0, &ended);

	return ended && (WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)) == wanted;
}

static bool wait_stop(void)
{
	bool stopped;
	int status = wait_status(WUNTRACED, &stopped);

	return stopped && WIFSTOPPED(status);
}

/* The command's child that is QEMU. */
static pid_t find_machine(void)
{
	char path[64], name[64] = "";
	int pid, found = 0;
	FILE *children, *comm;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", command, command);
	children = fopen(path, "r");
	while (children && !found && fscanf(children, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		comm = fopen(path, "r");
		if (comm && fgets(name, sizeof(name), comm) && strncmp(name, "qemu", 4) == 0)
			found = pid;
		if (comm)
			fclose(comm);
	}
	if (children)
		fclose(children);
	return found;
}

static void resize(const char *text)
{
	struct winsize size = {0};

	sscanf(text, "%hu %hu", &size.ws_row, &size.ws_col);
	ioctl(near, TIOCSWINSZ, &size);
	kill(command, SIGWINCH);
}

static void pause_ms(long ms)
{
	for (long end = now_ms() + ms; now_ms() < end;)
		gather(end - now_ms());
}

static void follow(char *line)
{
	char *rest = strchr(line, ' ');
	size_t n = rest ? (size_t)(rest - line) : strlen(line);

	rest = rest ? rest + 1 : line + n;
	if (n == 4 && !memcmp(line, "send", n))
		type(rest);
	else if (n == 4 && !memcmp(line, "want", n))
		check(line, want(rest));
	else if (n == 4 && !memcmp(line, "size", n))
		resize(rest);
	else if (n == 4 && !memcmp(line, "kill", n))
		kill(command, atoi(rest));
	else if (n == 7 && !memcmp(line, "machine", n))
		check(line, find_machine() && kill(find_machine(), atoi(rest)) == 0);
	else if (n == 7 && !memcmp(line, "stopped", n))
		check(line, wait_stop());
	else if (n == 5 && !memcmp(line, "pause", n))
		pause_ms(atoi(rest));
	else if (n == 3 && !memcmp(line, "raw", n))
		check(line, wait_mode(true));
	else if (n == 6 && !memcmp(line, "cooked", n))
		check(line, wait_mode(false));
	else if (n == 6 && !memcmp(line, "status", n))
		check(line, wait_end(atoi(rest)));
	else if (n == 8 && !memcmp(line, "restored", n))
		check(line, wait_restored());
	else if (*line && *line != '#')
		check(line, false);
}

static void start(char **argv)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	if (openpty(&master, &near, NULL, NULL, &size)) {
		perror("openpty");
		exit(1);
	}
	tcgetattr(near, &before);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	fcntl(near, F_SETFD, FD_CLOEXEC);
	command = fork();
	if (command)
		return;
	setsid();
	ioctl(near, TIOCSCTTY, 0);
	/* DRIVE_STDIN, DRIVE_STDOUT, DRIVE_STDERR: files in place of the terminal. */
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"DRIVE_STDIN", "DRIVE_STDOUT", "DRIVE_STDERR"};
		const char *file = getenv(names[i]);

		dup2(file ? open(file, i ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0644) : near, i);
	}
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execvp(argv[1], argv + 1);
	_exit(127);
}

int main(int argc, char **argv)
{
	char line[4096];

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return 2;
	if (getenv("DRIVE_NAME"))
		section = getenv("DRIVE_NAME");
	start(argv);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		follow(line);
	}
	kill(command, SIGKILL);
	return 0;
}
