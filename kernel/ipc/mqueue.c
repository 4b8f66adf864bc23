/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues (mq_overview(7)).
 *
 *     name ──> queue <── descriptions         the queue goes with its name and its last description
 *                │ messages, the highest priority first, and among equals the oldest
 *
 * One mutex, mq_lock, protects names, queues and messages; it is not held around copies from or to a program, nor across
 * a wait. Messages are charged to the memory that all System V objects share.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <sys/queue.h>
#include <moat/cred.h>
#include <moat/heap.h>
#include <moat/mode.h>
#include <moat/mqueue.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "message.h"
#include "sysv.h"
#include "wait.h"

#define NAME_BYTES	    256
#define STATUS_BYTES	    80u /* what fstat(2) says, and reading gives at most */
#define COUNTED_FOR_MESSAGE 96u /* what Linux counts besides its bytes: RLIMIT_MSGQUEUE */

struct mqueue {
	LIST_ENTRY(mqueue) link;
	char name[NAME_BYTES];
	bool named;			 /* it is in the list, which holds a reference */
	u32 refs;			 /* descriptions, and its name */
	u32 mode, uid, gid;		 /* [I] */
	u64 depth, length, count, bytes; /* [I], [I]; messages in it, and their bytes */
	struct message_list messages;	 /* in the order of reading */
	u32 receivers;			 /* who waits for one */
	int notify_pid;			 /* 0: nobody is to be told */
	struct sigevent notify;
	struct waitq events; /* a message more or less */
};

static struct mutex mq_lock;
static LIST_HEAD(, mqueue) queues; /* those with a name */
static u32 queue_count;
static u64 counted_bytes; /* of all queues, for RLIMIT_MSGQUEUE */

static u64 counted(const struct mqueue *q)
{
	return q->depth * (q->length + COUNTED_FOR_MESSAGE);
}

/* Drops a reference; the last one takes the messages along. */
static void put_queue(struct mqueue *q)
{
	struct message *m;

	if (--q->refs)
		return;
	while ((m = TAILQ_FIRST(&q->messages))) {
		TAILQ_REMOVE(&q->messages, m, link);
		message_free(m);
	}
	counted_bytes -= counted(q);
	queue_count--;
	sysv_uncharge(sizeof(*q));
	kfree(q);
}

static void mq_release(struct file *f)
{
	struct mqueue *q = f->private;

	mutex_lock(&mq_lock);
	if (q->notify_pid == current_process()->pid)
		q->notify_pid = 0;
	put_queue(q);
	mutex_unlock(&mq_lock);
}

/* What a queue says of itself when it is read. */
static ssize_t mq_read(struct file *f, struct uio *u, u64 *offset)
{
	struct mqueue *q = f->private;
	char text[STATUS_BYTES];
	size_t len, n;

	mutex_lock(&mq_lock);
	len = (size_t)ksnprintf(
		text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", q->bytes,
		q->notify_pid ? q->notify.sigev_notify : 0,
		q->notify_pid && q->notify.sigev_notify == SIGEV_SIGNAL ? q->notify.sigev_signo : 0,
		q->notify_pid);
	mutex_unlock(&mq_lock);
	if (*offset >= len)
		return 0;
	n = uio_copy_out(u, text + *offset, MIN(len - *offset, u->left));
	*offset += n;
	return n ? (ssize_t)n : -EFAULT;
}

static s64 mq_seek(struct file *f, s64 offset, int whence)
{
	return file_seek_sized(f, offset, whence, STATUS_BYTES);
}

static unsigned mq_poll(struct file *f, poll_to t)
{
	struct mqueue *q = f->private;
	u64 count;

	poll_show(t, &q->events);
	count = __atomic_load_n(&q->count, __ATOMIC_ACQUIRE);
	return (count ? POLLIN | POLLRDNORM : 0) | (count < q->depth ? POLLOUT | POLLWRNORM : 0);
}

static const struct file_ops mq_ops = {
	.read = mq_read,
	.seek = mq_seek,
	.poll = mq_poll,
	.release = mq_release,
};

static struct mqueue *find(const char *name)
{
	struct mqueue *q;

	LIST_FOREACH (q, &queues, link) {
		if (strcmp(q->name, name) == 0)
			return q;
	}
	return NULL;
}

