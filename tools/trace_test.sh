#!/usr/bin/env bash
# What `trestle record`, `replay` and `trace` promise, seen from outside: trace_test.sh TRESTLE [OPS]
# OPS is the program `ops`, where it is built.
set -uo pipefail
trestle=${1:?usage: trace_test.sh TRESTLE [OPS]}
ops=${2-}
. "$(dirname -- "$0")/expect_traces.sh"
python=/usr/bin/python3

# Four threads hand their blocks to one another; each malloc and free is counted by the program itself.
cat >threads.c <<'PROGRAM'
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { kBlocks = 5000, kOpen = 64 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *waiting[kOpen];
static void *work(void *seed) {
  unsigned random = (unsigned)(size_t)seed;
  for (int i = 0; i < kBlocks; ++i) {
    random = random * 1103515245 + 12345;
    char *block = malloc(1 + random % 3000);
    memset(block, 'b', 1 + random % 3000);
    pthread_mutex_lock(&lock);
    char *const other = waiting[random / 65536 % kOpen];
    waiting[random / 65536 % kOpen] = block;
    pthread_mutex_unlock(&lock);
    free(i % 3 != 0 || other == NULL ? other : realloc(other, 1 + random % 5000));
  }
  return NULL;
}
int main(void) {
  pthread_t threads[4];
  for (size_t i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i < kOpen; ++i) free(waiting[i]);
  return 0;
}
PROGRAM
cc -O1 -fno-builtin -w -o threads threads.c -pthread
expect "threads" 0 "" 'threads\.trace: [0-9,]+ calls, 5 threads, peak .* of trace, .*/threads$' "$trestle" record -- ./threads
expect "threads: nothing is lost" 0 '^20000$' "" sh -c "'$trestle' trace show threads.trace --call malloc |
  grep -c 'from threads+'"
expect "a replay on glibc and on each policy" 0 '^glibc  ' 'round 2 of 2' "$trestle" replay threads.trace --rounds 2
cp out out.first
for policy in fast hardened debug; do
  expect "the replay's table: $policy" 0 "^$policy +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+\$" "" cat out.first
done

expect "python" 0 '^done$' 'python3.trace: .* 1 thread, ' "$trestle" record -- $python -c 'print("done")'
expect "sqlite" 0 '^49995000$' 'q.trace: ' "$trestle" record -o q.trace -- sqlite3 :memory: \
  'with recursive n(i) as (select 0 union all select i + 1 from n where i < 9999) select sum(i) from n;'
for trace in python3 q; do
  expect "a replay of $trace" 0 '^hardened ' 'round 1 of 1' "$trestle" replay $trace.trace --rounds 1 --policy hardened
done
expect "the program's status" 7 "" ' calls, ' "$trestle" record -o s.trace -- $python -c 'raise SystemExit(7)'
expect "quiet" 0 "" "" "$trestle" record --quiet -o s.trace -- $python -c pass
descriptors='import os; print(*sorted(int(f) for f in os.listdir("/proc/self/fd")))'
expect "no descriptor more" 0 "^$($python -c "$descriptors" </dev/null)\$" "" "$trestle" record --quiet -o s.trace -- \
  $python -c "$descriptors"

# Each way to end and to become two.
cat >ends.c <<'PROGRAM'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words) {
  for (int i = 0; i < 1000; ++i) free(malloc(123));
  if (strcmp(words[1], "kill") == 0) raise(SIGKILL);
  if (strcmp(words[1], "_exit") == 0) _exit(0);
  if (strcmp(words[1], "quick_exit") == 0) quick_exit(0);
  if (strcmp(words[1], "become") == 0) execl(words[0], words[0], "_exit", (char *)NULL);
  if (strcmp(words[1], "vfork_kill") == 0) {
    if (vfork() == 0) _exit(0);
    raise(SIGKILL);
  }
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 50000; ++i) free(malloc(456));  /* more than one chunk holds */
    if (strcmp(words[1], "exec") == 0) execl(words[0], words[0], "_exit", (char *)NULL);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  if (strcmp(words[1], "fork_kill") == 0) raise(SIGKILL);
  for (int i = 0; i < 1000; ++i) free(malloc(789));
  return 0;
}
PROGRAM
cc -O1 -fno-builtin -w -o ends ends.c
not_ended='not ended: it stops at byte [0-9]+; the process was killed'
expect "killed" 137 "" 'kill.trace: 2,000 calls' "$trestle" record -o kill.trace -- ./ends kill
grep -Eq "^trestle: .*/kill.trace: $not_ended" err || complain "killed" "record does not say that it has not ended"
expect "killed: shown" 0 ' malloc size=123 ' "kill.trace: $not_ended" "$trestle" trace show kill.trace
expect "killed: cut" 0 '^allocate ' "kill.trace: $not_ended" "$trestle" trace cut kill.trace --count 9
expect "killed: exported" 0 "" "kill.trace: $not_ended" "$trestle" trace export kill.trace --rep kill.rep
expect "killed: a replay" 0 '^glibc ' "kill.trace: $not_ended" "$trestle" replay kill.trace --lib glibc --rounds 1
for how in _exit quick_exit; do
  expect "$how" 0 "" 'exit.trace: 2,000 calls' "$trestle" record -o exit.trace -- ./ends $how
  has_ended "$how" exit.trace
