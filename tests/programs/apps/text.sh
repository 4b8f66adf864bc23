# needs: bash grep sed awk zgrep
# grep, sed and awk over a few MB.
awk 'BEGIN { srand(1); for (i = 0; i < 30000; i++) printf "%d user%d /path/%c/%d.html %d\n", i, i * 7919 % 101, 97 + i % 26, i * 31 % 977, i * 7 % 4096 }' >log
wc log; sha256sum <log
grep -c 'user42 ' log; grep -E '/(x|y|z)/[0-9]{2}\.' log | wc -l; grep -oP 'user\K7\d(?= )' log 2>/dev/null | sort -u | tr '\n' ' '; echo
grep -v html log; echo $?; grep -n -m2 'user7 ' log; grep -F -f <(echo 'user1 ') log | md5sum; grep -rl user99 . | sort; zgrep -c a <(gzip -c log)
sed -n '5,7p;100q' log; sed -E 's/user([0-9]+)/\1resu/;s/html/htm/g' log | md5sum; sed -i.bak '1,29990d' log; cat log; mv log.bak log
sed -n '/user50 /{=;p;q}' log; sed '$!N;s/\n/ /' log | wc -l; sed -e ':a' -e '$!{N;5!ba' -e '}' -e 's/\n/+/g' <(seq 4); printf 'a\nb\n' | sed 'i\top' 
awk '{ n[$2] += $4 } END { for (u in n) print u, n[u] }' log | sort -k2,2nr -k1,1 | head -5
awk -F/ '{ c[$3]++ } END { for (k in c) print k, c[k] }' log | sort | head -3
awk 'function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2) } BEGIN { print f(18); print substr("hello", 2, 3), toupper("x"), length("abc"), index("foobar", "bar"), sprintf("%05.1f", 3.14159) }'
awk '{ print > ("out." $1 % 5) } END { close("out.0"); while ((getline l < "out.0") > 0) n++; print n }' log
awk 'BEGIN { "echo sub" | getline x; print x; print "c\nb\na" | "sort"; close("sort"); system("exit 3"); print ENVIRON["A"] }'
diff -u <(head -20 log) <(head -20 log | sed 's/user0 /root /') | tail -n +3; tr -cd '\n' <log | wc -c; rev <<<abc 2>/dev/null
