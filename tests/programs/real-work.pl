# SPDX-License-Identifier: MIT
# Processes, pipes, memory and signals as perl uses them; run by real.sh.
use strict;
$| = 1;
my @children;
for my $i (1 .. 5) {
	my $pid = fork;
	exit $i if !$pid;
	push @children, $pid;
}
my $sum = 0;
for (@children) {
	waitpid $_, 0;
	$sum += $? >> 8;
}
print "sum $sum\n";
open(my $out, '|-', 'sort -n') or die;
print $out "$_\n" for (5, 3, 9, 1);
close $out;
open(my $in, '-|', 'seq', '5') or die;
print "got $_" while <$in>;
close $in;
my %h;
$h{ $_ % 977 } .= $_ for 1 .. 50000;
print join(',', map { length $h{$_} } (sort keys %h)[0 .. 9]), "\n";
print `seq 3`;
system("exit 3");
print $? >> 8, "\n";
local $SIG{USR1} = sub { die "signal\n" };
eval { kill USR1 => $$; select(undef, undef, undef, 5); };
print "died of $@";
pipe(my $r, my $w);
if (!fork) {
	close $r;
	print $w "x" x 200000;
	exit;
}
close $w;
local $/;
print length(<$r>), "\n";
