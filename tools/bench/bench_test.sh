#!/usr/bin/env bash
# What `trestle bench` promises, seen from outside: bench_test.sh TRESTLE, whose build tree holds the workloads.
set -uo pipefail
trestle=${1:?usage: bench_test.sh TRESTLE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD TRESTLE_OPTIONS
mkdir "$work/tmp"
export TMPDIR=$work/tmp
. "$(dirname -- "$0")/../expect.sh"
echo 'int nothing;' | cc -shared -fPIC -x c -o "$work/none.so" -
bench=("$trestle" bench --as-built --rounds 1 --work 1)

expect "list" 0 '^random-live +micro +random sizes' "" "$trestle" bench --list
expect "list of some" 0 '^glibc .*libc\.so\.6$' "" "$trestle" bench --list --workload lua --allocator glibc
expect "unknown workload" 2 "" "no workload's name matches nope; --list names them" "${bench[@]}" --workload nope
expect "unknown allocator" 2 "" "no allocator's name matches nope; --list" "${bench[@]}" --allocator nope
expect "no regular expression" 2 "" 'not a regular expression: \(' "${bench[@]}" --workload '('
expect "base that is not there" 2 "" '--base: jemalloc is not among' "${bench[@]}" --allocator glibc --base jemalloc
expect "mistyped option" 2 "" '--round' "$trestle" bench --round 3
for option in "--rounds 0" "--rounds x" "--work 0"; do expect "$option" 2 "" "${option% *}" "$trestle" bench $option; done
expect "unwritable JSON" 125 "" "^trestle: cannot write to $work/no/a.json\$" "${bench[@]}" --json "$work/no/a.json"
expect "unwritable page" 125 "" "^trestle: cannot write to /proc/a.html\$" "${bench[@]}" --html /proc/a.html
expect "library that is not there" 2 "" '--library: no file /no/such.so$' "${bench[@]}" --library mine=/no/such.so
expect "library that is no library" 2 "" 'not a 64-bit shared library: /etc/passwd' "${bench[@]}" --library mine=/etc/passwd
expect "library without a name" 2 "" 'not NAME=PATH: /etc/passwd' "${bench[@]}" --library /etc/passwd
expect "library whose name is taken" 2 "" 'the name fast is taken' "${bench[@]}" --library fast="$work/none.so"

# Two that the loader takes: one without a malloc, and one whose calloc does not zero.
expect "library without a malloc" 2 "" "none \($work/none.so\) is not at work: malloc is that of .*libc" \
  "${bench[@]}" --library "none=$work/none.so" --allocator 'none|glibc' --workload '^calloc$'
cat >"$work/dirty.c" <<'PROGRAM'
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
static char *next, *end;
void *malloc(size_t size) {
  if (next == NULL) {
    next = mmap(NULL, 1UL << 32, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    end = next + (1UL << 32);
  }
  char *block = next + 16;
  next = block + (size + 15) / 16 * 16;
  if (next > end) return NULL;
  *(size_t *)(block - 16) = size;
  return block;
}
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) {
  char *block = malloc(count * size);
  return memset(block, size == 1 ? 0xAA : 0, count * size);
}
void *realloc(void *old, size_t size) {
  char *block = malloc(size);
  if (old == NULL) return block;
  size_t had = ((size_t *)old)[-2];
  return memcpy(block, old, had < size ? had : size);
}
PROGRAM
cc -shared -fPIC -fno-builtin -O1 -w -o "$work/dirty.so" "$work/dirty.c"
expect "an allocator that is broken" 1 'FAILED: calloc on dirty: ended with status 1: wrong: calloc gave no zero' \
  'calloc on dirty: ended with status 1' "${bench[@]}" --library "dirty=$work/dirty.so" --allocator 'dirty|glibc' --workload '^calloc$'
grep -qE '^calloc +[0-9]+ ms +1\.00 +-$' "$work/out" || complain "an allocator that is broken" "has a figure: $(cat "$work/out")"

expect "a campaign" 0 '^random-live +[0-9]+ ms +[0-9.]+ +[0-9.]+$' "wrote $work/a.html" "${bench[@]}" \
  --workload '^(random-live|fragmentation|latency|perl)$' --allocator '^(glibc|fast)$' --json "$work/a.json" --html "$work/a.html"
grep -qE '^geometric mean +1\.000 +[0-9.]+$' "$work/out" || complain "a campaign" "has no mean: $(cat "$work/out")"
cp "$work/out" "$work/table"
xmllint --noout "$work/a.html" || complain "the page" "is not well-formed"
[ "$(grep -c '<svg' "$work/a.html")" -ge 10 ] || complain "the page" "has too few drawings"
/usr/bin/python3 - "$work/a.json" <<'PROGRAM' || complain "the JSON" "does not hold what it should"
import json, sys
campaign = json.load(open(sys.argv[1]))
runs = {(run["workload"], run["allocator"]): run for run in campaign["runs"]}
assert len(runs) == len(campaign["runs"]) == 8, sorted(runs)
for (workload, allocator), run in runs.items():
    assert run["cpu_seconds"] > 0 and run["wall_seconds"] > 0 and run["peak_rss_kib"] > 1000 and "failure" not in run, run
    assert run["answer"] == runs[workload, "glibc"]["answer"], run
assert runs["latency", "fast"]["figures"]["malloc_p99.99"] > 0
assert len(runs["fragmentation", "fast"]["resident"]) > 10
assert set(campaign["medians"]["perl"]) == {"glibc", "fast"}
assert campaign["means"]["glibc"]["time"] == {"ratio": 1.0, "workloads": 3}
assert campaign["machine"]["cores"] > 0 and campaign["base"] == "glibc"
PROGRAM
# Studies have as many runs as rows, since bars divide one by the other.
expect "rounds" 0 . 'round 4 of 4: latency' "$trestle" bench --as-built --rounds 4 --work 1 --json "$work/rounds.json" \
  --workload '^(calloc|latency)$' --allocator '^glibc$'
/usr/bin/python3 - "$work/rounds.json" <<'PROGRAM' || complain "rounds" "not all workloads have a run in each"
import collections, json, sys
runs = collections.Counter(run["workload"] for run in json.load(open(sys.argv[1]))["runs"])
assert runs == {"calloc": 4, "latency": 4}, runs
PROGRAM
expect "the same from its JSON" 0 . "" "$trestle" bench --from "$work/a.json"
diff "$work/table" "$work/out" || complain "the same from its JSON" "differs"
expect "another base" 0 '^time, as a ratio to fast' "" "$trestle" bench --from "$work/a.json" --base fast
expect "what is no campaign" 125 "" '^trestle: not a campaign: ' "$trestle" bench --from "$work/a.html"
expect "no file" 2 "" 'cannot read /no/such.json' "$trestle" bench --from /no/such.json

# A library that lets the trial of it pass and stops the workload, as a signal that the tool passes on does.
cat >"$work/stop.c" <<'PROGRAM'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
extern char *program_invocation_short_name;
extern void *__libc_malloc(size_t);
void *malloc(size_t size) { return __libc_malloc(size); }
__attribute__((constructor)) static void stop(void) {
  if (strcmp(program_invocation_short_name, "true") != 0) raise(SIGTERM);
}
PROGRAM
cc -shared -fPIC -w -o "$work/stop.so" "$work/stop.c"
expect "stopped" 143 "" '^trestle: bench: stopped by a signal; nothing was written$' \
  "${bench[@]}" --library "stop=$work/stop.so" --allocator stop --workload '^calloc$' --json "$work/none.json"

[ -z "$(ls "$TMPDIR")" ] || complain "temporary files" "left behind: $(ls "$TMPDIR")"
end
