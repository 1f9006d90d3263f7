# Hashes, lists of lists, text that grows, sorting and regular expressions.
use strict;
use warnings;
use integer;

my $work = $ENV{TRESTLE_BENCH_WORK} // 100;
my $state = 1;
sub random { $state = ($state * 1103515245 + 12345) & 0x7fffffff; return ($state >> 8) % $_[0] }

sub rows {
  my @rows = map { { id => $_, name => 'n' x random(300), parts => [1 .. random(12)] } } 1 .. 9000;
  my $bytes = 0;
  $bytes += length($_->{name}) + @{ $_->{parts} } for @rows;
  splice @rows, random(scalar @rows), 1 for 1 .. 1000;
  return $bytes + @rows;
}

sub text {
  my (%seen, $text);
  $text .= join('', map { chr(97 + random(26)) } 1 .. 1 + random(9)) . ' ' for 1 .. 12000;
  $seen{$1}++ while $text =~ /([a-m]\w+)/g;
  my @top = sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen;
  (my $changed = $text) =~ s/([aeiou])/<$1>/g;
  return join ' ', scalar(@top), $top[0], length $changed;
}

my $rounds = 5 * $work / 100 || 1;
print rows(), ' ', text(), "\n" for 1 .. $rounds;
