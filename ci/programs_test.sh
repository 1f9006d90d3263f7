#!/usr/bin/env bash
# Shows that ci/programs.sh refuses what it is there to refuse, by libraries that are no allocators but do one thing wrong.
set -euo pipefail
cd -- "$(dirname -- "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# refuses NAME TEXT < C source of the library
refuses() {
  mkdir "$work/$1"
  cc -shared -fPIC -o "$work/$1/libtrestle.so" -x c -
  if ./programs.sh perl hardened "$work/$1" >"$work/out" 2>&1; then
    echo "$1: was let through"
    exit 1
  fi
  grep -qF -- "$2" "$work/out" || {
    echo "$1: refused, but not with '$2':"
    cat "$work/out"
    exit 1
  }
  echo "refuses $1"
}

line='#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void say(const char *faults) {
  FILE *file = fopen(strstr(getenv("TRESTLE_OPTIONS"), "summary=") + 8, "a");
  fprintf(file, "{\"pid\":1,\"policy\":\"hardened\",\"allocations\":5,\"checks\":0,\"faults\":%s}\n", faults);
  fclose(file);
}
__attribute__((destructor)) static void end(void) { '

refuses idle "0 processes reported allocations, but 1 were started" <<<'int nothing;'
refuses faulty "a fault was reported" <<<"$line say(\"1\"); }"
refuses meddling "differs with the library" <<<"$line puts(\"more\"); say(\"0\"); }"
refuses failing "differs with the library" <<<"$line say(\"0\"); exit(3); }"
refuses talking "the library had something to say" <<<"$line fputs(\"trestle: look\", stderr); say(\"0\"); }"

# A helper that ends after the program that started it, as python's resource tracker does, is judged as well.
refuses lingering "a fault was reported" <<<"$line say(\"0\"); pid_t parent = getpid();
  if (fork() != 0) return;
  while (getppid() == parent) {}
  for (volatile int i = 0; i < 300000000; ++i) {}
  say(\"1\"); }"
