/* SPDX-License-Identifier: MIT */
/* execve(2), execveat(2): what a program keeps and loses, scripts, errors, ETXTBSY. */
#include "abi.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;
static char self[PATH_MAX];

static int wait_code(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void handler(int signal)
{
	(void)signal;
}

/* Copies this program to `path`. */
static void copy_self(const char *path, int mode)
{
	static char buf[65536];
	int in = open(self, O_RDONLY), out = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		write(out, buf, n);
	close(in);
	close(out);
}

static void script(const char *path, const char *text)
{
	abi_write_file(path, text);
	chmod(path, 0755);
}

static int run_with(const char *path, char **argv, char **envp)
{
	pid_t pid = fork();

	if (pid == 0) {
		execve(path, argv, envp);
		printf("execve %s: %s\n", path, abi_error(errno));
		_exit(99);
	}
	return wait_code(pid);
}

static int run(const char *path, const char *what)
{
	char *argv[] = {"exec", (char *)what, "two words", "", NULL}, *envp[] = {"A=1", "EMPTY=", NULL};

	return run_with(path, argv, envp);
}

/* --- in the new program --- */

static int tell(int argc, char **argv)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	printf("%d arguments, name %s:", argc, name);
	for (int i = 1; i < argc; i++)
		printf(" [%s]", argv[i]);
	printf(" environment:");
	for (char **e = environ; *e; e++)
		printf(" [%s]", *e);
	printf("\n");
	return 21;
}

static int state(void)
{
	struct sigaction one, two, child;
	struct rlimit limit;
	stack_t stack;
	sigset_t mask, pending;
	char cwd[PATH_MAX];

	sigaction(SIGUSR1, NULL, &one);
	sigaction(SIGUSR2, NULL, &two);
	sigaction(SIGCHLD, NULL, &child);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	sigaltstack(NULL, &stack);
	getrlimit(RLIMIT_NOFILE, &limit);
	R(one.sa_handler == SIG_DFL);
	R(two.sa_handler == SIG_IGN);
	R(child.sa_handler == SIG_DFL);
	R(child.sa_flags & SA_NOCLDWAIT);
	R(sigismember(&mask, SIGTERM));
	R(sigismember(&pending, SIGTERM));
	R(stack.ss_flags);
	R(limit.rlim_cur);
	R(umask(0));
	R(fcntl(10, F_GETFD));
	R(fcntl(11, F_GETFD));
	printf("in %s\n", strrchr(getcwd(cwd, sizeof(cwd)), '/'));
	return getpid() == atoi(getenv("PID")) ? 22 : 23;
}

/* --- in the old one --- */

static void keeps(void)
{
	char *argv[] = {"exec", "state", NULL}, number[32], *envp[] = {number, NULL};
	static char alternate[16384];
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	struct sigaction nowait = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	struct rlimit files = {55, 66};
	sigset_t set;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(number, sizeof(number), "PID=%d", getpid());
		signal(SIGUSR1, handler);
		signal(SIGUSR2, SIG_IGN);
		sigaction(SIGCHLD, &nowait, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGTERM);
		sigaltstack(&stack, NULL);
		setrlimit(RLIMIT_NOFILE, &files);
		umask(027);
		mkdir("below", 0755);
		chdir("below");
		dup2(1, 10);
		dup2(1, 11);
		fcntl(11, F_SETFD, FD_CLOEXEC);
		execve(self, argv, envp);
		_exit(99);
	}
	R(wait_code(pid));
}

static void errors(void)
{
	static char long_path[PATH_MAX + 10];
	char *argv[] = {"x", NULL}, *envp[] = {NULL};
	char **hole = (char **)(abi_page_before_hole() + PAGE - sizeof(char *));
	char *huge = malloc(200000), *list[] = {"x", huge, NULL};

	memset(long_path, 'a', sizeof(long_path) - 1);
	memset(huge, 'a', 199999);
	huge[199999] = 0;
	R(execve("", argv, envp));
	R(execve("/no/such/file", argv, envp));
	R(execve("/", argv, envp));
	R(execve("/dev/null", argv, envp));
	R(execve(long_path, argv, envp));
	R(syscall(SYS_execve, NULL, argv, envp));
	R(syscall(SYS_execve, self, 8, envp));
	R(syscall(SYS_execve, self, argv, 8));
	*hole = "x";
	R(syscall(SYS_execve, self, hole, envp));
	*hole = (char *)8;
	R(syscall(SYS_execve, self, (char *[]){(char *)8, NULL}, envp));
	R(syscall(SYS_execve, self, list, envp));
	abi_write_file("plain", "no program\n");
	R(execve("plain", argv, envp));
	chmod("plain", 0755);
	R(execve("plain", argv, envp));
	R(execve("plain/x", argv, envp));
	abi_write_file("empty", "");
	chmod("empty", 0755);
	R(execve("empty", argv, envp));
	R(symlink("loop", "loop"));
	R(execve("loop", argv, envp));
	script("no-interpreter", "#!/no/such/interpreter\n");
	R(execve("no-interpreter", argv, envp));
	script("directory", "#!/\n");
	R(execve("directory", argv, envp));
	script("itself", "#!itself\n");
	R(execve("itself", argv, envp));
	script("blank", "#!\n");
	R(execve("blank", argv, envp));
	abi_write_file("elf", "\177ELF\2\1\1");
	chmod("elf", 0755);
	R(execve("elf", argv, envp));
	free(huge);
}

