#!/usr/bin/env bash
# What `trestle conform --fuzz` promises: a bug that random programs do not meet, found by the library's own coverage, made
# small and printed as C; crashes and hangs named; a sound library let go: fuzz_test.sh TRESTLE SOURCES LIBRARIES, the last two
# those of props/broken. The libraries that guide are compiled here, as a user would.
set -uo pipefail
trestle=${1:?usage: fuzz_test.sh TRESTLE SOURCES LIBRARIES}
sources=$(cd -- "${2:?}" && pwd) libraries=$(cd -- "${3:?}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD TRESTLE_OPTIONS
. "$(dirname -- "$0")/../expect.sh"
trestle=$(realpath -- "$trestle")
cd -- "$work" || exit 1  # where inputs are kept
conform=("$trestle" conform --as-built)

# instrumented NAME [FLAG]...: that of props/broken, as NAME.so here.
instrumented() {
  local name=$1
  shift
  clang-19 -O1 -g -D_GNU_SOURCE -fPIC -fvisibility=hidden -fno-builtin -shared -pthread "$@" -o "$name.so" "$sources/$name.c" ||
    complain "$name" "does not compile"
}
counters=-fsanitize-coverage=inline-8bit-counters,pc-table
instrumented none $counters
instrumented rare_sequence $counters
instrumented thread_live -fsanitize=fuzzer-no-link
cat >crash.c <<PROGRAM
#define MALLOC_BYTES(bytes) ((bytes) > 100000 ? (__builtin_trap(), 0) : (bytes))
#include "$sources/base.h"
PROGRAM
cat >hang.c <<PROGRAM
static unsigned long wait(unsigned long bytes) {
  while (*(volatile unsigned long*)&bytes > 100000) {
  }
  return bytes;
}
#define MALLOC_BYTES(bytes) wait(bytes)
#include "$sources/base.h"
PROGRAM
for name in crash hang; do
  clang-19 -O1 -D_GNU_SOURCE -fPIC -fvisibility=hidden -fno-builtin -shared -pthread $counters -o $name.so $name.c ||
    complain $name "does not compile"
done

# The number of programs bounds each run; the time is one that only a hang would take.
fuzz=(--fuzz 900 --seed 1)
expect "no time" 2 "" '--fuzz' "${conform[@]}" "$work/none.so" --fuzz 0
expect "programs without --fuzz" 2 "" '--runs requires --fuzz' "${conform[@]}" "$work/none.so" --runs 5
expect "a case and --fuzz" 2 "" '--case excludes --fuzz' "${conform[@]}" "$work/none.so" --fuzz 5 --case malloc
expect "a corpus that is a file" 2 "" "conform: --corpus: no directory $work/crash\.c: " \
  "${conform[@]}" "$work/none.so" "${fuzz[@]}" --runs 5 --corpus "$work/crash.c"

expect "a sound library" 0 '^none\.so: 300 programs, [1-9][0-9]* of [1-9][0-9]* edges reached, corpus of [1-9][0-9]*$' \
  'op programs on none\.so$' "${conform[@]}" "$work/none.so" "${fuzz[@]}" --runs 300 --corpus "$work/kept"
[ "$(find kept -type f | wc -l)" -gt 5 ] || complain "the corpus" "holds little: $(ls kept)"
kept=$(find kept -type f | wc -l)
expect "the corpus again" 0 '^none\.so: ' "op programs on" \
  "${conform[@]}" "$work/none.so" "${fuzz[@]}" --runs "$kept" --corpus "$work/kept"
expect "a library that nothing guides" 0 '^none\.so: 50 programs, unguided$' \
  '^trestle: .*/none\.so is not instrumented, .* compile it by clang with -fsanitize-coverage=inline-8bit-counters,pc-table$' \
  "${conform[@]}" "$libraries/none.so" "${fuzz[@]}" --runs 50
expect "a bug without a guide" 1 '^realloc_byte\.so \(.*\): contents lost: ' 'is not instrumented' \
  "${conform[@]}" "$libraries/realloc_byte.so" "${fuzz[@]}" --runs 50

# finds NAME RUNS WORDS: within so many programs, with its bytes kept and a C program that shows it, on that library alone.
finds() {
  expect "$1" 1 "^$1\.so \($work/$1\.so\): $3" 'op programs on' "${conform[@]}" "$work/$1.so" "${fuzz[@]}" --runs "$2"
  grep -q "^the program's bytes: conform-$1\.so\.input$" out || complain "$1" "does not say where the bytes are: $(cat out)"
  [ -s "conform-$1.so.input" ] || complain "$1" "did not keep the program's bytes"
  sed -n '/^\/[*] /,$p' out >"$1.program.c"
  cc -fno-builtin -pthread -w -o "$1.program" "$1.program.c" || complain "$1" "its program does not compile"
  expect "$1: its program on a malloc without the bug" 0 '^nothing is wrong$' "" \
    env LD_PRELOAD="$libraries/none.so" "./$1.program"
}
shows() {
  env LD_PRELOAD="$libraries/$1.so" "./$1.program" >said 2>&1
  [[ $? =~ ^(1|134|139)$ ]] || complain "$1" "its program shows nothing: $(cat said)"
}
finds rare_sequence 20000 'usable size is not the request: '
shows rare_sequence
[ "$(grep -c 'malloc(' rare_sequence.program.c)" -le 12 ] || complain "rare_sequence" "its program is not small"
finds thread_live 5000 '(contents lost|memory not zeroed|blocks overlap|ended by signal)'
shows thread_live
finds crash 5000 'ended by signal (Illegal instruction|Trace/breakpoint trap)$'
# A hang is what only a deadline sees.
fuzz+=(--limit 2)
finds hang 5000 'did not end within 2 s$'
end
