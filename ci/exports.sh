#!/usr/bin/env bash
# Refuses a shared library that exports anything but the API: ci/exports.sh LIBRARY...
# That is trestle_*, classes trestle::block_heap and trestle::bitmap_heap, the malloc family and the operators new and delete;
# the family must be whole. Besides, cfree, which glibc has for old programs, and _exit, by which a process would end without its
# last check; and, under debug, pthread_create, so that a thread tells where its stack is.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: ci/exports.sh LIBRARY..." >&2 && exit 2; }
family="malloc calloc realloc reallocarray free free_sized free_aligned_sized aligned_alloc posix_memalign memalign valloc
  pvalloc malloc_usable_size malloc_trim mallinfo mallinfo2 malloc_info malloc_stats mallopt"
# The twelve forms of operator new and delete that take a nothrow or an alignment or neither, and the sized deletes.
operators="_Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_t _ZnamSt11align_val_t
  _ZnwmSt11align_val_tRKSt9nothrow_t _ZnamSt11align_val_tRKSt9nothrow_t _ZdlPv _ZdaPv _ZdlPvm _ZdaPvm
  _ZdlPvRKSt9nothrow_t _ZdaPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdaPvSt11align_val_t _ZdlPvmSt11align_val_t
  _ZdaPvmSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t"
status=0
for library; do
  exported=$(nm -D --defined-only -- "$library" | awk '{print $NF}' | sed 's/@.*//' | sort -u)
  for name in $family $operators; do
    grep -qxF -- "$name" <<<"$exported" || { echo "$library does not export $name" && status=1; }
  done
  others=$(grep -vxF -f <(printf '%s\n' $family $operators) <<<"$exported" |
    grep -vE '^(trestle_[a-z_]+|_ZNK?7trestle(10block|11bitmap)_heap.*|cfree|_exit|_Exit|pthread_create)$' || true)
  [ -z "$others" ] || { echo "$library exports more than the API:" $others && status=1; }
done
[ $status -ne 0 ] || echo "$# libraries export the API and nothing else"
exit $status
