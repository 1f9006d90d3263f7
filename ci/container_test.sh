#!/usr/bin/env bash
# What ci/container.sh does with which engine, and for whom. It runs in a copy, among programs that only say what they are
# asked for: no image is made.
set -uo pipefail
cd -- "$(dirname -- "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tools/expect.sh

mkdir -p "$work/source/ci/shared" "$work/bin"
cp ci/container.sh ci/setup.sh "$work/source/ci/"
cp ci/shared/cases.sh "$work/source/ci/shared/"
cp Dockerfile "$work/source/"
# No other program can be found. Without dpkg-query, ci/setup.sh names the packages and leaves it at that.
for program in bash sh env dirname sed awk mkdir rm cat tr iconv; do ln -s "$(command -v $program)" "$work/bin/"; done
program() { cat >"$work/bin/$1" && chmod +x "$work/bin/$1"; }
program chown <<<'#!/bin/sh'
program id <<<'#!/bin/sh
echo "$FAKE_ID"'
program docker <<<'#!/bin/sh
[ "$1" != info ] || exit "$DOCKER_INFO"
echo "docker $*"'
program buildah <<<'#!/bin/sh
shift 2
[ "$1" != from ] || { echo made; exit 0; }
echo "buildah $*"
[ "$1" != run ] || exit 77'

# with ID DOCKER_INFO WORDS...: container.sh for a user of this id, where `docker info` ends so.
with() {
  env -i PATH="$work/bin" FAKE_ID="$1" DOCKER_INFO="$2" bash "$work/source/ci/container.sh" "${@:3}"
}
corpus=$work/source/build/container/corpus
packages='taken to be there: buildah mmdebstrap$'

expect "Docker" 0 "^docker run --rm --init --volume $corpus:/corpus localhost/trestle fuzz --list\$" . with 0 0 -- fuzz --list
! grep -q "$packages" "$work/err" || complain "Docker" "wants buildah's packages"
expect "Docker for a user" 0 '^docker run --rm --init --user 1001:1001 ' . with 1001 0 -- fuzz --list
expect "no Docker" 77 '^buildah run .* made -- trestle fuzz --list$' "$packages" with 0 1 -- fuzz --list
expect "buildah beside Docker" 77 '^buildah run .* made -- trestle --help$' "$packages" with 0 0 --engine buildah
expect "no words" 0 ' localhost/trestle --help$' . with 0 0
# told XPATH WANTED: of the last run.
told() { says "$work/source/build/junit/container.xml" "$@"; }
told 'string(//testcase/@name)' 'docker: --help'
told 'count(//failure)' 0
expect "no Docker, told" 77 . . with 0 1 -- fuzz --list
told 'string(//testcase/@name)' 'buildah: fuzz --list'
told 'string(//failure/@message)' 'exit status 77'
for how in "1 --" "0 --engine buildah"; do
  expect "buildah for a user: $how" 125 "" '^ci/container.sh: buildah needs root here: ' with 1001 $how
done
expect "an unknown engine" 2 "" "--engine is docker or buildah, not 'podman'" with 0 0 --engine podman
end