done
expect "fork" 0 "" 'fork.trace: 4,000 calls' "$trestle" record -o fork.trace -- ./ends fork
has_ended "fork" fork.trace
expect "fork, and killed" 137 "" "fork_kill.trace: $not_ended" "$trestle" record -o fork_kill.trace -- ./ends fork_kill
expect "vfork, and killed" 137 "" "vfork_kill.trace: $not_ended" \
  "$trestle" record -o vfork_kill.trace -- ./ends vfork_kill
[ "$(counted fork.trace 789) $(counted fork.trace 456)" = "1000 0" ] || complain "fork" "the child wrote into the trace"
[ -z "$(ls fork.trace.* 2>/dev/null)" ] || complain "fork" "the child wrote a trace: $(ls fork.trace.*)"
expect "exec" 0 "" 'exec.trace.[0-9]+: 2,000 calls' "$trestle" record -o exec.trace -- "$PWD/ends" exec
[ "$(counted exec.trace 789)" = 1000 ] || complain "exec" "the parent's calls are not there"
has_ended "exec" exec.trace
expect "become" 0 "" 'become.trace.[0-9]+: 2,000 calls' "$trestle" record -o become.trace -- "$PWD/ends" become
for trace in become.trace become.trace.*; do has_ended "become" "$trace"; done

expect "a file that may not grow" 0 '^done$' 'small.trace: the file cannot be made longer; nothing more is recorded$' \
  env PYTHONMALLOC=malloc bash -c "ulimit -f 64
    '$trestle' record -o small.trace -- $python -c 'x = [[i] for i in range(99999)]; print(\"done\")'"
expect "what may not grow is read" 0 ' thread=0 ' "" "$trestle" trace show small.trace --head 3
expect "a folder that is not there" 0 "" 'no/x.trace: No such file or directory; nothing more is recorded$' \
  "$trestle" record -o no/x.trace -- ./ends _exit

# Operators are recorded as such, and each function's arguments.
cat >family.cpp <<'PROGRAM'
#include <malloc.h>
#include <cstdlib>
#include <new>
struct alignas(64) Wide { char bytes[100]; };
int main() {
  delete new Wide;
  delete[] new char[33];
  ::operator delete(::operator new(44), std::size_t{44});
  void* block = nullptr;
  if (posix_memalign(&block, 256, 55) != 0) return 1;
  block = reallocarray(block, 6, 11);
  free(block);
  free(aligned_alloc(32, 64));
  free(memalign(128, 77));
  free(valloc(88));
  free(calloc(9, 11));
  if (malloc(std::size_t{1} << 60) != nullptr) return 1;
  try {
    delete[] new char[std::size_t{1} << 60];
    return 1;
  } catch (const std::bad_alloc&) {
  }
}
PROGRAM
c++ -std=c++20 -O0 -fno-builtin -w -o family family.cpp
expect "each function" 0 "" 'family.trace: ' "$trestle" record -- ./family
"$trestle" trace show family.trace | grep 'from family+' |
  sed 's/^[0-9]* thread=0 //; s/ slot=.*//; s/ from .*//; /^new.. .*nothing/q' >family.out
cat >family.expected <<'TEXT'
new(align_val_t) size=128 alignment=64
delete(align_val_t) size=128 alignment=64
new[] size=33
delete[]
new size=44
delete(size_t) size=44
posix_memalign size=55 alignment=256
reallocarray size=66
free
aligned_alloc size=64 alignment=32
free
memalign size=77 alignment=128
free
valloc size=88
free
calloc size=99
free
malloc size=1152921504606846976 got nothing
new[] size=1152921504606846976 got nothing
TEXT
diff family.expected family.out >family.diff || complain "each function" "$(cat family.diff)"
expect "each function again" 0 '^debug ' 'round 1 of 1' "$trestle" replay family.trace --rounds 1

# Other formats.
expect "export" 0 "" 'not in that format: 5 threads' "$trestle" trace export threads.trace --rep threads.rep
expect "import" 0 "" "" "$trestle" trace import --rep threads.rep -o again.trace
expect "export again" 0 "" "" "$trestle" trace export again.trace --rep again.rep
cmp -s threads.rep again.rep || complain "import" "what was exported again is another: $(cmp threads.rep again.rep)"
expect "a replay of an import" 0 '^fast ' 'wrote r.html$' \
  "$trestle" replay again.trace --rounds 1 --policy fast --json r.json --html r.html
