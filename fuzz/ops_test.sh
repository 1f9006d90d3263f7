#!/usr/bin/env bash
# The program `ops`: ops_test.sh OPS COMPILER SOURCE
set -euo pipefail
ops=$1 compiler=$2 source=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

complain() {
  echo "ops_test.sh: $1" >&2
  exit 1
}
# refuses TEXT COMMAND...: it fails, and says so.
refuses() {
  local text=$1
  shift
  if "$@" >"$work/out" 2>"$work/err"; then complain "succeeded: $*"; fi
  grep -qF -- "$text" "$work/err" || complain "$* says $(cat "$work/err") instead of $text"
}

cat >"$work/program.txt" <<'TEXT'
stage policy=debug buffer_bytes=0 skew=0 zeroed=0
allocate slot=3 size=100 alignment=64 kind=new
check                                     # a comment
reallocate slot=3 size=5000

free slot=3
TEXT

# Text, input and text again.
"$ops" make heap_ops "$work/program.txt" --output "$work/input"
[ "$(stat -c %s "$work/input")" -eq 40 ] || complain "an input of four ops has $(stat -c %s "$work/input") bytes"
"$ops" show heap_ops "$work/input" >"$work/shown.txt"
diff <(sed 's/ *#.*//; /^$/d' "$work/program.txt") "$work/shown.txt" || complain "show differs from what make was given"

# A test in C++, which compiles, for every target: each op that only some have, each type of a field, both engines.
"$ops" cpp heap_ops "$work/input" --name "lost tail 2" >"$work/regression.cpp"
grep -q 'TEST(Regression, losttail2)' "$work/regression.cpp" || complain "cpp does not use the name"
grep -q ' = run_on_heap(program);' "$work/regression.cpp" || complain "cpp prints a test of another heap than the target's"
# adds TARGET NAME < text
adds() {
  cat >"$work/$2.txt"
  "$ops" make "$1" "$work/$2.txt" -o "$work/$2"
  "$ops" cpp "$1" "$work/$2" >>"$work/regression.cpp"
}
adds block_heap_ops resized <<'TEXT'
stage policy=hardened buffer_bytes=4096 skew=16 zeroed=1
allocate slot=0 size=9223372036854775808 alignment=65536 kind=malloc
grow by=64
shrink by=32
relocate skew=16
TEXT
grep -q ' = run_on_buffer(program);' "$work/regression.cpp" || complain "cpp prints a test of another engine"
grep -q 'size = 9223372036854775808U,' "$work/regression.cpp" || complain "cpp prints a size that no signed type holds as such"
adds misuse mistaken <<'TEXT'
stage policy=fast
allocate_zeroed slot=3 size=100 kind=new[]
misuse slot=3 what=write_past_end by=4294967295
TEXT
adds corrupt overwritten <<'TEXT'
stage policy=debug
corrupt what=header at=5
TEXT
adds oom refused <<'TEXT'
stage policy=fast refuse_nth=3 refuse_every=2
run_on thread=1
sized_free slot=3
trim keep=0
wait milliseconds=5
set what=dirty_bytes to=4096
end_thread
TEXT
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I"$source/fuzz" -I"$source/lib" -I"$source/lib/include" \
  "$work/regression.cpp" || complain "what cpp prints does not compile"

# The same of a heap of units, whose stage has a page size.
printf '%s\n' 'stage policy=fast buffer_bytes=600 skew=1 zeroed=1 page_bytes=256' 'allocate slot=1 size=20 alignment=16 kind=malloc' \
  >"$work/units.txt"
"$ops" make bitmap_heap_ops "$work/units.txt" -o "$work/units"
"$ops" show bitmap_heap_ops "$work/units" | diff "$work/units.txt" - || complain "show differs from what make was given"
"$ops" cpp bitmap_heap_ops "$work/units" --name units >"$work/units.cpp"
grep -q ' = run_on_bitmap(program);' "$work/units.cpp" || complain "cpp prints a test of another heap than the target's"
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I"$source/fuzz" -I"$source/lib" -I"$source/lib/include" \
  "$work/units.cpp" || complain "what cpp prints does not compile"

