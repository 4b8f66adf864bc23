# needs: redis-check-rdb redis-cli redis-benchmark
# options: --memory 512M --cpus 2 --wx linux
# A server at a Unix socket: types, transactions, scripts, saving by a child, the append-only file, a crash.
set -u
# Debian's tools have the server under this name.
start() { (exec -a redis-server redis-check-rdb --port 0 --unixsocket "$PWD/s" --dir "$PWD" --save '' --appendonly yes --appendfsync everysec --daemonize no >>log 2>&1) & server=$!; for _ in $(seq 100); do [ "$(redis-cli -s s ping 2>/dev/null)" = PONG ] && return; sleep 0.1; done; echo no server; tail log >&2; }
r() { redis-cli -s s "$@"; }
start
r set a 1; r incrby a 41; r lpush l x y z; r lrange l 0 -1; r hset h f v g w; r hgetall h | sort
r zadd z 3 c 1 a 2 b; r zrange z 0 -1 withscores; r setex gone 1 v; r eval 'local s = 0; for i = 1, 1000 do s = s + i end; return redis.call("set", KEYS[1], s)' 1 sum; r get sum
printf 'multi\nset b 2\nincr b\nexec\n' | r; r type nothing; r append s tail; r strlen s
for i in $(seq 2000); do echo "set key:$i $((i * 7919))"; done | r | sort | uniq -c | awk '{ print $1, $2 }'
r save; r bgsave | sed 's/ .*//'; while [ "$(r info persistence | tr -d '\r' | sed -n 's/rdb_bgsave_in_progress://p')" != 0 ]; do sleep 0.1; done
r lastsave >/dev/null; ls dump.rdb; r info persistence | tr -d '\r' | grep rdb_last_bgsave_status
r bgrewriteaof >/dev/null; sleep 1.2; r get gone
redis-benchmark -s s -n 2000 -c 10 -q -t set,get,lpush,lrange_100 >bench 2>&1; echo $?; tr '\r' '\n' <bench | grep -c 'requests per second'
redis-benchmark -s s -n 4000 -P 16 -q -t ping >/dev/null 2>&1; echo $?
r dbsize | cat; sleep 1.5; kill -9 $server; wait $server 2>/dev/null; echo $?
redis-check-aof appendonlydir/*.manifest 2>/dev/null | grep -c 'valid'
start
r get key:777; r get a; r lrange l 0 0; (timeout 3 redis-cli -s s subscribe ch | head -6 | tail -3) & for _ in $(seq 25); do [ "$(r publish ch hello)" = 1 ] && break; sleep 0.1; done; wait $!
r shutdown nosave; wait $server; echo $?
