# needs: lua5.4 bc m4 jq awk xmllint dash busybox
# Smaller languages and calculators.
lua5.4 -e 'local t = {} for i = 1, 50000 do t[i] = (i * 7919) % 100003 end table.sort(t) print(t[1], t[25000], #t) local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(c(), c(), c()) print(string.format("%5.2f %q", math.pi, "a\nb"), ("hello world"):gsub("o", "0")) local f = io.open("l", "w") f:write(("line\n"):rep(1000)) f:close() local n = 0 for _ in io.lines("l") do n = n + 1 end print(n, io.popen("echo popen"):read("a"), os.execute("exit 4")) print(pcall(error, "x")) os.remove("l") print(os.rename("l", "m"))'
printf 'scale=60; 4*a(1); 2^200\ndefine f(n) {\nif (n < 2) return (1)\nreturn (n * f(n - 1))\n}\nf(40)\n' | bc -l
printf 'define(`fact'\'', `ifelse($1, 0, 1, `eval($1 * fact(decr($1)))'\'')'\'')fact(10) esyscmd(`echo shell'\'')len(`word'\'')\n' | m4
seq 500 | jq -s 'map({k: (. % 7 | tostring), v: .}) | group_by(.k) | map({key: .[0].k, value: (map(.v) | add)}) | from_entries' -c
jq -n '[range(2000)] | map(tostring) | join("-") | length, (now > 0), ("2020-01-02T03:04:05Z" | fromdate), ([1,[2,3]] | flatten | @csv)'
printf '<r><a n="1">x</a><a n="2">y &amp; z</a></r>' >x.xml; xmllint --xpath '//a[@n="2"]/text()' x.xml; xmllint --format x.xml; xmllint --noout x.xml; echo $?; echo '<r><a></r>' | xmllint - 2>/dev/null; echo $?
cat >s.sh <<'X'
i=0; while [ $i -lt 300 ]; do i=$((i + 1)); (exit $((i % 5))) || n=$((${n:-0} + 1)); done; echo $i $n
f() { echo "f $*" | sed 's/f/g/'; }; f 1 2; set -- a b c; shift; echo $# "$@"; case abc in a*) echo case;; esac
trap 'echo trapped' TERM; kill -TERM $$; cat <<Y | tr a-z A-Z
here
Y
x=$(printf '%s\n' c a b | sort | tr '\n' ,); echo "$x"; for w in $(seq 40); do printf x >f$w; done; ls f* | wc -l; rm f*; wait; (sleep 0.1; echo late) & wait; exec 3>fd; echo to >&3; cat fd; ulimit -n >/dev/null; umask 077; >um; ls -l um | cut -c1-10; test -s um; echo $?; read l <fd; echo $l; unset l; echo ${l:-gone} ${l+no} $((0x1f + 010))
X
dash s.sh; busybox sh s.sh
dash -c 'kill -9 $$' ; echo $?
busybox awk 'BEGIN { for (i = 0; i < 1000; i++) s += i; print s }'
busybox sh -c 'seq 100 | busybox sort -rn | busybox head -2; busybox find . -name "*.xml"; busybox tar c x.xml | busybox gzip | busybox gunzip | busybox tar t'
