#!/usr/bin/env bash
# What `trestle record` promises of threads that hand over blocks and of a malloc behind the recorder, which knows what it is asked
# for and may do what it likes: record_behind_test.sh TRESTLE
set -uo pipefail
trestle=${1:?usage: record_behind_test.sh TRESTLE}
. "$(dirname -- "$0")/expect_traces.sh"

# A handler that runs within the recorder's call, since the malloc behind it raises a signal there, forks: the child comes out of
# that call into a trace that is none of its own.
cat >raising.c <<'PROGRAM'
#include <signal.h>
#include <stddef.h>
void *__libc_malloc(size_t);
void *malloc(size_t size) {
  void *const block = __libc_malloc(size);
  if (size == 777) raise(SIGUSR1);
  return block;
}
PROGRAM
cat >forking.c <<'PROGRAM'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile pid_t child;
static volatile int status = -1;
static void become_two(int number) {
  child = fork();
  if (child > 0) waitpid(child, (int *)&status, 0);
}
int main(void) {
  signal(SIGUSR1, become_two);
  free(malloc(777));
  for (int i = 0; i < 1000; ++i) free(malloc(456));
  if (child != 0) dprintf(1, "the child: %d\n", status);
  _exit(0);
}
PROGRAM
cc -O1 -fno-builtin -w -shared -fPIC -o raising.so raising.c
cc -O1 -fno-builtin -w -o forking forking.c
expect "forked within a call" 0 '^the child: 0$' 'forking.trace: ' \
  env LD_PRELOAD="$PWD/raising.so" "$trestle" record -o forking.trace -- ./forking
[ "$(counted forking.trace 777) $(counted forking.trace 456)" = "1 1000" ] ||
  complain "forked within a call" "the trace has $(counted forking.trace 777) and $(counted forking.trace 456) calls"
has_ended "forked within a call" forking.trace

# A malloc behind the recorder that has one block of 777 bytes: another thread waits for it within malloc, and has it before the
# call that gave it back is over. Were numbers taken in another order, an address would be returned at which a block lives.
cat >one_block.c <<'PROGRAM'
#include <semaphore.h>
#include <stddef.h>
void *__libc_malloc(size_t), __libc_free(void *), *__libc_realloc(void *, size_t);
static char only[777];
sem_t is_there, is_waited_for, was_had;
__attribute__((constructor)) static void begin(void) { sem_post(&is_there); }
void *malloc(size_t size) {
  if (size != sizeof only) return __libc_malloc(size);
  sem_post(&is_waited_for);
  sem_wait(&is_there);
  return only;
}
void free(void *block) {
  if (block != only) return __libc_free(block);
  sem_post(&is_there);
  sem_wait(&was_had);
}
void *realloc(void *block, size_t size) {
  if (block != only) return __libc_realloc(block, size);
  free(block);
  return __libc_malloc(size);
}
PROGRAM
cat >one_user.c <<'PROGRAM'
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
extern sem_t is_waited_for, was_had;
static void *work(void *unused) {
  void *const block = malloc(777);
  sem_post(&was_had);
  return block;
}
int main(int count, char **words) {
  void *block = malloc(777);
  sem_wait(&is_waited_for);
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
  sem_wait(&is_waited_for);
  count > 1 ? free(realloc(block, 888)) : free(block);
  pthread_join(thread, &block);
  sem_post(&was_had);
  free(block);
}
PROGRAM
cc -O1 -fno-builtin -w -shared -fPIC -o one_block.so one_block.c
cc -O1 -fno-builtin -w -o one_user one_user.c "$PWD/one_block.so"
for how in "" realloc; do
  expect "one block $how" 0 "" 'one.trace: ' \
    env LD_PRELOAD="$PWD/one_block.so" "$trestle" record -o one.trace -- ./one_user $how
  expect "one block $how: in order" 0 '^glibc ' 'round 1 of 1' "$trestle" replay one.trace --lib glibc --rounds 1
  [ "$(counted one.trace 777)" -eq 2 ] || complain "one block $how" "its calls: $("$trestle" trace show one.trace)"
done

# Two threads hand over a block at each turn, and one besides where they may meet, and work on some of their own between. That
# no block ends before it begins, and no address begins twice, is what a replay refuses by name.
cat >hard.c <<'PROGRAM'
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
enum { kTurns = 20000 };
static _Atomic size_t turn;
static char *handed;
static _Atomic(char *) place;
static void *work(void *number) {
  const size_t self = (size_t)number;
  unsigned random = (unsigned)self + 1;
  for (int i = 0; i < kTurns; ++i) {
    random = random * 1103515245 + 12345;
    const unsigned own = random / 65536 % 8;
    const size_t size = 16 + own % 2 * 16;  /* few sizes: addresses come back at once, to either thread */
    for (unsigned j = 0; j < own; ++j) free(atomic_exchange(&place, malloc(size)));
    while (turn != self) sched_yield();
    own % 2 == 0 ? free(handed) : free(realloc(handed, 2 * size));
    handed = malloc(size);
    turn = 1 - self;
  }
  return NULL;
}
int main(void) {
  pthread_t threads[2];
  for (size_t i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
}
PROGRAM
cc -O1 -fno-builtin -w -o hard hard.c -pthread
for arenas in 1 2; do
  expect "handed over hard, $arenas arenas" 0 "" 'hard.trace: [0-9,]+ calls, 3 threads' \
    env GLIBC_TUNABLES=glibc.malloc.arena_max=$arenas:glibc.malloc.tcache_count=$((arenas - 1)) \
    "$trestle" record -o hard.trace -- ./hard
  "$trestle" trace show hard.trace | grep -E 'does not hold|at which a block lives' | head -3 >wrong
  [ -s wrong ] && complain "handed over hard, $arenas arenas" "$(cat wrong)"
done
expect "handed over hard: again" 0 '^glibc ' 'round 1 of 1' "$trestle" replay hard.trace --lib glibc --rounds 1

# The malloc behind the recorder may want to know of the end.
cat >last_words.c <<'PROGRAM'
#include <sys/syscall.h>
#include <unistd.h>
void _exit(int status) {
  write(2, "last words\n", 11);
  for (;;) syscall(SYS_exit_group, status);
}
PROGRAM
cc -O1 -fno-builtin -w -shared -fPIC -o last_words.so last_words.c
expect "_exit of the library behind" 0 "" '^last words$' \
  env LD_PRELOAD="$PWD/last_words.so" "$trestle" record -o last.trace -- ./forking
has_ended "_exit of the library behind" last.trace

end
