/* SPDX-License-Identifier: MIT */
/* room: dev */
/*
 * Terminals as other rooms see them (tty(4), pts(4), credentials(7)). A terminal belongs to at most one session, of
 * which one process group is in the foreground.
 */
#ifndef MOAT_TTY_H
#define MOAT_TTY_H

#include <moat/file.h>

struct tty;

/* Who calls. */
struct tty_caller {
	int pid, pgid, sid;
	u32 uid;
	struct tty *tty; /* its controlling terminal, or NULL; valid while the list of terminals is locked */
	bool leads;	 /* its session */
	bool privileged;
};

/*
 * What the task room does for terminals. Process context; no spinlock held. A process remembers its controlling terminal
 * (process.tty); it is inherited, and forgotten by setsid(2).
 */
struct tty_task_ops {
	void (*caller)(struct tty_caller *out);
	bool (*sets_aside)(int signo); /* the current process blocks or ignores it */
	bool (*is_orphaned)(int pgid);
	/* The session of a group: -ESRCH. */
	int (*session_of)(int pgid);
	void (*signal_group)(int pgid, int signo);
	/* The current process's terminal becomes `tty`, or none. */
	void (*set)(struct tty *tty);
	/* Nobody's terminal is `tty` any more. */
	void (*forget)(const struct tty *tty);
	/* Besides, the leader of the session gets SIGHUP and SIGCONT, and remembers the foreground group until it ends. */
	void (*hang_up)(const struct tty *tty, int session, int foreground);
	/* The group that was in the foreground when the current process, a leader, lost its terminal; 0: none. */
	int (*take_old_foreground)(void);
	int (*install)(struct file *f, bool cloexec); /* a descriptor; takes over the reference on success */
	/* A thread of the kernel's own that runs fn. 0 or -ENOMEM. */
	int (*start_thread)(const char *name, void (*fn)(void *));
};
void tty_register_tasks(const struct tty_task_ops *ops); /* boot */

/* The session leader that calls ends. Process context, no lock held. */
void tty_leader_ends(void);
/* vhangup(2) by the current process, whose rights were checked. */
void tty_hang_up_own(void);
/* For /proc/PID/stat: device number as Linux shows it, foreground group. The caller keeps the terminal from going. */
void tty_facts(const struct tty *tty, int *number, int *foreground);

/*
 * The terminal of the machine's host or of its serial line, when dev_set_terminals has said that there is one: its threads
 * are started, and it belongs to session `session` with that group in the foreground. NULL: there is none. Boot, process
 * context.
 */
struct tty *tty_console_start(int session, int foreground);
/* Where it is: "/dev/hvc0". */
const char *tty_console_path(void);

#endif
