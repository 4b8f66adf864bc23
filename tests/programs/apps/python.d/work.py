# SPDX-License-Identifier: MIT
"""Parts of the standard library that lean on the kernel; each prints what it found."""
import asyncio, concurrent.futures, ctypes, fcntl, hashlib, json, mmap, multiprocessing, os, pickle, queue, select
import signal, socket, sqlite3, struct, subprocess, sys, tempfile, threading, time, zlib
from multiprocessing import shared_memory


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def work_json():
    tree = {str(i): [i, i / 7, None, True, {"n": "\u00e4\u20ac" * (i % 5)}] for i in range(3000)}
    text = json.dumps(tree, sort_keys=True, indent=1)
    assert json.loads(text) == tree
    with open("tree.json", "w", encoding="utf-8") as f:
        f.write(text)
    with open("tree.json", encoding="utf-8") as f:
        print("json", digest(f.read().encode()), json.load(open("tree.json"))["7"][1])


def work_sqlite():
    db = sqlite3.connect("work.db")
    db.execute("pragma journal_mode=wal")
    db.execute("create table t(a integer primary key, b text, c real)")
    with db:
        db.executemany("insert into t values(?,?,?)", ((i, f"row {i * 7919 % 5000}", i / 3) for i in range(20000)))
    db.execute("create index by_b on t(b)")
    try:
        with db:
            db.execute("delete from t where a % 2")
            raise KeyError
    except KeyError:
        pass
    print("sqlite", db.execute("select count(*), sum(a), max(b) from t").fetchone(),
          db.execute("pragma integrity_check").fetchone(), os.path.exists("work.db-wal"))
    other = sqlite3.connect("work.db", timeout=0)
    db.execute("begin immediate")
    try:
        other.execute("begin immediate")
    except sqlite3.OperationalError as e:
        print("sqlite", e)
    db.rollback()


def work_threads():
    jobs, done, total, lock = queue.Queue(10), queue.Queue(), [0], threading.Lock()

    def worker():
        while (n := jobs.get()) is not None:
            with lock:
                total[0] += n
            done.put(zlib.crc32(b"x" * n))
    threads = [threading.Thread(target=worker) for _ in range(8)]
    for t in threads:
        t.start()
    for i in range(500):
        jobs.put(i)
    for _ in threads:
        jobs.put(None)
    for t in threads:
        t.join()
    barrier, event = threading.Barrier(5), threading.Event()
    order = [threading.Thread(target=lambda: (barrier.wait(), event.wait())) for _ in range(4)]
    for t in order:
        t.start()
    barrier.wait()
    event.set()
    for t in order:
        t.join(5)
    timer_fired = threading.Event()
    threading.Timer(0.05, timer_fired.set).start()
    print("threads", total[0], done.qsize(), timer_fired.wait(5), threading.active_count() <= 2)


def work_subprocess():
    out = subprocess.run(["sort", "-n"], input="\n".join(map(str, range(999, 0, -1))), capture_output=True, text=True)
    print("subprocess", out.returncode, digest(out.stdout.encode()))
    a = subprocess.Popen(["seq", "1000"], stdout=subprocess.PIPE)
    b = subprocess.Popen(["tail", "-n", "1"], stdin=a.stdout, stdout=subprocess.PIPE)
    a.stdout.close()
    print(b.communicate()[0], a.wait())
    try:
        subprocess.run(["sleep", "9"], timeout=0.2)
    except subprocess.TimeoutExpired as e:
        print(round(e.timeout, 2))
    print(subprocess.run("kill -9 $$", shell=True).returncode,
          subprocess.run([sys.executable, "-c", "import sys; sys.exit(41)"]).returncode,
          subprocess.run(["pwd"], cwd="/", stdout=subprocess.PIPE).stdout,
          subprocess.run(["env"], env={"ONLY": "1"}, stdout=subprocess.PIPE).stdout)
    try:
        subprocess.run(["/nonexistent"])
    except FileNotFoundError as e:
        print(e.errno)


def square(n):
    return n * n, os.getpid() != os.getppid()


def fill(name, at):
    m = shared_memory.SharedMemory(name)
    m.buf[at] = at
    m.close()


