/* SPDX-License-Identifier: MIT */
/*
 * The help texts. docs/moat.1 is the long form of the same; change both together.
 */
#include "usage.h"

const char usage_moat[] =
	"usage: moat run [OPTIONS] PROGRAM [ARGS...]   run a Linux program behind a moat\n"
	"       moat run --help                        its options\n"
	"       moat shell [OPTIONS] [ARGS...]         an interactive shell there\n"
	"       moat version                           print the version\n"
	"       moat --help                            this text\n"
	"\n"
	"The program runs in a virtual machine of its own. It sees the files it is given and nothing else.\n"
	"See moat(1).\n";

const char usage_run[] =
	"usage: moat run [OPTIONS] PROGRAM [ARGS...]\n"
	"\n"
	"Limits\n"
	"  --memory SIZE         memory of the machine, with suffix K, M or G (256M)\n"
	"  --timeout SECONDS     end the program after this time, decimals allowed\n"
	"  --cpus N              processors, 1 to 8 (1)\n"
	"  --nodes N             divide memory and processors among 1, 2 or 4 NUMA nodes (1)\n"
	"What the program sees\n"
	"  --file HOST[:GUEST]   copy a file or a whole folder in; may be repeated\n"
	"  --cwd DIR             working directory (/)\n"
	"  --env NAME=VALUE      set an environment variable; may be repeated\n"
	"  --clear-env           start from an empty environment\n"
	"How it runs\n"
	"  --deterministic       same program and input: same instructions, addresses and output\n"
	"  --no-aslr             no address randomisation for the program\n"
	"  --wx POLICY           strict (no memory writable and executable at once; the rule) or linux\n"
	"  --strict              an unsupported system call or flag ends the program\n"
	"  --accel kvm|tcg|auto  hardware virtualisation, emulation, or what works (auto)\n"
	"What can be seen\n"
	"  --report FILE         write a JSON report; - is standard error\n"
	"  --strace              trace system calls on standard error\n"
	"  --kernel-log          kernel log on standard error\n"
	"  --gdb[=PORT]          wait for gdb on a port of this host (1234)\n"
	"The kernel\n"
	"  --kernel FILE         kernel to boot ($MOAT_KERNEL, or the one installed with moat)\n"
	"  --append WORDS        more words for the kernel command line\n"
	"\n"
	"At a terminal, the program has a terminal of its own there: keys reach it as they are typed. Ctrl-] "
	"three times\n"
	"ends the machine.\n"
	"\n"
	"Exit status: the program's own; 128+N: signal N ended it; 124: time limit; 125: moat itself "
	"failed;\n"
	"126: PROGRAM cannot be executed; 127: PROGRAM not found.\n";

const char usage_shell[] =
	"usage: moat shell [OPTIONS] [--] [ARGS...]\n"
	"\n"
	"Runs busybox's sh, with a command for each of busybox's applets; ARGS are the shell's own (-c "
	"COMMAND).\n"
	"\n"
	"  --shell PROGRAM       another shell, linked statically, with busybox's commands beside it\n"
	"\n"
	"All options of moat run are understood (moat run --help). The environment is small: HOME, PATH, "
	"PS1, SHELL,\n"
	"TERM, USER; --env adds to it. The working directory is /root.\n"
	"\n"
	"Ctrl-] three times within a second or two ends the machine, whatever runs in it.\n";
