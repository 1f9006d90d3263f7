#!/usr/bin/env bash
# Runs a real program without and with a preload library and compares: ci/programs.sh PROGRAM POLICY LIBRARY_DIR
# What it prints, the files it makes and its exit status must be the same to the byte; no fault may be reported; and the
# library must have been at work, which its summary lines tell. Programs: git python3 sqlite3 perl gxx clang xz redis node.
# POLICY: fast, hardened, debug; sampled: hardened with every allocation a sample. With no arguments: all of them under each
# policy, and g++ sampled, as ctest does.
set -euo pipefail
[ $# -gt 0 ] || exec "$(dirname -- "$0")/test.sh" --preset release -R '^programs\.[^.]+\.(fast|hardened|debug|sampled)$'
usage="usage: ci/programs.sh PROGRAM POLICY LIBRARY_DIR"
program=${1:?$usage} policy=${2:?$usage} library_dir=${3:?$usage}
source_dir=$(cd -- "$(dirname -- "$0")/.." && pwd)
workloads=$source_dir/ci/programs

die() {
  echo "ci/programs.sh: $*" >&2
  exit 1
}

case $policy in
  hardened | sampled) library=$library_dir/libtrestle.so ;;
  fast | debug) library=$library_dir/libtrestle-$policy.so ;;
  *) die "unknown policy '$policy': fast, hardened, debug or sampled" ;;
esac
[ -f "$library" ] || die "no $library"
library=$(readlink -f "$library")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The programs' own settings must not depend on the machine's.
unset LD_PRELOAD TRESTLE_OPTIONS PYTHONPATH PYTHONHOME PERL5LIB NODE_OPTIONS
export HOME=$work/home LC_ALL=C.UTF-8 TZ=UTC PATH=/usr/bin:/bin PYTHONHASHSEED=0 PERL_HASH_SEED=0 GIT_CONFIG_NOSYSTEM=1
mkdir "$HOME"

# needs PACKAGE COMMAND...
needs() {
  local package=$1 command
  shift
  for command in "$@"; do
    command -v "$command" >/dev/null || die "no $command: install Debian's package $package (ci/setup.sh does)"
  done
}

# on COMMAND...: the program under test, with the library in the run that has it; nothing else in a workload has it, so that
# every summary line is the program's or its children's.
preload=()
on() {
  echo "$1" >>"$work/started"
  env "${preload[@]}" "$@"
}

# A workload's result does not depend on where it runs. prepare_X makes, without the library, what X reads; X works in an
# empty directory of its own, given the input's, and leaves its result there and on stdout.
prepare_git() {
  needs git git
  git config --global safe.directory '*'
  git config --global user.name A && git config --global user.email a@example.org
  git config --global gc.autoDetach false
  local from=$source_dir
  if [ "$(git -C "$from" rev-parse --is-shallow-repository 2>/dev/null)" != false ] ||
    ! git -C "$from" rev-parse -q --verify HEAD >/dev/null; then
    make_history "$1/made"
  else
    git clone -q --bare --no-local "$from" "$1/made"  # so that all runs see the same history, whatever is committed meanwhile
  fi
  from=$1/made
  git -C "$from" rev-parse HEAD >/dev/null || die "git finds no history in $from"
  echo "$from" >"$1/from"
}
make_history() {
  git init -q "$1"
  (
    cd "$1"
    for number in $(seq 300); do
      printf 'line %s\n' $(seq "$number") >"file-$((number % 7))"
      git add . && git commit -q -m "commit $number"
    done
  )
}
run_git() {
  on git clone -q --no-local "$(cat "$1/from")" clone
  on git -C clone log --stat -p --format=fuller
  on git -C clone -c pack.threads=2 gc -q --aggressive --prune=now
  on git -C clone fsck --full --strict
  on git -C clone rev-list --objects HEAD
  rm -r clone  # an index holds times, a pack the order in which threads found deltas
}

prepare_python3() { needs python3 python3; }
run_python3() { on python3 "$workloads/work.py"; }

prepare_sqlite3() { needs sqlite3 sqlite3; }
run_sqlite3() { on sqlite3 -bail made.db <"$workloads/work.sql"; }