/* The default, or what the caller wants within what he may. */
static int choose_size(struct mqueue *q, const struct mq_attr *attr)
{
	const struct process *p = current_process();
	bool root = capable(CAP_SYS_RESOURCE);

	q->depth = MQ_MESSAGES_MAX;
	q->length = MQ_LENGTH_MAX;
	if (attr) {
		if (attr->mq_maxmsg <= 0 || attr->mq_msgsize <= 0)
			return -EINVAL;
		if (attr->mq_maxmsg > (root ? MQ_DEPTH_LIMIT : MQ_MESSAGES_MAX) ||
		    attr->mq_msgsize > (root ? MQ_LENGTH_LIMIT : MQ_LENGTH_MAX))
			return -EINVAL;
		q->depth = (u64)attr->mq_maxmsg;
		q->length = (u64)attr->mq_msgsize;
	}
	return counted_bytes + counted(q) > p->limits[RLIMIT_MSGQUEUE].soft ? -EMFILE : 0;
}

static int create(const char *name, u32 mode, const struct mq_attr *attr, struct mqueue **out)
{
	const struct cred *me = current_cred();
	struct mqueue *q;
	int err;

	if (queue_count >= MQ_QUEUES_MAX && !capable(CAP_SYS_RESOURCE))
		return -ENOSPC;
	if (!sysv_charge(sizeof(*q)))
		return -ENOMEM;
	q = kzalloc(sizeof(*q));
	err = q ? choose_size(q, attr) : -ENOMEM;
	if (err) {
		sysv_uncharge(sizeof(*q));
		kfree(q);
		return err;
	}
	(void)str_copy(q->name, name, sizeof(q->name));
	q->named = true;
	q->refs = 1;
	q->mode = mode & 0777 & ~current_thread()->fs->umask;
	q->uid = me->euid;
	q->gid = me->egid;
	TAILQ_INIT(&q->messages);
	waitq_init(&q->events);
	LIST_INSERT_HEAD(&queues, q, link);
	queue_count++;
	counted_bytes += counted(q);
	*out = q;
	return 0;
}

