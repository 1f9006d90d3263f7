# What the tests of traces share; sourced, after $trestle is the tool. They go on in an empty directory, which ends with them.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD TRESTLE_OPTIONS TRESTLE_TRACE
mkdir "$work/tmp"
export TMPDIR=$work/tmp
. "$(dirname -- "$0")/expect.sh"
cd "$work" || exit 1

# counted TRACE SIZE: how many calls of malloc it has of that size.
counted() { "$trestle" trace show "$1" --call malloc | grep -c " size=$2 "; }
has_ended() { # NAME TRACE
  local said
  said=$("$trestle" trace show "$2" --head 1 2>&1) || complain "$1" "$2 cannot be shown: $said"
  [[ $said != *"not ended"* ]] || complain "$1" "$2 is said not to have ended"
}
