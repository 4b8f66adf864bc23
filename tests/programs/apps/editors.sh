# needs: vim.tiny rsync tmux script openssl patch file
# Editors, terminals, ciphers, and the small tools that ask the kernel about itself.
set -u
export TERM=xterm HOME=$PWD
seq 1000 >text
vim.tiny -u NONE -es -c '%s/7/seven/g' -c 'g/^1.*3$/d' -c 'normal ggyyGp' -c 'wq' text </dev/null
echo $?
sha256sum <text
script -qec 'stty -a | head -1; tty; echo "in a terminal"; exit 4' typescript >out 2>/dev/null
echo $?
grep -c 'in a terminal' out

t() { tmux -f /dev/null -S "$PWD/sock" "$@"; }
until_seen() { for _ in $(seq 100); do t capture-pane -p | grep -q "$1" && break; sleep 0.1; done; }
t new-session -d -s one -x 80 -y 24 'sh -c "echo inside; read x; echo got \$x; sleep 99"'
until_seen inside
t send-keys typed Enter
until_seen got
t capture-pane -p | grep .
t list-windows -F '#{window_width}x#{window_height}'
t kill-server
echo $?

mkdir -p src/a/b
seq 5000 >src/a/f
ln -s f src/a/l
echo x >src/a/b/g
chmod 640 src/a/f
rsync -a src/ dst/
echo y >>src/a/b/g
rsync -ai --delete src/ dst/ | sed 's/^[^ ]* //'
diff -r src dst && echo equal

cipher=(-aes-256-cbc -pbkdf2 -pass pass:x -S 0102030405060708)
openssl enc "${cipher[@]}" -in src/a/f -out f.enc 2>/dev/null
sha256sum <f.enc
openssl enc -d "${cipher[@]}" -in f.enc 2>/dev/null | cmp - src/a/f && echo decrypted
openssl req -x509 -newkey rsa:1024 -nodes -keyout k -out c -days 1 -subj /CN=x -config /dev/null 2>/dev/null
echo $?
openssl genpkey -algorithm ed25519 -out e
openssl pkeyutl -sign -rawin -inkey e -in src/a/b/g -out sig
openssl pkeyutl -verify -rawin -inkey e -in src/a/b/g -sigfile sig

cp src/a/f f2
sed -i 's/^99$/ninety-nine/' f2
diff -u src/a/f f2 | sed 's/\t.*//' >d
cp src/a/f f3
patch -s f3 <d && cmp f2 f3 && echo patched
file text f.enc src/a/l | sed 's/, BuildID.*//'
flock lock echo locked
(flock 9; flock -n lock echo no; echo $?) 9>lock

for c in 'setsid sh -c "exit 6"' 'xargs -P 4 -n 1 true' 'chrt -b 0 true' 'taskset 1 true' lscpu free uptime \
	'ps -e' 'pgrep -c nobodys' 'pidof bash' 'getconf PAGESIZE' mount 'lsns -n' 'ipcs' 'findmnt /' 'nproc' 'id -G' 'locale -a' \
	'sysctl kernel.ostype' 'vmstat' 'pmap $$' 'w' 'tty' 'prlimit --nofile=100 true' 'renice 1 $$' 'mcookie'; do
	eval "$c" >/dev/null 2>&1 <<<'1 2 3 4'
	echo "$c: $?"
done
prlimit --nofile=100 bash -c 'ulimit -n'
hexdump -C src/a/b/g
column -t <<<"a b"
