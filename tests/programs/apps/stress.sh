# needs: stress-ng
# options: --memory 512M --cpus 2
# Stressors that check what they get, a fixed number of rounds each.
set -u
for s in cpu:8 fork:40 futex:500 pipe:1000 signal:500 switch:500 sigq:100 sem:500 mq:200 vfork:20 clone:20 timer:50; do
	name=${s%%:*}
	timeout 30 stress-ng --verify --quiet --temp-path . "--$name" 2 "--$name-ops" "${s##*:}" --timeout 20 2>err >&2
	echo "$name $?"
	grep -v 'skipping\|info:' err >&2
done
exit 0
