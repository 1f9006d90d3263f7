#!/usr/bin/env bash
# Installs from Debian what is missing, and only that: ci/setup.sh [run|harness|test|bench|scale|container]. `run` is what
# building the library and the tool takes; `harness` adds what the fuzz targets and the properties take; `test`, the default,
# the tools of all other jobs and the real programs; `bench` is `harness` with the allocators and the programs that
# `trestle bench` compares; `scale` is what the targets take as OSS-Fuzz and AFL++ build and run them; `container` is what
# builds and runs an image without Docker. Starts no service.
set -euo pipefail

run_packages=(cmake ninja-build g++ libcli11-dev nlohmann-json3-dev)
harness_packages=(clang-19 libclang-rt-19-dev libgtest-dev libbenchmark-dev librapidcheck-dev)
test_packages=(
  valgrind gdb binutils llvm-19 clang-format-19 clang-tidy-19 pkg-config libxml2-utils python3-yaml
  git python3 python3-clang-19 sqlite3 perl xz-utils zip unzip redis-server redis-tools nodejs
)
bench_packages=(
  libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4
  python3 sqlite3 z3 lua5.4 perl ghostscript redis-server redis-tools nodejs
)
scale_packages=(cmake make clang-19 libclang-rt-19-dev libc++-19-dev libc++abi-19-dev zip unzip afl++)
container_packages=(buildah mmdebstrap)

case ${1-test} in
  run) packages=("${run_packages[@]}") ;;
  harness) packages=("${run_packages[@]}" "${harness_packages[@]}") ;;
  test) packages=("${run_packages[@]}" "${harness_packages[@]}" "${test_packages[@]}") ;;
  bench) packages=("${run_packages[@]}" "${harness_packages[@]}" "${bench_packages[@]}") ;;
  scale) packages=("${scale_packages[@]}") ;;
  container) packages=("${container_packages[@]}") ;;
  *)
    echo "ci/setup.sh: unknown group '$1': run, harness, test, bench, scale or container" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "ci/setup.sh: not a Debian system, so these are taken to be there: ${packages[*]}" >&2
  exit 0
fi

missing=()
installed=" $(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
  sed -n 's/ installed$//p' | tr '\n' ' ')" || true
for package in "${packages[@]}"; do
  [[ $installed == *" $package "* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "ci/setup.sh: not root and no sudo; install as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# A policy-rc.d that says 101 keeps the packages' services from being started; one that is there already stays.
forbid_services() {
  policy=/usr/sbin/policy-rc.d
  [ ! -e $policy ] || return 0
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
  trap '"${as_root[@]}" rm -f $policy' EXIT
}

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

is_known() {
  ! LC_ALL=C apt-cache policy "${missing[@]}" | grep -q 'Candidate: (none)' &&
    [ "$(LC_ALL=C apt-cache policy "${missing[@]}" | grep -c 'Candidate: ')" -eq ${#missing[@]} ]
}

echo "ci/setup.sh: installing ${missing[*]}" >&2
forbid_services
is_known || "${as_root[@]}" apt-get update -q
# The lists may be older than the archive: a second try with new ones.
install || { "${as_root[@]}" apt-get update -q && install; } || {
  echo "ci/setup.sh: could not install ${missing[*]}" >&2
  exit 1
}
