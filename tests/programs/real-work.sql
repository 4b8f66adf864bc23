-- SPDX-License-Identifier: MIT
-- A write-ahead log, an index, a few thousand rows; run by real.sh.
pragma journal_mode=wal;
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
	insert into t select i, hex(i * i), i / 7.0 from n;
create index tb on t(b);
select count(*), sum(a), max(b) from t;
update t set c = c + 1 where a % 3 = 0;
delete from t where a % 5 = 0;
vacuum;
pragma integrity_check;
select round(sum(c), 3) from t;