# The same of threads at once, for the program of tests whose heap takes steps.
printf '%s\n' 'stage policy=hardened buffer_bytes=0 skew=0 zeroed=0 processors=3' 'preempt steps=5' 'run_on thread=1' \
  'allocate slot=1 size=20 alignment=16 kind=malloc' >"$work/threads.txt"
"$ops" make threads "$work/threads.txt" -o "$work/threads"
"$ops" show threads "$work/threads" | diff "$work/threads.txt" - || complain "show differs from what make was given"
"$ops" cpp threads "$work/threads" --name Interrupted >"$work/threads.cpp"
grep -q ' = run_on_threads(program);' "$work/threads.cpp" || complain "cpp prints a test of another heap than the target's"
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I"$source/fuzz/stepped" -I"$source/fuzz" -I"$source/lib" \
  -I"$source/lib/include" "$work/threads.cpp" || complain "what cpp prints does not compile"

# A target that fails, in two ways, on programs that hold certain ops: shrink keeps the way, and only the ops for it.
mkdir "$work/bin"
cp "$ops" "$work/bin/ops"
cat >"$work/bin/heap_ops" <<SCRIPT
#!/usr/bin/env bash
text=\$("$ops" show heap_ops "\${!#}")
[[ \$text == *allocate*free* ]] || exit 0
if [[ \$text == *reallocate* ]]; then echo "ERROR: contents lost (byte \$\$)" >&2; else echo "ERROR: blocks overlap (\$\$)" >&2; fi
exit 77
SCRIPT
chmod +x "$work/bin/heap_ops"
"$work/bin/ops" shrink heap_ops "$work/input" -o "$work/small" >"$work/small.txt"
printf '%s\n' '# contents lost' 'stage policy=debug buffer_bytes=0 skew=0 zeroed=0' 'reallocate slot=3 size=5000' \
  'free slot=3' | diff - "$work/small.txt" || complain "shrink does not leave what matters"
"$ops" show heap_ops "$work/small" | diff <(tail -n +2 "$work/small.txt") - || complain "shrink writes another input"

# What is wrong is named.
printf 'stage policy=debug\nallocate slot=64\n' >"$work/bad"
refuses "$work/bad:2: '64' is no value of 'slot'" "$ops" make heap_ops "$work/bad"
printf 'grow by=16\n' >"$work/foreign"
refuses "$work/foreign: heap_ops has no input for its stage, or an op" "$ops" make heap_ops "$work/foreign"
printf 'stage buffer_bytes=20000\n' >"$work/large"
refuses "$work/large: block_heap_ops has no input for its stage" "$ops" make block_heap_ops "$work/large"
printf 'stage buffer_bytes=600 page_bytes=300\n' >"$work/pages"
refuses "$work/pages:1: page_bytes is 300, no power of two from 256 to 4096" "$ops" make bitmap_heap_ops "$work/pages"
printf 'stage buffer_bytes=600 page_bytes=512\n' >"$work/pages"
refuses "$work/pages: block_heap_ops has no input for its stage" "$ops" make block_heap_ops "$work/pages"
refuses "'nothing' is no target of op programs: heap_ops block_heap_ops bitmap_heap_ops" "$ops" show nothing "$work/input"
refuses "/nowhere" "$ops" show heap_ops /nowhere
refuses "cannot write /nowhere/x" "$ops" show heap_ops "$work/input" -o /nowhere/x
printf 'stage\ncheck\n' >"$work/sound.txt"
"$ops" make heap_ops "$work/sound.txt" -o "$work/sound"
refuses "$work/sound does not fail under heap_ops" "$work/bin/ops" shrink heap_ops "$work/sound"

# An input that hangs fails as any other, also where the target has taken the alarm away.
printf 'free slot=3\n' >"$work/hang.txt"
"$ops" make heap_ops "$work/hang.txt" -o "$work/hang"
cat >"$work/bin/heap_ops" <<'SCRIPT'
#!/usr/bin/env bash
exec perl -e 'alarm 0; while (-s $ARGV[0] > 8) {}' "$1"
SCRIPT
"$work/bin/ops" shrink heap_ops "$work/hang" >"$work/small.txt"
head -n 1 "$work/small.txt" | grep -q '^# signal CPU time limit' || complain "a hang is called $(head -n 1 "$work/small.txt")"

rm "$work/bin/heap_ops"
refuses "heap_ops: No such file" "$work/bin/ops" shrink heap_ops "$work/input"
