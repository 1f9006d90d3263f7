#!/usr/bin/env bash
# What `trestle run` promises, seen from outside: run_test.sh TRESTLE
set -uo pipefail
trestle=${1:?usage: run_test.sh TRESTLE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD TRESTLE_OPTIONS
mkdir "$work/tmp"
export TMPDIR=$work/tmp
. "$(dirname -- "$0")/expect.sh"

summary='^trestle: [0-9,]+ allocations?, peak [0-9.]+ ([KMG]i)?B live, [0-9.]+ [KMG]iB resident, .*faults: none$'
preloaded='import os; print("[" + " ".join(os.environ.get(n, "") for n in ("LD_PRELOAD", "TRESTLE_OPTIONS")) + "]")'
python=/usr/bin/python3

for policy in fast hardened debug; do
  expect "policy $policy" 0 "^$policy\$" "$summary" \
    env TRESTLE_OPTIONS=leak_check=0 "$trestle" run --policy $policy -- $python -c \
    'import ctypes; f = ctypes.CDLL(None).trestle_policy_name; f.restype = ctypes.c_char_p; print(f().decode())'
done
expect "default policy" 0 '/libtrestle\.so ' "$summary" "$trestle" run -- $python -c "$preloaded"
expect "policy none" 0 '^\[ \]$' "" "$trestle" run --policy none -- $python -c "$preloaded"
expect "options are appended" 0 'decay_ms=5:check_at_exit=1:check_every=1000000:summary=' "$summary" \
  env TRESTLE_OPTIONS=decay_ms=5 "$trestle" run --check --check-every 1000000 -- $python -c "$preloaded"
expect "other preloads stay" 0 '/libtrestle\.so:libm\.so\.6' "$summary" \
  env LD_PRELOAD=libm.so.6 "$trestle" run -- $python -c "$preloaded"
expect "check is counted" 0 "" ' s in [1-9][0-9]* checks?, faults: none$' "$trestle" run --check -- $python -c pass
expect "no dashes needed" 0 '^a -b --quiet$' "$summary" "$trestle" run $python -c \
  'import sys; print(*sys.argv[1:])' a -b --quiet
expect "quiet" 0 "" "" "$trestle" run --quiet -- $python -c pass
expect "processes are added up" 0 "" '^trestle: 2 processes, .*highest peak' "$trestle" run -- $python -c \
  'import subprocess, sys; subprocess.run([sys.executable, "-c", ""])'
expect "an outer run counts an inner one" 0 "" "^trestle: 2 processes, " "$trestle" run -- "$trestle" run -- $python -c pass

expect "exit status" 7 "" "$summary" "$trestle" run -- $python -c 'raise SystemExit(7)'
expect "killed" 137 "" 'no process reported: sh was killed: Killed$' "$trestle" run -- sh -c 'kill -KILL $$'
expect "not found" 127 "" '^trestle: cannot run no-such-program: No such file' "$trestle" run -- no-such-program
expect "not executable" 126 "" '^trestle: cannot run /etc/passwd: Permission denied' "$trestle" run -- /etc/passwd
ln -s loop "$work/loop"
expect "a PATH that cannot be searched" 126 "" '^trestle: cannot run perl: Too many levels' env "PATH=$work/loop:$PATH" \
  "$trestle" run -- perl -e 0
expect "no program" 2 "" 'no program given' "$trestle" run
expect "mistyped option" 2 "" 'unknown option --polcy' "$trestle" run --polcy fast -- true
expect "unknown policy" 2 "" '--policy: nope not in' "$trestle" run --policy nope -- true
expect "check without policy" 2 "" 'need a policy that is not none' "$trestle" run --policy none --check -- true
expect "not a number" 2 "" '--check-every' "$trestle" run --check-every x -- true

# Signals that a process sends reach the program, which says so. A terminal's INT reaches both, so it is not sent again.
listen='import os, signal, sys
for name in sys.argv[1].split(): signal.signal(getattr(signal, name), lambda number, _: sys.exit(number))
os.kill(os.getppid(), getattr(signal, sys.argv[2]))
signal.pause()'
expect "TERM is forwarded" 15 "" "$summary" "$trestle" run -- $python -c "$listen" SIGTERM SIGTERM
expect "HUP is forwarded" 1 "" "$summary" "$trestle" run -- $python -c "$listen" SIGHUP SIGHUP
expect "INT is forwarded" 2 "" "$summary" "$trestle" run -- $python -c "$listen" SIGINT SIGINT
# Here the program has left the terminal's foreground, so that an INT could only be the tool's; the second TERM, which it
# asks for itself, comes behind whatever the tool sent before.
apart='import os, signal
os.setpgrp()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
os.kill(os.getppid(), signal.SIGTERM)
signal.sigwait({signal.SIGTERM})
print("INT" if signal.SIGINT in signal.sigpending() else "nothing")'
terminal='import os, pty, signal, sys
child, terminal = pty.fork()
if child == 0: os.execv(sys.argv[1], [sys.argv[1], "run", "--quiet", "--", sys.executable, "-c", sys.argv[2]])
text = b""
while b"ready" not in text: text += os.read(terminal, 1000)
os.write(terminal, b"\x03")
os.kill(child, signal.SIGTERM)
try:
    while True: text += os.read(terminal, 1000)
except OSError: print("heard", text.decode().replace("^C", " ").split()[-1])'
expect "INT of a terminal is not sent again" 0 '^heard nothing$' "" $python -c "$terminal" "$trestle" "$apart"
expect "TERM kills" 143 "" 'was killed: Terminated' "$trestle" run -- $python -c \
  'import os, signal; os.kill(os.getppid(), signal.SIGTERM); signal.pause()'
expect "the program's INT is as it was" 0 '^True$' "$summary" "$trestle" run -- $python -c \
  'import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)'

# A copy away from its libraries says where it looked; a static program says that it is one.
mkdir "$work/bin" && cp "$trestle" "$work/bin/trestle"
expect "no library" 125 "" 'no libtrestle-fast\.so: neither ' "$work/bin/trestle" run --policy fast -- true
expect "no source directory" 125 "" "source directory is not above $work/bin" "$work/bin/trestle" test
expect "not a source directory" 125 "" "$work is not Trestle's source directory" "$trestle" test --source "$work"
printf '#include <stdio.h>\nint main(void) { puts("static"); }\n' >"$work/static.c"
cc -static -o "$work/static" "$work/static.c"
expect "static program" 0 '^static$' "static is statically linked: the loader keeps" "$trestle" run -- "$work/static"
expect "static program reports nothing" 0 '^static$' "no process reported" "$trestle" run -- "$work/static"

# A check finds two faults: both are told, and the summary names the first one.
cat >"$work/two.c" <<'PROGRAM'
#include <stdlib.h>
int main(void) {
  volatile char *first = malloc(24), *second = malloc(24);
  if (second < first) {
    volatile char *const lower = second;
    second = first;
    first = lower;
  }
  free((void *)second);
  first[24] = 0;
  second[0] = 1;
}
PROGRAM
cc -O0 -w -o "$work/two" "$work/two.c"
expect "the first of two faults" 134 "" 'faults: 2 \(write past end\)$' "$trestle" run --check -- "$work/two"
expect "the second of two faults" 134 "" 'trestle: write after free in the check at exit' "$trestle" run --check -- "$work/two"

cat >"$work/leaks.c" <<'PROGRAM'
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) static void leak(void) {
  for (int i = 0; i < 3; ++i) memset(malloc(1000), 'l', 1000);
}
__attribute__((noinline)) static void wipe(void) {
  volatile char below[4096];
  for (int i = 0; i < 4096; ++i) below[i] = 0;
}
int main(int count, char **words) {
  leak();
  wipe();
  return count - 1;
}
PROGRAM
cc -g -O1 -fno-builtin -fno-omit-frame-pointer -w -o "$work/leaks" "$work/leaks.c"
expect "leaks" 1 "" 'faults: none, leaked: 3 blocks, 2\.9 KiB$' "$trestle" run --leaks -- "$work/leaks"
expect "leaks are reported" 1 "" 'WARNING: trestle: leak in the check at exit$' "$trestle" run --leaks --quiet -- "$work/leaks"
expect "leaks by place" 1 "" 'leaks: 3 blocks, 3000 bytes, from 1 place$' "$trestle" run --leaks --policy debug -- "$work/leaks"
expect "leaks of a program that fails" 2 "" 'leaked: 3 blocks' "$trestle" run --leaks -- "$work/leaks" more words
printf 'leak:^leak$\n' >"$work/by_function"
printf '# none of ours\n*/leaks.c:*\n' >"$work/by_place"
printf 'leaks$\n' >"$work/by_object"
printf 'nobody\n' >"$work/by_nothing"
for by in function place object; do
  expect "leaks suppressed by $by" 0 "" 'leaks: 0 blocks, 0 bytes, from 0 places; suppressed: 1$' \
    env TRESTLE_OPTIONS=leak_suppressions=$work/by_$by "$trestle" run --leaks --policy debug -- "$work/leaks"
