# needs: sqlite3 seq awk timeout
# Many rows; then a process is killed in the middle of a transaction, and what was committed is there and whole.
sqlite3 big.db <<'X'
pragma journal_mode=delete;
create table t(id integer primary key, name text, v real);
with recursive n(i) as (select 1 union all select i+1 from n where i < 100000)
insert into t select i, printf('name %d', (i * 7919) % 100003), i / 7.0 from n;
create index names on t(name);
select count(*), sum(id), min(name), max(name), round(sum(v), 3) from t;
X
for mode in delete wal; do
	sqlite3 big.db "pragma journal_mode=$mode" >/dev/null
	sqlite3 big.db 'select count(*) from t' >before
	awk 'BEGIN { print "pragma cache_size=20; begin;"; for (i = 1; ; i++) print "update t set v = v + 1 where id = " i * 37 % 100000 ";" }' |
		sqlite3 big.db & killed=$!
	sleep 1
	kill -9 $killed
	wait $killed 2>/dev/null
	ls big.db-journal big.db-wal 2>/dev/null
	sqlite3 big.db 'pragma integrity_check; select count(*), round(sum(v), 3) from t'
done
sqlite3 big.db 'select name, count(*) from t group by substr(name, 6, 2) order by 2 desc, 1 limit 5' 'vacuum' '.dump t' | sha256sum
# Writers that wait for one another.
for w in 1 2 3; do
	for i in $(seq 5); do echo "insert into t(name) values('writer $w');"; done | sqlite3 -cmd '.timeout 20000' big.db &
done
wait
sqlite3 big.db "select name, count(*) from t where name like 'writer%' group by name; pragma integrity_check"