/* May the caller open the queue this way? */
static int check_open(const struct mqueue *q, u32 flags)
{
	const struct cred *me = current_cred();
	static const u32 wanted[] = {4, 2, 6};
	u32 granted = q->mode;

	if (me->euid == q->uid)
		granted >>= 6;
	else if (me->egid == q->gid)
		granted >>= 3;
	return (wanted[flags & O_ACCMODE] & ~granted) && !capable(CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

static int find_or_create(const char *name, u32 flags, u32 mode, const struct mq_attr *attr,
			  struct mqueue **out)
{
	*out = find(name);
	if (!*out)
		return flags & O_CREAT ? create(name, mode, attr, out) : -ENOENT;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	return (flags & O_ACCMODE) == O_ACCMODE ? -EINVAL : check_open(*out, flags);
}

int mq_open_queue(const char *name, u32 flags, u32 mode, const struct mq_attr *attr, struct file **out)
{
	struct inode *i = NULL;
	struct mqueue *q;
	int err;

	mutex_lock(&mq_lock);
	err = find_or_create(name, flags, mode, attr, &q);
	if (!err) {
		i = inode_create_anon(S_IFREG | q->mode, 0);
		*out = i ? file_create(&mq_ops, i, NULL, flags & (O_ACCMODE | O_NONBLOCK), q) : NULL;
		if (*out)
			q->refs++;
		else
			err = -ENOMEM;
	}
	mutex_unlock(&mq_lock);
	if (err)
		inode_put(i);
	return err;
}

/* The name goes. Lock held. */
static void forget_name(struct mqueue *q)
{
	LIST_REMOVE(q, link);
	q->named = false;
	put_queue(q);
}

int mq_unlink_queue(const char *name)
{
	u32 euid = current_cred()->euid;
	struct mqueue *q;
	int err = 0;

	mutex_lock(&mq_lock);
	q = find(name);
	if (!q)
		err = -ENOENT;
	else if (euid != q->uid && !capable(CAP_FOWNER))
		err = -EPERM;
	else
		forget_name(q);
	mutex_unlock(&mq_lock);
	return err;
}

static int tell(struct process *p, void *arg)
{
	return signal_send(p, arg);
}

/* The first message of an empty queue, and nobody waits for it: who asked is told, once. Lock held. */
static void notify(struct mqueue *q)
{
	const struct process *sender = current_process();
	siginfo_t info;
	int pid = q->notify_pid;

	if (!pid)
		return;
	q->notify_pid = 0;
	if (q->notify.sigev_notify != SIGEV_SIGNAL || !q->notify.sigev_signo)
		return;
	signal_make_info(&info, q->notify.sigev_signo, SI_MESGQ);
	info.si_pid = sender->pid;
	info.si_uid = current_cred()->uid;
	info.si_value = q->notify.sigev_value;
	(void)!process_with(pid, tell, &info);
}

static void insert(struct mqueue *q, struct message *m)
{
	struct message *before;

	TAILQ_FOREACH_REVERSE(before, &q->messages, message_list, link)
	{
		if (before->type >= m->type)
			break;
	}
	if (before)
		TAILQ_INSERT_AFTER(&q->messages, before, m, link);
	else
		TAILQ_INSERT_HEAD(&q->messages, m, link);
	q->bytes += m->len;
	__atomic_store_n(&q->count, q->count + 1, __ATOMIC_RELEASE);
	if (q->count == 1 && !q->receivers)
		notify(q);
	waitq_wake_all(&q->events);
}

static u64 messages_in(const struct mqueue *q)
{
	return __atomic_load_n(&q->count, __ATOMIC_ACQUIRE);
}

/* Puts m into the queue when there is room. */
static int put_message(struct file *f, struct message *m, u64 deadline_ns)
{
	struct mqueue *q = f->private;
	int err;

	for (;;) {
		mutex_lock(&mq_lock);
		err = q->count < q->depth ? 0 : -EAGAIN;
		if (!err)
			insert(q, m);
		mutex_unlock(&mq_lock);
		if (!err || (f->flags & O_NONBLOCK))
			return err;
		err = WAIT_EVENT_UNTIL(&q->events, messages_in(q) < q->depth, deadline_ns);
		if (err)
			return err;
	}
}

int mq_send_message(struct file *f, u32 priority, struct uio *text, u64 deadline_ns)
{
	const struct mqueue *q = f->private;
	struct message *m;
	int err;

	if (f->ops != &mq_ops || !file_writable(f))
		return -EBADF;
	if (text->left > q->length)
		return -EMSGSIZE;
	err = message_new(priority, text, &m);
	if (err)
		return err;
	err = put_message(f, m, deadline_ns);
	if (err)
		message_free(m);
	return err;
}

/* The next message, the caller's; NULL: there is none. Lock held. */
static struct message *take_message(struct mqueue *q)
{
	struct message *m = TAILQ_FIRST(&q->messages);

	if (!m)
		return NULL;
	TAILQ_REMOVE(&q->messages, m, link);
	q->bytes -= m->len;
	__atomic_store_n(&q->count, q->count - 1, __ATOMIC_RELEASE);
	waitq_wake_all(&q->events);
	return m;
}

static int await_message(struct file *f, u64 deadline_ns, struct message **out)
{
	struct mqueue *q = f->private;
	int err = 0;

	mutex_lock(&mq_lock);
	while (!(*out = take_message(q)) && !err) {
		err = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			break;
		q->receivers++;
		mutex_unlock(&mq_lock);
		err = WAIT_EVENT_UNTIL(&q->events, messages_in(q), deadline_ns);
		mutex_lock(&mq_lock);
		q->receivers--;
	}
	mutex_unlock(&mq_lock);
	return *out ? 0 : err;
}

ssize_t mq_receive_message(struct file *f, u32 *priority, struct uio *text, u64 deadline_ns)
{
	const struct mqueue *q = f->private;
	struct message *m;
	ssize_t n;
	int err;

	if (f->ops != &mq_ops || !file_readable(f))
		return -EBADF;
	if (text->left < q->length)
		return -EMSGSIZE;
	err = await_message(f, deadline_ns, &m);
	if (err)
		return err;
	*priority = (u32)m->type;
	n = uio_copy_out(text, m->text, m->len) < m->len ? -EFAULT : (ssize_t)m->len;
	message_free(m);
	return n;
}

int mq_set_notify(struct file *f, const struct sigevent *what)
{
	int pid = current_process()->pid, err = 0;
	struct mqueue *q = f->private;

	if (f->ops != &mq_ops)
		return -EBADF;
	mutex_lock(&mq_lock);
	if (!what) {
		if (q->notify_pid == pid)
			q->notify_pid = 0;
	} else if (q->notify_pid && process_exists(q->notify_pid)) {
		err = -EBUSY;
	} else {
		q->notify_pid = pid;
		q->notify = *what;
	}
	mutex_unlock(&mq_lock);
	return err;
}

int mq_get_attr(struct file *f, struct mq_attr *out)
{
	const struct mqueue *q = f->private;

	if (f->ops != &mq_ops)
		return -EBADF;
	memset(out, 0, sizeof(*out));
	out->mq_flags = f->flags & O_NONBLOCK;
	out->mq_maxmsg = (long)q->depth;
	out->mq_msgsize = (long)q->length;
	out->mq_curmsgs = (long)messages_in(q);
	return 0;
}

void mq_init(void)
{
	mutex_init(&mq_lock, RANK_INODE);
}

/* Names outlive programs, but not the machine. */
void mq_end(void)
{
	struct mqueue *q;

	mutex_lock(&mq_lock);
	while ((q = LIST_FIRST(&queues)))
		forget_name(q);
	mutex_unlock(&mq_lock);
}
