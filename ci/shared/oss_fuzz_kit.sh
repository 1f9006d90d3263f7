# What ci/oss_fuzz.sh and ci/afl.sh share; sourced, from the source directory. An engine's build for OSS-Fuzz: SRC, WORK and OUT
# as its images have them, what OUT has to hold, and who complains.
. ci/shared/cases.sh
complaints=0 complaint=''

# Says what is wrong and goes on; fails, so that a caller can leave off.
complain() {
  echo "${0#./}: $1" >&2
  complaints=$((complaints + 1)) complaint+="${complaint:+; }$1"
  return 1
}

# lay_out [DIR]: fresh directories, and the sources as SRC has them there. OUT is DIR where there is one.
lay_out() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  export SRC=$scratch/src WORK=$scratch/work OUT=$scratch/out
  [ -z "${1-}" ] || OUT=$(realpath -m -- "$1")
  mkdir -p "$SRC" "$WORK" "$OUT"
  ln -s "$PWD" "$SRC/trestle"
}

build_targets() {
  .clusterfuzzlite/build.sh >"$WORK/build.log" 2>&1 </dev/null || {
    cat "$WORK/build.log" >&2
    echo "${0#./}: .clusterfuzzlite/build.sh failed" >&2
    exit 1
  }
}

# unpack_seeds TARGET DIR: side by side, as AFL++ wants them.
unpack_seeds() {
  mkdir -p "$2"
  unzip -q -j -n "$OUT/$1_seed_corpus.zip" -d "$2"
}

# What OUT has to hold for a target.
check_files() {
  local target=$1 before=$complaints stored packed
  [ -f "$OUT/$target" ] || complain "$target: no $target in OUT" || true
  [ ! -f "$OUT/$target" ] || [ -x "$OUT/$target" ] || complain "$target: $target cannot be executed" || true
  [ -s "$OUT/$target.options" ] || complain "$target: no $target.options in OUT" || true
  if [ -s "$OUT/${target}_seed_corpus.zip" ]; then
    stored=$(find "fuzz/corpus/$target" "fuzz/regressions/$target" -type f 2>/dev/null | wc -l)
    packed=$(unzip -Z1 "$OUT/${target}_seed_corpus.zip" | grep -vc '/$' || true)
    [ "$packed" -eq "$stored" ] ||
      complain "$target: ${target}_seed_corpus.zip holds $packed of $stored stored inputs" || true
  else
    complain "$target: no ${target}_seed_corpus.zip in OUT" || true
  fi
  [ $complaints -eq $before ]
}

# for_each_target COMMAND: of those that fuzz/CMakeLists.txt names, which is what the build has to have made. Runs none whose
# files are not whole. Fails where there was a complaint. Each is a case of the script's suite.
for_each_target() {
  local targets target started suite
  suite=$(basename "$0" .sh)
  mapfile -t targets < <(sed -n 's/^fuzz_target(\([a-z_]*\) [0-9].*/\1/p' fuzz/CMakeLists.txt)
  [ ${#targets[@]} -gt 0 ] || complain "no fuzz_target in fuzz/CMakeLists.txt" || true
  for target in "${targets[@]}"; do
    started=$SECONDS complaint=
    : >"$WORK/log"
    ! check_files "$target" || "$1" "$target"
    add_case "$suite" "$target" $((SECONDS - started)) "$complaint" < <(tail -n 50 "$WORK/log")
  done
  write_cases "$suite"
  [ $complaints -eq 0 ]
}
