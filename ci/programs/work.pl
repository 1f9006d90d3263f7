#!/usr/bin/env perl
# Hashes, strings that grow, sorting, regular expressions, closures and a fork. Reads the files given.
use strict;
use warnings;

my %seen;
my $text = '';
for my $path (@ARGV) {
  open my $file, '<', $path or die "$path: $!";
  while (my $line = <$file>) {
    $text .= $line x 3;
    $seen{lc $1}++ while $line =~ /(\w+)/g;
  }
  close $file;
}
my @top = sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen;
print "$_ $seen{$_}\n" for @top[0 .. 19];

my @rows = map { { id => $_, name => 'n' x ($_ % 400), parts => [1 .. $_ % 30] } } 1 .. 30000;
my $bytes = 0;
$bytes += length($_->{name}) + @{ $_->{parts} } for @rows;
print "rows $bytes\n";
splice @rows, int(rand 1) + $_, 1 for reverse 0 .. 9999;
print 'left ', scalar(@rows), "\n";

my @closures = map { my $n = $_; sub { $n * $_[0] } } 1 .. 5000;
my $sum = 0;
$sum += $_->(3) for @closures;
print "closures $sum\n";

(my $changed = $text) =~ s/([aeiou])/<$1>/g;
print 'text ', length($text), ' ', length($changed), ' ', unpack('%32C*', $changed), "\n";

$| = 1;
my $child = fork;
die "fork: $!" unless defined $child;
if ($child == 0) {
  my %more = map { $_ => 'y' x ($_ % 100) } 1 .. 20000;
  print 'child ', scalar(keys %more), "\n";
  exit 5;
}
waitpid $child, 0;
print 'child ended with ', $? >> 8, "\n";
