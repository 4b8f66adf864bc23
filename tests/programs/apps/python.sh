# needs: /usr/bin/python3
# options: --memory 512M --cpus 2
# python.d/work.py: json, sqlite3, threads, subprocesses, process pools, mmap, sockets, asyncio.
/usr/bin/python3 -I work.py