/* Files that are no programs: none of them is opened, not even to be found wanting. */
static void other_kinds(void)
{
	R(mkfifo("fifo", 0777));
	R(mknod("block", S_IFBLK | 0777, 0));
	R(mknod("null", S_IFCHR | 0777, 0x103));
	R(mknod("socket", S_IFSOCK | 0777, 0));
	script("by-fifo", "#!fifo\n");
	R(execl("fifo", "fifo", NULL));
	R(execl("block", "block", NULL));
	R(execl("null", "null", NULL));
	R(execl("socket", "socket", NULL));
	R(execl("by-fifo", "by-fifo", NULL));
}

static void scripts(void)
{
	char text[PATH_MAX + 64];

	copy_self("interpreter", 0755);
	script("script", "#!interpreter tell with one argument\n");
	R(run("script", "x"));
	R(run("./script", "x"));
	script("second", "#!script\n");
	R(run("second", "x"));
	script("spaces", "#! \t interpreter  tell  x  \n");
	R(run("spaces", "x"));
	snprintf(text, sizeof(text), "#!%s tell", self);
	script("no-newline", text);
	R(run("no-newline", "x") == 21);
}

static void busy(void)
{
	char *argv[] = {"exec", "sleep", NULL}, c;
	int fds[2], fd;
	pid_t pid;

	copy_self("copy", 0755);
	fd = R(open("copy", O_WRONLY));
	R(execve("copy", argv, environ));
	R(close(fd));
	R(pipe(fds));
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 20);
		dup2(fds[0], 21);
		fcntl(20, F_SETFD, 0);
		close(fds[0]);
		close(fds[1]);
		execve("copy", argv, environ);
		_exit(99);
	}
	R(read(fds[0], &c, 1));
	R(open("copy", O_WRONLY));
	R(open("copy", O_RDWR | O_TRUNC));
	R(truncate("copy", 0));
	R(close(open("copy", O_RDONLY)));
	R(kill(pid, SIGKILL));
	R(wait_code(pid));
	R(close(open("copy", O_WRONLY)));
	R(unlink("copy"));
	R(close(fds[0]));
	R(close(fds[1]));
}

static long execveat_(int fd, const char *path, char *what, int flags)
{
	char *argv[] = {"exec", what, NULL}, *envp[] = {NULL};
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execveat, fd, path, argv, envp, flags);
		printf("execveat: %s\n", abi_error(errno));
		_exit(98);
	}
	return wait_code(pid);
}

static void by_descriptor(void)
{
	int dir, fd, path;

	mkdir("bin", 0755);
	copy_self("bin/program", 0755);
	script("bin/script", "#!bin/program tell\n");
	symlink("program", "bin/link");
	dir = R(open("bin", O_RDONLY | O_DIRECTORY));
	fd = R(open("bin/program", O_RDONLY | O_CLOEXEC));
	path = R(open("bin/program", O_PATH));
	R(execveat_(dir, "program", "tell", 0));
	R(execveat_(AT_FDCWD, "bin/program", "tell", 0));
	R(execveat_(fd, "", "tell", AT_EMPTY_PATH));
	R(execveat_(path, "", "tell", AT_EMPTY_PATH));
	R(execveat_(fd, "", "tell", 0));
	R(execveat_(dir, "", "tell", AT_EMPTY_PATH));
	R(execveat_(dir, "link", "tell", 0));
	R(execveat_(dir, "link", "tell", AT_SYMLINK_NOFOLLOW));
	R(execveat_(-1, "program", "tell", 0));
	R(execveat_(-1, "", "tell", AT_EMPTY_PATH));
	R(execveat_(fd, "program", "tell", 0));
	R(execveat_(dir, "program", "tell", 0x8000));
	fcntl(dir, F_SETFD, FD_CLOEXEC);
	R(execveat_(dir, "script", "x", 0));
	R(close(dir));
	R(close(fd));
	R(close(path));
}

static void no_arguments(void)
{
	char *none[] = {NULL};

	R(run_with(self, none, none)); /* argv[0] is an empty string then */
}

/* A child that has executed is out of reach of setpgid(2). */
static void group_of_executed(void)
{
	char *argv[] = {"exec", "sleep", NULL}, c;
	int fds[2];
	pid_t pid;

	R(pipe(fds));
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 20);
		close(fds[0]);
		close(fds[1]);
		execve(self, argv, environ);
		_exit(99);
	}
	R(read(fds[0], &c, 1));
	R(setpgid(pid, pid));
	R(kill(pid, SIGTERM));
	R(wait_code(pid));
	R(close(fds[0]));
	R(close(fds[1]));
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc == 1 && argv[0][0] == 0)
		return 24;
	if (argc > 1 && strcmp(argv[1], "state") == 0)
		return state();
	if (argc > 1 && strcmp(argv[1], "sleep") == 0) {
		write(20, "x", 1);
		for (;;)
			pause();
	}
	if (argc > 1)
		return tell(argc, argv);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		strcpy(self, argv[0]);
	abi_scratch();
	R(run(self, "tell"));
	no_arguments();
	keeps();
	errors();
	other_kinds();
	scripts();
	busy();
	by_descriptor();
	group_of_executed();
	return 0;
}