prepare_perl() { needs perl perl; }
run_perl() { on perl "$workloads/work.pl" "$source_dir"/tools/*.cpp; }

compile() {
  on "$1" -std=c++20 -O2 -I"$source_dir/lib" -I"$source_dir/lib/include" -c "$source_dir/lib/base/fault.cpp" -o fault.o
  on "$1" -std=c++20 -O1 -g "-ffile-prefix-map=$PWD=." -c "$source_dir/tools/child.cpp" -o child.o
}
prepare_gxx() { needs g++ g++; }
run_gxx() { compile g++; }
prepare_clang() { needs clang-19 clang++-19; }
run_clang() { compile clang++-19; }

prepare_xz() {
  needs xz-utils xz
  # Some 15 MB that compress, the same on every machine: several blocks for two threads.
  seq 1 2000000 >"$1/plain"
}
run_xz() {
  on xz -T2 -3 --block-size=2MiB -c "$1/plain" >packed.xz
  on xz -T2 -dc packed.xz | cmp - "$1/plain"
  on xz --list --robot packed.xz | grep -v '^name'
}

prepare_redis() { needs redis-server redis-server && needs redis-tools redis-benchmark redis-cli; }
# The server says when it is ready, so nobody has to guess; what a benchmark measures is no result to compare.
run_redis() {
  local line socket=$work/redis.sock
  mkfifo said
  on redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no --lazyfree-lazy-user-del yes --dir . >said &
  local server=$!
  exec 8<said
  while read -r line <&8; do [[ $line != *"eady to accept connections"* ]] || break; done
  [[ $line == *"eady to accept connections"* ]] || die "redis-server did not start: $line"
  cat <&8 >/dev/null &
  on redis-benchmark -s "$socket" -q -n 10000 -c 20 -t set,get,lpush,lpop,sadd,hset,zadd >/dev/null
  on redis-cli -s "$socket" flushall
  on redis-cli -s "$socket" <"$workloads/work.redis"
  on redis-cli -s "$socket" shutdown nosave
  wait $server
  exec 8<&-
  rm -f said
}

prepare_node() { needs nodejs node; }
run_node() { on node "$workloads/work.js"; }

# run_in NAME: the workload in $work/NAME, ended by its first failing command. Not to be called in a condition, where bash
# would run on past that. A program may leave helpers behind, which end after it and have a summary line of their own: they
# hold stderr, so its end is theirs.
run_in() {
  local status
  mkdir "$work/$1"
  set +e
  (
    set -e
    cd "$work/$1"
    "run_$program" "$work/input" >stdout
  ) 2>&1 | cat >"$work/$1.stderr"
  status=${PIPESTATUS[0]}
  set -e
  echo "exit status $status" >"$work/$1/status"
}

declare -F "prepare_$program" >/dev/null || die "unknown program '$program': git python3 sqlite3 perl gxx clang xz redis node"
mkdir "$work/input"
"prepare_$program" "$work/input"

run_in plain
options=summary=$work/summary
heap=$policy  # as its summary names it
[ "$policy" != sampled ] || options=sample=1:$options heap=hardened
[ "$policy" != debug ] || options=check_at_exit=1:leak_check=0:$options  # what they leak they print no line of
: >"$work/summary"
: >"$work/started"
preload=("LD_PRELOAD=$library" "TRESTLE_OPTIONS=$options")
run_in trestle

# ---- the verdict ----
show() {
  echo "--- stderr without:" && tail -n 20 "$work/plain.stderr"
  echo "--- stderr with:" && tail -n 40 "$work/trestle.stderr"
  echo "--- summary:" && tail -n 20 "$work/summary"
}
refuse() {
  show >&2
  die "$program, $policy: $*"
}

[ "$(cat "$work/plain/status")" = "exit status 0" ] || refuse "fails without the library: $(cat "$work/plain/status")"
[ -s "$work/plain/stdout" ] || [ "$(find "$work/plain" -type f | wc -l)" -gt 2 ] || refuse "the workload made nothing"
diff -rq "$work/plain" "$work/trestle" >"$work/differences" ||
  refuse "differs with the library: $(cat "$work/differences" "$work/trestle/status")"
! grep -qi 'trestle' "$work/trestle.stderr" || refuse "the library had something to say"
! grep -q '"faults":[1-9]' "$work/summary" || refuse "a fault was reported"
lines=$(grep -c '"policy":"'"$heap"'".*"allocations":[1-9]' "$work/summary" || true)
started=$(wc -l <"$work/started")
[ "$lines" -ge "$started" ] || refuse "$lines processes reported allocations, but $started were started"
if [ "$policy" = debug ]; then
  ! grep -q '"checks":0[,}]' "$work/summary" || refuse "a process ended without its heap check"
fi
total=$(grep -o '"allocations":[0-9]*' "$work/summary" | awk -F: '{sum += $2} END {print sum}')
echo "$program, $policy: the same as without it; $total allocations in $lines processes, no fault"
