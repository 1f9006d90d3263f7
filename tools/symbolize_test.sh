#!/usr/bin/env bash
# What `trestle symbolize` promises, seen from outside, on reports that a library really wrote: what it makes of one that was
# written without a symbolizer is what the library writes itself with one. symbolize_test.sh TRESTLE LIBRARY CC CXX
set -uo pipefail
trestle=${1:?usage: symbolize_test.sh TRESTLE LIBRARY CC CXX}
library=${2:?}
cc=${3:?}
cxx=${4:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset TRESTLE_OPTIONS DEBUGINFOD_URLS
. "$(dirname -- "$0")/expect.sh"
odd="$work/a in b (c)+0x1f #1 0x2"
mkdir "$odd" "$work/none"
cd "$work" || exit 1

cat >drop.cpp <<'END_OF_SOURCE'
#include <cstdlib>
namespace {
struct Dropper {
  [[gnu::always_inline]] void operator()(void *block, int) const { std::free(block); }
};
template <class Drop>
[[gnu::always_inline]] inline void apply(void *block, Drop drop) { drop(block, 1); asm volatile(""); }
}
extern "C" void drop(void *block) {
  apply(block, Dropper{});
  apply(block, [](void *same, int) { std::free(same); });
  asm volatile("");
}
END_OF_SOURCE
cat >main.cpp <<'END_OF_SOURCE'
#include <cstdlib>
extern "C" void drop(void *);
namespace in {
struct Owner {
  [[gnu::always_inline]] ~Owner() { drop(block); asm volatile(""); }
  void *block = std::malloc(20);
};
[[gnu::noinline]] int own(int (*)(char)) { Owner owner; return 0; }
}
int main() { return in::own(nullptr); }
END_OF_SOURCE
cat >plain.c <<'END_OF_SOURCE'
#include <stdlib.h>
#include <string.h>
char *volatile text;
static inline __attribute__((always_inline)) void fill(size_t size) { memset(text, 'x', size); }
int main(void) {
  text = malloc(24);
  fill(25);
  free(text);
  return 0;
}
END_OF_SOURCE
flags=(-g -O2 -fno-omit-frame-pointer -fno-optimize-sibling-calls)
"$cxx" "${flags[@]}" -fPIC -shared drop.cpp -o "$odd/libdrop.so" &&
  "$cxx" "${flags[@]}" -fPIE -pie main.cpp "$odd/libdrop.so" -o "$odd/pie" &&
  "$cxx" "${flags[@]}" -fno-pie -no-pie main.cpp "$odd/libdrop.so" -o "$odd/fixed" &&
  "$cc" "${flags[@]}" -fno-builtin plain.c -o plain || exit 1

# report FILE SYMBOLIZER PROGRAM: FILE is what it printed, FILE.json what it left.
report() {
  (ulimit -c 0; TRESTLE_OPTIONS=sample=0:symbolizer=$2:report=json:$1.json LD_PRELOAD=$library "$3" 2>"$1") 2>/dev/null
}
# Without what differs between two processes: addresses, numbers of processes, secrets and the bytes that depend on them.
same() {
  sed -E -e '/^    0x/d' -e 's/^==[0-9]+==/==/' -e 's/thread [0-9]+/thread/' -e 's/"(pid|thread)":[0-9]+/"\1":/g' \
    -e 's/"(address|argument|heap_offset|block|expected|found)":"0x[0-9a-f]+"/"\1":/g' -e 's/([^+]|^)0x[0-9a-f]+/\1/g' "$@"
}
# compare NAME WANTED GOT
compare() {
  cat "$2" >left
  cat "$3" >right
  cmp -s left right || complain "$1" "$(diff <(cat -A left) <(cat -A right) | cut -c 1-500)"
}

symbolizers=()
for name in llvm-symbolizer addr2line; do
  path=$(command -v "$name") && symbolizers+=("$path")
done
[ ${#symbolizers[@]} -gt 0 ] || { echo "no symbolizer"; exit 1; }
for program in "$odd/pie" "$odd/fixed" "$work/plain"; do
  name=$(basename "$program").txt
  report "$name" none "$program"
  grep -qF "    #0 " "$name" || complain "$name" "has no report: $(cat "$name")"
  ! grep -q ' in main' "$name" || complain "$name" "tells functions without a symbolizer: $(cat "$name")"
  for symbolizer in "${symbolizers[@]}"; do
    rm -f full full.json
    report full "$symbolizer" "$program"
    grep -qE 'in main .*(main\.cpp|plain\.c):[0-9]+ ' full || complain "$name" "is not told by $symbolizer: $(cat full)"
    "$trestle" symbolize --symbolizer "$symbolizer" "$name" >got 2>err || complain "$name" "exit status $?"
    [ ! -s err ] || complain "$name" "stderr: $(cat err)"
    compare "$name as text, $symbolizer" <(same full) <(same got)
    "$trestle" symbolize --symbolizer "$symbolizer" --json "$name.json" >got.json 2>err || complain "$name" "exit status $?"
    [ ! -s err ] || complain "$name as json" "stderr: $(cat err)"
    compare "$name as json, $symbolizer" <(same full.json) <(same got.json)
    "$trestle" symbolize --symbolizer "$symbolizer" got >again 2>err || complain "$name again" "exit status $?"
    compare "$name again" got again
  done
done
"$trestle" symbolize pie.txt >got
[ "$(grep -c ' in .*0x1f #1 0x2/libdrop.so+0x' got)" -gt "$(grep -c '0x1f #1 0x2/libdrop.so+0x' pie.txt)" ] ||
  complain "inlined" "has no frame of its own: $(cat got)"
"$trestle" symbolize --json pie.txt.json | "$trestle" report - >retold || complain "report -" "exit status $?"
[ "$(grep '^    #' retold)" = "$(grep '^    #' got)" ] || complain "report -" "$(diff retold got)"

# Around and before the frames.
log() { sed -e 's/^/2031-01-02T03:04:05Z app[7]: /' "$1"; }
{ printf 'a\0b\n\n'; log pie.txt; } >logged
{ printf 'a\0b\n\n'; log got; } >wanted
"$trestle" symbolize <logged >out || complain "log" "exit status $?"
compare "log" wanted out
compare "CRLF" <(sed 's/$/\r/' wanted) <(sed 's/$/\r/' logged | "$trestle" symbolize -)
compare "no end of line" <(head -c -1 got) <(head -c -1 pie.txt | "$trestle" symbolize)
long() {
  python3 -I -S - "$1" <<'END_OF_SOURCE'
import sys
lines = open(sys.argv[1]).readlines()
print("#" * 10**6, *("x" * 10**6 + line if "/libc." in line else line for line in lines), end="")
END_OF_SOURCE
}
compare "long lines" <(long got) <("$trestle" symbolize <(long pie.txt))
for i in {1..300}; do cat logged; done >large
for i in {1..300}; do cat large; done >larger
timeout 60 "$trestle" symbolize larger >out || complain "a large file" "exit status $?"
[ "$(grep -c ' in main ' out)" = 90000 ] || complain "a large file" "has $(grep -c ' in main ' out) frames of main"
rm -f larger out

# As it comes.
mkfifo live
"$trestle" symbolize live >out &
exec 4>live
cat pie.txt >&4
for _ in {1..100}; do ! cmp -s out got || break; sleep 0.1; done
compare "live" got out
exec 4>&-
wait

# One process for each object.
printf '#!/bin/sh\necho "$@" >>started\nexec %s "$@"\n' "${symbolizers[0]}" >"$(basename "${symbolizers[0]}")"
chmod +x "$(basename "${symbolizers[0]}")"
PATH=$work:$PATH "$trestle" symbolize logged pie.txt large >out || complain "processes" "exit status $?"
[ "$(wc -l <started) $(sort -u started | wc -l)" = "3 3" ] || complain "processes" "there were others: $(cat started)"

# What nothing is known of.
keeps() { compare "$1" pie.txt out; [ "$(grep -c "$2" err)" = 1 ] && [ "$(wc -l <err)" = 1 ] || complain "$1" "stderr: $(cat err)"; }
printf '#!/bin/sh\necho "$$" >hung\nexec sleep 1000\n' >hangs
printf '#!/bin/sh\nkill -SEGV $$\n' >dies
chmod +x hangs dies
grep -v -e '/libc\.' -e '/libdrop\.' pie.txt >own
mv own pie.txt
expect "dies" 0 . "pie: 2 frames stay as they are: .*/dies was killed: Segmentation fault\$" "$trestle" symbolize --symbolizer "$work/dies" pie.txt
keeps "dies" "/pie: "
expect "hangs" 0 . "pie: 2 frames stay as they are: .*/hangs did not answer within 1 s\$" \
  timeout 20 "$trestle" symbolize --timeout 1 --symbolizer "$work/hangs" pie.txt
keeps "hangs" "/pie: "
! kill -0 "$(cat hung)" 2>/dev/null || complain "hangs" "still runs"
sleep 0.01
cp -p "$odd/pie" built
touch "$odd/pie"
expect "newer" 0 ' in main ' 'pie: it changed after pie.txt was written: its functions and lines may be another' "$trestle" symbolize pie.txt
strip "$odd/pie"
"$trestle" symbolize <pie.txt >out 2>err || complain "stripped" "exit status $?"
mv "$odd/pie" stripped
keeps "stripped" "^trestle: $work/a in b (c)+0x1f #1 0x2/pie: 2 frames stay as they are: it is stripped; it changed after stdin was written\$"
expect "gone" 0 . '/pie: 2 frames stay as they are: cannot open .*/pie: No such file or directory$' "$trestle" symbolize pie.txt
keeps "gone" "/pie: "
mkdir -p "root$odd"
cp -p built "root$odd/pie"
expect "elsewhere" 0 " in main .*0x2/pie\+0x" "" "$trestle" symbolize --sysroot "$work/root" pie.txt

# What is missing.
expect "no symbolizer" 127 '    #1 0x[0-9a-f]+ \(/' '^trestle: no symbolizer: neither llvm-symbolizer nor addr2line is in PATH' \
  env PATH="$work/none" "$trestle" symbolize pie.txt
compare "no symbolizer" pie.txt out
expect "that symbolizer" 127 '^==' '^trestle: no symbolizer: /nowhere: No such file' "$trestle" symbolize --symbolizer /nowhere pie.txt
expect "no such file" 1 '^==' '^trestle: cannot open nowhere: No such file or directory$' "$trestle" symbolize nowhere pie.txt
compare "no such file" pie.txt out
expect "a folder" 1 '^==' '^trestle: cannot read \.: Is a directory$' "$trestle" symbolize pie.txt .
compare "a folder" pie.txt out
expect "into itself" 1 "" '^trestle: cannot read pie.txt: it is the output as well$' sh -c 'ulimit -f 9; "$0" symbolize pie.txt >>pie.txt' "$trestle"
expect "full disk" 125 "" 'cannot write to stdout: No space left' sh -c '"$0" symbolize pie.txt >/dev/full' "$trestle"
expect "nothing" 0 "" "" "$trestle" symbolize
expect "unknown option" 2 "" '--jsn' "$trestle" symbolize --jsn pie.txt
expect "no time" 2 "" 'timeout' "$trestle" symbolize --timeout 0 pie.txt
expect "after the dashes" 2 "" '^trestle: symbolize takes nothing after --: x$' "$trestle" symbolize pie.txt -- x
expect "help" 0 '^Examples:$' "" "$trestle" symbolize --help
end