done
expect "leaks not suppressed" 1 "" 'leaks: 3 blocks, 3000 bytes, from 1 place$' \
  env TRESTLE_OPTIONS=leak_suppressions=$work/by_nothing "$trestle" run --leaks --policy debug -- "$work/leaks"
expect "no file of suppressions" 1 "" 'no file of suppressions that can be read' \
  env TRESTLE_OPTIONS=leak_suppressions=/nonexistent "$trestle" run --leaks --policy debug -- "$work/leaks"
expect "no leaks" 0 "^abort " 'faults: none$' "$trestle" run --leaks -- "$trestle" options
expect "leaks of a child" 1 "" 'leaked: 3 blocks' "$trestle" run --leaks -- sh -c "$work/leaks; true"
expect "no search for leaks" 125 "" 'leaks were not looked for: no process' \
  "$trestle" run --leaks --quiet -- $python -c 'import os; os._exit(0)'
expect "leaks without policy" 2 "" 'need a policy that is not none' "$trestle" run --policy none --leaks -- true

expect "options table" 0 '^check_at_exit ' "" "$trestle" options
expect "version" 0 '^trestle [0-9]+\.[0-9]+\.[0-9]+$' "" "$trestle" --version
for command in "" run test options; do
  expect "help $command" 0 '^Examples:$' "" "$trestle" $command --help
done

[ -z "$(ls "$TMPDIR")" ] || complain "temporary files" "left behind: $(ls "$TMPDIR")"
end