expect "its JSON" 0 '^fast True$' "" $python -c 'import json; all = json.load(open("r.json"))
print(all["runs"][0]["allocator"], len(all["runs"][0]["resident"]) > 20)'
expect "its page" 0 'Resident memory over the calls' "" cat r.html
printf '1\n1\n1\n1\na 0 1\nq 0\n' >bad.rep
expect "a bad line" 125 "" "^trestle: bad.rep:6: 'q' is no operation" "$trestle" trace import --rep bad.rep -o bad.trace
printf '1\n1\n2\n1\na 0 1\nf 0\n' >tiny.rep
expect "a tiny trace" 0 "" "" "$trestle" trace import --rep tiny.rep -o tiny.trace
expect "shown" 0 '^1 thread=0 free slot=0 from 0x0$' "" "$trestle" trace show tiny.trace
expect "the first line alone" 0 '^0 thread=0 malloc size=1 slot=0 from 0x0$' "" "$trestle" trace show tiny.trace --head 1
expect "a cut" 0 "" 'wrote cut.txt' "$trestle" trace cut threads.trace --from 3000 --count 60 -o cut.txt
if [ -n "$ops" ]; then
  expect "a seed" 0 "" "" "$ops" make heap_ops cut.txt -o seed
  expect "the seed's program" 0 '^reallocate |^free ' "" "$ops" show heap_ops seed
  grep -v '^#' cut.txt | tail -n +2 >cut.ops
  "$ops" show heap_ops seed | grep -v ^stage | cmp -s - cut.ops || complain "a seed" "its program is not the cut"
  expect "a regression" 0 '^TEST\(|Program\{' "" "$ops" cpp heap_ops seed --name FromATrace
fi

# What cannot be read, or done again.
expect "no such trace" 125 "" '^trestle: none.trace: No such file' "$trestle" replay none.trace
expect "no trace" 125 "" '^trestle: tiny.rep: at byte 0: no trace$' "$trestle" trace show tiny.rep
expect "a file that is no trace stays" 2 "" 'tiny.rep is there, and is no trace' "$trestle" record -o tiny.rep -- true
printf '1\n1\n2\n1\na 0 140737488355328\nf 0\n' >large.rep
"$trestle" trace import --rep large.rep -o large.trace
expect "what a malloc refuses" 1 "" 'glibc: ended with status 1: replay: malloc of 140737488355328 bytes returned null$' \
  "$trestle" replay large.trace --rounds 1 --lib glibc
expect "no library" 2 "" '--lib: no file' "$trestle" replay tiny.trace --lib ./none.so
expect "a library that is none" 2 "" 'not a 64-bit shared library' "$trestle" replay tiny.trace --lib ./tiny.rep
expect "the same library twice" 2 "" 'two libraries are called glibc' "$trestle" replay tiny.trace --lib glibc --lib glibc
expect "no program" 2 "" 'record: no program given' "$trestle" record
expect "mistyped option" 2 "" 'record: unknown option --out' "$trestle" record --out x -- true
expect "nothing to cut" 2 "" 'has no call from 9 on' "$trestle" trace cut tiny.trace --from 9

# Cut off wherever it may be: an error that names the byte.
size=$(stat -c %s tiny.trace)
for length in $(seq 0 97 "$size") 4096 $((size - 1)); do
  head -c "$length" tiny.trace >short.trace
  expect "cut off after $length" 125 "" "^trestle: short.trace: at byte [0-9]+: " "$trestle" trace show short.trace
done
expect "a replay of what was cut off" 125 "" 'short.trace: at byte 8191: cut off: the chunk at byte 4096 is of 4096 bytes$' \
  "$trestle" replay short.trace
# At the end of a chunk, too, of a program that was killed or not; and a trace out of which a whole chunk was cut.
for trace in threads kill; do
  size=$(stat -c %s $trace.trace)
  head -c $((size - 4096)) $trace.trace >short.trace
  expect "$trace: cut off at a chunk's end" 125 "" "^trestle: short.trace: at byte $((size - 4096)): cut off: " \
    "$trestle" replay short.trace
done
chunk=$($python -c 'import struct
with open("threads.trace", "rb") as trace:
    trace.seek(4096 + 8)
    print(struct.unpack("<I", trace.read(4))[0])')
(head -c 4096 threads.trace && tail -c +$((4096 + chunk + 1)) threads.trace) >gap.trace
for command in replay "trace show"; do
  expect "a chunk that is missing: $command" 125 "" \
    "^trestle: gap.trace: at byte 4096: this chunk was at byte $((4096 + chunk)): $chunk bytes are missing before it\$" \
    "$trestle" $command gap.trace
done
for command in record replay trace "trace cut"; do
  expect "help $command" 0 'trestle|TRACE' "" "$trestle" $command --help
done

[ -z "$(ls "$TMPDIR")" ] || complain "temporary files" "left behind: $(ls "$TMPDIR")"
end
