#!/usr/bin/env bash
# Refuses an #include in lib/ that points upwards: ci/layers.sh [LIB_DIRECTORY]
# A folder may include its own files, those of folders before it in `order`, the public headers and the system's. The
# public headers include only one another. trace/, beside lib/, includes its own files only: what it records is not ours alone.
set -euo pipefail
lib=${1:-$(dirname -- "$0")/../lib}
order=(base os span block slab heap report leak shim)
[ -d "$lib" ] || {
  echo "ci/layers.sh: no directory $lib" >&2
  exit 2
}
lib=$(cd -- "$lib" && pwd)
cd -- "$lib"

rank_of() {
  local rank
  for rank in "${!order[@]}"; do
    [ "${order[rank]}" != "$1" ] || { echo "$rank" && return; }
  done
  echo none
}

complaints=0
complain() {
  echo "lib/$1: $2" >&2
  complaints=$((complaints + 1))
}

judge() {
  local place=$1 from=$2 to=$3 above below
  above=$(rank_of "$from") below=$(rank_of "${to%%/*}")
  if [[ $to != */* ]]; then
    complain "$place" "\"$to\" does not name its folder"
  elif [ "$from" = include ]; then
    complain "$place" "a public header includes the internal \"$to\""
  elif [ "$above" = none ] || [ "$below" = none ]; then
    complain "$place" "\"$to\" leads from $from to ${to%%/*}, and one of them is no folder of: ${order[*]}"
  elif [ "$below" -gt "$above" ]; then
    complain "$place" "\"$to\" points upwards, from $from to ${to%%/*}"
  fi
}

files=0
while IFS= read -r file; do
  files=$((files + 1))
  while IFS=: read -r line text; do
    if [[ $text =~ \#[[:space:]]*include[[:space:]]*\"([^\"]+)\" ]]; then
      judge "$file:$line" "${file%%/*}" "${BASH_REMATCH[1]}"
    elif [[ $text =~ \#[[:space:]]*include[[:space:]]*\<([^\>/]+/[^\>]+)\> ]] \
      && [[ " ${order[*]} " == *" ${BASH_REMATCH[1]%%/*} "* ]]; then
      complain "$file:$line" "<${BASH_REMATCH[1]}> is a header of the project: name it in quotes"
    fi
  done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' "$file" || true)
done < <(find . -name '*.[hc]pp' -o -name '*.[hc]' | sed 's|^\./||' | sort)

judge_trace() {
  local file line text ours
  ours=trestle$(printf '|%s' "${order[@]}")
  while IFS=: read -r file line text; do
    [[ $text =~ \"trace/ ]] || {
      echo "$file:$line: ${text#*include } is no file of trace/" >&2
      complaints=$((complaints + 1))
    }
  done < <(cd -- "$lib/.." && grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*(\"|<($ours)/)" trace || true)
}
[ ! -d ../trace ] || judge_trace

[ $files -gt 0 ] || complain . "no source files"
[ $complaints -eq 0 ] || exit 1
echo "$files files, no #include points upwards in: ${order[*]}"
