#!/usr/bin/env bash
# Builds the image and runs the tool in it: ci/container.sh [--engine docker|buildah] [-- ARGS OF THE TOOL]
# With Docker where an engine answers; else with buildah, which needs none, on a base image made here from Debian packages.
# What is found lies in build/container/corpus. The exit status is that of what ran.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
image=localhost/trestle
base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
suite=bookworm
uid=1000  # the image's user
corpus=$PWD/build/container/corpus

die() {
  echo "ci/container.sh: $1" >&2
  exit "${2-125}"
}

engine=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [ "$1" = --engine ] || die "unknown option '$1': [--engine docker|buildah] [-- ARGS]" 2
  [[ ${2-} =~ ^(docker|buildah)$ ]] || die "--engine is docker or buildah, not '${2-}'" 2
  engine=$2
  shift 2
done
shift $(($# > 0))
if [ -z "$engine" ]; then
  engine=buildah
  ! docker info >/dev/null 2>&1 || engine=docker
fi

# Another user's directory would be root's in the container, where the image's user cannot write to it.
[ "$engine" = docker ] || [ "$(id -u)" -eq 0 ] || die "buildah needs root here: run this as root, or start Docker"

# The image's user must be able to write to what is the host's directory.
mkdir -p "$corpus"
as=()
if [ "$(id -u)" -eq 0 ]; then
  chown "$uid:$uid" "$corpus"
else
  as=(--user "$(id -u):$(id -g)")
fi

# The Debian archives that this machine takes its packages from, one line each, if it is of the same release: a mirror that
# works here works there.
apt_sources() {
  local files=() file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || files+=("$file")
  done
  [ ${#files[@]} -eq 0 ] || awk -v suite="$suite" '
    function ours(name) {return name ~ "^" suite "(-updates|-security)?$"}
    function flush(u, s, i, j, n, m) {
      n = split(uris, u, " "); m = split(suites, s, " ")
      if (types ~ /(^| )deb( |$)/ && components ~ /(^| )main( |$)/)
        for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) if (ours(s[j])) print "deb", u[i], s[j], components
      types = uris = suites = components = ""
    }
    FNR == 1 {flush()}
    /^[ \t]*#/ {next}
    /^[ \t]*$/ {flush(); next}
    /^Types:/ {sub(/^[^:]*: */, ""); types = $0; next}
    /^URIs:/ {sub(/^[^:]*: */, ""); uris = $0; next}
    /^Suites:/ {sub(/^[^:]*: */, ""); suites = $0; next}
    /^Components:/ {sub(/^[^:]*: */, ""); components = $0; next}
    /^deb / {sub(/ \[[^]]*\]/, ""); if (ours($3) && / main( |$)/) print}
    END {flush()}' "${files[@]}"
}

# What Debian's slim image is: minbase, without manuals and translations.
make_base() {
  local tar=$PWD/build/container/base.tar sources proxy=() http_proxy_of_apt=
  echo "ci/container.sh: making a base image from Debian $suite" >&2
  sources=$(apt_sources)
  eval "$(apt-config shell http_proxy_of_apt Acquire::http::Proxy)"
  [ -z "$http_proxy_of_apt" ] || proxy=(--aptopt="Acquire::http::Proxy \"$http_proxy_of_apt\"")
  [[ $sources != *https:* ]] || proxy+=(--include=ca-certificates)
  # Without an archive of our own mmdebstrap takes Debian's.
  mmdebstrap --quiet --variant=minbase --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "${proxy[@]}" "$suite" "$tar" ${sources:+"$sources"} >&2
  container=$(b from scratch)
  b add -q "$container" "$tar" / >/dev/null
  b commit -q "$container" "$base" >/dev/null
  remove_container
  rm "$tar"
}

b() { buildah --storage-driver vfs "$@"; }
container=  # that is at work
remove_container() {
  [ -z "$container" ] || b rm "$container" >/dev/null
  container=
}

run_with_docker() {
  docker build -t "$image" . >&2
  docker run --rm --init "${as[@]}" --volume "$corpus:/corpus" "$image" "$@"
}

run_with_buildah() {
  ci/setup.sh container
  b inspect --type image "$base" >/dev/null 2>&1 || make_base
  b bud --layers --isolation chroot --network host --pull-never -q -t "$image" . >&2
  container=$(b from --pull-never "$image")
  # The image's own volume would be mounted over the host's directory. `run` does not know of the entry point.
  b config --volume /corpus- "$container"
  b run --isolation chroot --network host --volume "$corpus:/corpus" "$container" -- trestle "$@"
}

[ $# -gt 0 ] || set -- --help
. ci/shared/cases.sh
words=$*
# end STATUS: whichever line it was that failed.
end() {
  local why=
  [ "$1" -eq 0 ] || why="exit status $1"
  add_case container "$engine: $words" "$SECONDS" "$why" </dev/null
  write_cases container
  remove_container
}
trap 'end $?' EXIT
"run_with_$engine" "$@"
