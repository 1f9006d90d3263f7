#!/usr/bin/env bash
# What `trestle report` promises, seen from outside, on reports that a library really wrote: report_test.sh TRESTLE LIBRARY DEBUG CC
set -uo pipefail
trestle=${1:?usage: report_test.sh TRESTLE LIBRARY DEBUG CC}
library=${2:?}
debug=${3:?}  # the library of the debug policy
compiler=${4:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset TRESTLE_OPTIONS
. "$(dirname -- "$0")/expect.sh"
cd "$work" || exit 1

cat >twice.c <<'END'
#include <stdlib.h>
void *volatile kept;
int main(void) {
  kept = malloc(20);
  free(kept);
  free(kept);
}
END
"$compiler" -g -O1 -fno-builtin twice.c -o twice || exit 1
for run in 1 2; do
  (ulimit -c 0; TRESTLE_OPTIONS=sample=0:report=json:$work/reports LD_PRELOAD=$library ./twice 2>"printed.$run")
done 2>/dev/null  # where the shell says that it aborted
[ "$(wc -l <reports)" = 2 ] || complain "two processes" "they left $(wc -l <reports) reports"

expect "text" 0 '^==[0-9]+==ERROR: trestle: double free in free\(0x[0-9a-f]+\)$' "" "$trestle" report reports
expect "line" 0 "^    #0 0x[0-9a-f]+ in main .*/twice.c:6 \\($work/twice\\+0x[0-9a-f]+\\)$" "" "$trestle" report reports
# But for the bytes, and the program's path, it is what was printed.
told=$("$trestle" report reports | sed 's/, program .*//')
printed=$(cat printed.1 printed.2 | grep -v -e '^    0x' -e '^  bytes around')
[ "$told" = "$printed" ] || complain "as printed" "$(diff <(echo "$told") <(echo "$printed"))"

(ulimit -c 0; TRESTLE_OPTIONS=sample=0:report=json:$work/debug LD_PRELOAD=$debug ./twice 2>printed.debug) 2>/dev/null
told=$("$trestle" report debug | sed 's/, program .*//')
[ "$told" = "$(grep -v -e '^    0x' -e '^  bytes' printed.debug)" ] || complain "as printed under debug" "$told"
for call in 'allocated:4' 'freed:5'; do
  grep -A1 "^  ${call%:*} by thread" <<<"$told" | grep -q "^    #0 .* in main .*/twice.c:${call#*:} " || complain "$call" "$told"
done

# A leaf of the C library, which keeps no frame: who called it is told all the same; also in a signal handler on its own stack.
cat >far.c <<'END'
#include <signal.h>
#include <stdlib.h>
#include <string.h>
static char *volatile block;
static volatile size_t bytes = 1 << 20;
static void beyond(int number) { memset(block, number, bytes); }
int main(int count, char **arguments) {
  (void)arguments;
  static char memory[16 << 10];
  const stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
  sigaltstack(&stack, NULL);
  const struct sigaction action = {.sa_handler = beyond, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  block = malloc(1000000);
  if (count > 1) raise(SIGUSR1);
  memset(block, 1, bytes);
}
END
"$compiler" -g -O1 -fno-builtin far.c -o far || exit 1
for way in '' handler; do
  rm -f far.reports
  (ulimit -c 0; TRESTLE_OPTIONS=sample=0:report=json:$work/far.reports LD_PRELOAD=$library ./far $way) 2>/dev/null
  python3 -I -S - "${way:+beyond}" <<'END' || complain "beyond the end${way:+ in a handler}" "it says: $(cat far.reports)"
import json, sys
[said] = map(json.loads, open("far.reports"))
assert (said["kind"], said["call"], said["requested"]) == ("access past end", "a write", 1000000)
assert said["stack"][0]["object"].endswith("libc.so.6")
assert any(frame["function"] == (sys.argv[1] or "main") and "/far.c:" in frame["location"] for frame in said["stack"][1:3])
END
done

cat >jump.c <<'END'
#include <stdlib.h>
int main(void) {
  void *volatile block = malloc(1000000);
  free(block);
  ((void (*)(void))block)();
  return 1;
}
END
"$compiler" -g -O1 -fno-builtin jump.c -o jump || exit 1
(ulimit -c 0; TRESTLE_OPTIONS=sample=0:report=json:$work/jump.reports LD_PRELOAD=$library ./jump) 2>/dev/null
python3 -I -S - <<'END' || complain "a jump" "it says: $(cat jump.reports)"
import json
[said] = map(json.loads, open("jump.reports"))
assert (said["kind"], said["call"]) == ("access after free", "a jump")
assert said["stack"][0]["address"] == said["address"] and said["stack"][1]["function"] == "main"
assert said["freed"]["stack"][0]["location"].endswith("/jump.c:4")
END

cat >forked.c <<'END'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  void *volatile kept = malloc(20);
  if (fork() != 0) return wait(NULL) < 0;
  free(kept);
  free(kept);
}
END
"$compiler" -g -O1 -fno-builtin forked.c -o forked || exit 1
(ulimit -c 0; TRESTLE_OPTIONS=sample=0:leak_check=0:report=json:$work/forked.reports LD_PRELOAD=$debug ./forked) 2>/dev/null
python3 -I -S - <<'END' || complain "forked" "it says: $(cat forked.reports)"
import json
[said] = map(json.loads, open("forked.reports"))
assert said["freed"]["thread"] == said["thread"] == said["pid"] != said["allocated"]["thread"]
END

"$trestle" report --sarif reports >sarif || complain "sarif" "exit status $?"
python3 -I -S - sarif "$work" <<'END' || complain "sarif" "it is another"
import json, sys
sarif = json.load(open(sys.argv[1]))
results = sarif["runs"][0]["results"]
assert sarif["version"] == "2.1.0" and len(results) == 2, sarif
place = results[0]["locations"][0]["physicalLocation"]
assert place == {"artifactLocation": {"uri": f"file://{sys.argv[2]}/twice.c"}, "region": {"startLine": 6}}, place
END

expect "stdin" 0 "^==[0-9]+==ERROR: trestle: double free" "" sh -c "\"\$0\" report - <reports" "$trestle"
expect "several files" 0 '"ruleId": "double-free"' "" "$trestle" report --sarif reports reports
: >none
expect "no reports" 0 "" "" "$trestle" report none
expect "no reports as sarif" 0 '"results": \[\]' "" "$trestle" report --sarif none
head -c 300 reports >cut
expect "cut off" 1 "" '^trestle: cut:1: no report: \{"severity"' "$trestle" report cut
cat reports cut >both
expect "a whole one and a part" 1 "" '^trestle: both:3: no report: ' "$trestle" report both
expect "no such file" 1 "" '^trestle: cannot open nowhere$' "$trestle" report nowhere
expect "a folder" 1 "" '^trestle: cannot read \.$' "$trestle" report .
expect "no file named" 2 "" 'FILE is required' "$trestle" report
expect "unknown option" 2 "" '--sarf' "$trestle" report --sarf reports
expect "after the dashes" 2 "" '^trestle: report takes nothing after --: x$' "$trestle" report reports -- x
expect "full disk" 125 "" 'cannot write to stdout' sh -c '"$0" report reports >/dev/full' "$trestle"
end
