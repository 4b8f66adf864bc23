# needs: perl
# Perl: processes, sockets, sorting, locks, signals.
perl work.pl
echo $?