def work_processes():
    for method in "fork", "spawn":
        context = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            print(method, sum(n for n, ok in pool.map(square, range(100))))
        near, far = context.Pipe()
        child = context.Process(target=far.send, args=({"a": [1, 2, 3]},))
        child.start()
        print(near.recv(), child.join(), child.exitcode)
    memory = shared_memory.SharedMemory(create=True, size=4096)
    children = [multiprocessing.Process(target=fill, args=(memory.name, i)) for i in range(8)]
    for c in children:
        c.start()
    for c in children:
        c.join()
    print(bytes(memory.buf[:8]))
    memory.close()
    memory.unlink()
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        print([f.result()[0] for f in [pool.submit(square, i) for i in range(10)]])
    value, lock = multiprocessing.Value("i", 0), multiprocessing.Lock()

    def add():
        for _ in range(200):
            with lock:
                value.value += 1
    children = [multiprocessing.Process(target=add) for _ in range(4)]
    for c in children:
        c.start()
    for c in children:
        c.join()
    print("value", value.value)


def work_mmap():
    with tempfile.TemporaryFile(dir=".") as f:
        f.truncate(1 << 20)
        m = mmap.mmap(f.fileno(), 0)
        for i in range(0, 1 << 20, 4096):
            m[i:i + 8] = struct.pack("<Q", i)
        m.flush()
        f.seek(40960)
        print("mmap", struct.unpack("<Q", f.read(8)), m.find(b"\0\0\x01\0", 8), m.resize(8192), len(m))
        private = mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_COPY)
        private[0] = 99
        print(m[0], private[0])
    anon = mmap.mmap(-1, 4096)
    if os.fork() == 0:
        anon[0:5] = b"child"
        os._exit(0)
    os.wait()
    print(anon[0:5])


def work_files():
    with open("f", "wb") as f:
        f.write(b"0123456789" * 1000)
        fcntl.flock(f, fcntl.LOCK_EX)
        with open("f") as g:
            try:
                fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("files locked")
    os.makedirs("a/b/c/d")
    os.symlink("b", "a/l")
    os.replace("f", "a/b/f")
    print(sorted(os.listdir("a/l")), os.stat("a/l/f").st_size, [d for d, _, _ in os.walk("a")])
    fd = os.open("a/b/f", os.O_RDWR)
    print(os.pwrite(fd, b"xx", 5), os.pread(fd, 4, 4), os.posix_fallocate(fd, 0, 20000), os.fstat(fd).st_size,
          os.sendfile(os.open("out", os.O_WRONLY | os.O_CREAT), fd, 0, 100), os.path.getsize("out"),
          os.copy_file_range(fd, os.open("out2", os.O_WRONLY | os.O_CREAT), 1000))


def work_sockets():
    server = socket.socket(socket.AF_UNIX)
    server.bind("sock")
    server.listen()

    def serve():
        c, _ = server.accept()
        with c, c.makefile("rwb") as f:
            for line in f:
                f.write(line.upper())
                f.flush()
    t = threading.Thread(target=serve)
    t.start()
    with socket.socket(socket.AF_UNIX) as c:
        c.connect("sock")
        f = c.makefile("rwb")
        for w in b"one\n", b"two\n":
            f.write(w)
            f.flush()
            print("sockets", f.readline())
        f.close()
    t.join()
    a, b = socket.socketpair()
    r, w = os.pipe()
    socket.send_fds(a, [b"fd"], [w])
    data, fds, _, _ = socket.recv_fds(b, 10, 1)
    os.write(fds[0], b"through")
    poll = select.epoll()
    poll.register(r, select.EPOLLIN)
    print(data, poll.poll(5)[0][1] == select.EPOLLIN, os.read(r, 10))


def work_signals():
    seen = []
    signal.signal(signal.SIGALRM, lambda s, f: seen.append(s))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    while len(seen) < 3:
        signal.pause()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.kill(os.getpid(), signal.SIGUSR1)
    print("signals", seen[:3], signal.sigwaitinfo([signal.SIGUSR1]).si_signo, ctypes.CDLL(None).abs(-5))


async def work_asyncio():
    async def tick(n):
        await asyncio.sleep(0.01 * n)
        return n
    print("asyncio", await asyncio.gather(*map(tick, (3, 1, 2))))
    p = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print(await p.communicate(b"to a child"))

    async def echo(r, w):
        w.write(await r.readline())
        w.close()
    server = await asyncio.start_unix_server(echo, "asock")
    r, w = await asyncio.open_unix_connection("asock")
    w.write(b"line\n")
    print(await r.read())
    w.close()
    server.close()


if __name__ == "__main__":
    for part in (work_json, work_sqlite, work_threads, work_subprocess, work_processes, work_mmap, work_files,
                 work_sockets, work_signals):
        part()
        sys.stdout.flush()
    asyncio.run(work_asyncio())
    print(pickle.loads(pickle.dumps({1: (2, [3])})), time.monotonic() > 0)
