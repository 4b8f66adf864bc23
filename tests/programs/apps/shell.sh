# needs: bash find xargs
# Jobs, traps, pipes, redirections, coprocesses, process substitution, limits of the shell itself.
set -u
shopt -s extglob globstar
trap 'echo bye $?' EXIT
trap 'echo usr1' USR1
(kill -USR1 $$)
sleep 5 & p=$!; sleep 0.2; kill -TERM $p; wait $p; echo term $?
sleep 5 & p=$!; sleep 0.2; kill -STOP $p; kill -KILL $p; wait $p 2>/dev/null; echo kill $?
(exit 7) & wait $!; echo $?
for i in 1 2 3 4 5 6 7 8; do (exit $i) & done; wait; echo all
for i in $(seq 200); do (echo $i) & done | sort -n | sha256sum
coproc BC { while read -r l; do echo $((l * 2)); done; }
echo 21 >&"${BC[1]}"; read -r x <&"${BC[0]}"; echo $x; eval "exec ${BC[1]}>&-"; wait "$BC_PID"; echo $?
diff <(seq 10) <(seq 2 11); echo ${PIPESTATUS[0]}
false | true | (exit 3); echo ${PIPESTATUS[*]}
set -o pipefail; false | true; echo $?; set +o pipefail
exec 9>out; echo one >&9; { echo two; ls /nonexistent 2>&1; } >&9; exec 9>&-; cat out
cat <<END | tr a-z A-Z
here $((1 + 2)) and $(echo there)
END
read -r -t 0.2 x < <(sleep 2; echo late); echo timeout $?
f() { local n=$1; ((n < 2)) && { echo 1; return; }; echo $((n * $(f $((n - 1))))); }
f 12
declare -A m; for w in $(seq 3000); do m[$((w % 7))]+=x; done; for k in "${!m[@]}"; do echo $k ${#m[$k]}; done | sort
mapfile -t lines < <(seq 5000); echo ${#lines[@]} "${lines[4999]}"
(ulimit -n 20; for i in $(seq 3 25); do eval "exec $i</dev/null" 2>/dev/null || { echo "stopped"; break; }; done)
(ulimit -t 1; while :; do :; done) 2>/dev/null; echo cpu $?
(ulimit -f 8; head -c 100000 /dev/zero >big 2>/dev/null); echo fsize $?; stat -c %s big
bash -c 'kill -SEGV $$' 2>/dev/null; echo segv $?
bash -c 'trap "" PIPE; yes' 2>/dev/null | head -1; echo ${PIPESTATUS[0]}
yes | head -2 >/dev/null; echo ${PIPESTATUS[0]}
set -m; sleep 0.3 & fg >/dev/null; echo $?; set +m
(set -C; echo x >out) 2>/dev/null; echo noclobber $?
umask 027; touch um; mkdir umd; stat -c %a um umd
( cd /; pwd; cd "$OLDPWD" && echo back )
echo {a..e}{1..3} | wc -w; mkdir -p g/{x,y}/z; touch g/x/z/{1,2}.c; echo g/**/*.c; echo g/!(x)
printf '%(%Y)T\n' 0; printf '%q\n' "a b'c"; [[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[@]}"
bash -n <<<'if true; then' 2>/dev/null; echo syntax $?
exec 5<>fifo5 2>/dev/null; mkfifo ff; exec 6<>ff; echo through >&6; read -r x <&6; echo $x
time_out() { timeout 0.2 bash -c 'while :; do :; done'; }; time_out; echo $?
SECONDS=0; sleep 1; ((SECONDS >= 1 && SECONDS < 6)) && echo slept
getopts ab:c o -b val; echo $o $OPTARG; select x in one two; do echo $x; break; done <<<2 2>/dev/null
