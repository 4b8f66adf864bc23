# SPDX-License-Identifier: MIT
# Each line is a finding.
use strict;
use warnings;
use Data::Dumper;
use Digest::SHA qw(sha256_hex);
use Fcntl qw(:flock :seek);
use File::Copy;
use File::Find;
use File::Temp qw(tempdir);
use IO::Handle;
use IPC::Open3;
use POSIX qw(:sys_wait_h);
use Socket;
use Storable qw(freeze thaw);
use Time::HiRes qw(sleep alarm);

$| = 1;
$Data::Dumper::Sortkeys = $Data::Dumper::Indent = 1;

my %n;
$n{ $_ * 7919 % 1009 } .= chr(97 + $_ % 26) for 1 .. 30000;
print sha256_hex(join ",", map { "$_=$n{$_}" } sort { $a <=> $b } keys %n), "\n";

for my $i (1 .. 5) {
	my $p = fork // die;
	exit $i * 3 unless $p;
	waitpid $p, 0;
	print $? >> 8, " ";
}
print "\n";

socketpair(my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
$_->autoflush for $near, $far;
if (!fork) {
	close $near;
	while (<$far>) { print $far uc }
	exit;
}
close $far;
print $near "line $_\n" for 1 .. 3;
shutdown $near, 1;
print <$near>;
wait;

{
	local $SIG{ALRM} = sub { die "alarm\n" };
	eval { alarm 0.1; sleep 5 };
	print $@;
	my ($got, $parent) = (0, $$);
	local $SIG{USR1} = sub { $got++ };
	system "kill -USR1 $parent";
	print "usr1 $got\n";
}

my $dir = tempdir(CLEANUP => 1, DIR => ".");
for (1 .. 30) {
	open my $f, ">", "$dir/f$_" or die;
	flock $f, LOCK_EX;
	print $f $_ x $_;
}
my $bytes = 0;
find(sub { $bytes += -s if -f }, $dir);
print "$bytes\n";
copy "$dir/f7", "$dir/c";
rename "$dir/c", "$dir/r";
print -s "$dir/r", " ", (stat "$dir/r")[2] & 0777, "\n";
open my $rw, "+<", "$dir/r";
seek $rw, 3, SEEK_SET;
print $rw "XY";
seek $rw, 0, SEEK_SET;
print scalar <$rw>, "\n";

my $pid = open3(my $in, my $out, undef, "sort", "-r");
print $in "$_\n" for qw(b c a);
close $in;
print <$out>;
waitpid $pid, 0;
print $?, "\n";
print `echo back \$((6 * 7))`, system("exit 3") >> 8, "\n";
print Dumper(thaw(freeze({ a => [1, 2, { b => undef }] })));
open my $p, "-|", "seq 1000" or die;
my $s = 0;
$s += $_ while <$p>;
close $p;
printf "%d %.10g %s %b %e\n", $s, atan2(1, 1) * 4, 2**64, 37, 1e100;

pipe my $r, my $w;
if (!fork) {
	close $r;
	syswrite $w, "x" x 200000;
	exit;
}
close $w;
my $len = 0;
while (my $k = sysread $r, my $buf, 65536) { $len += $k }
print "$len\n";
wait;
print join("|", "k1=v1;k2=v2" =~ /(\w+)=(\w+)/g), "\n";
exec "echo", "exec", "done";
