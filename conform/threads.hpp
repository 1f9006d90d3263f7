// Threads by pthread_create alone, so that a case asks no more of malloc than it means to.
#pragma once

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>

#include "case.hpp"

namespace trestle::conform {

using Body = void* (*)(void*);

inline pthread_t start_thread(Body body, void* argument) {
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, body, argument) != 0) violate("pthread_create failed");
  return thread;
}

// What body(argument) gives, called in a thread that has ended by then.
inline void* in_thread(Body body, void* argument) {
  void* result = nullptr;
  pthread_join(start_thread(body, argument), &result);
  return result;
}

// Runs `body` in a forked child. A child that hangs goes with its parent, which the deadline ends.
template <class Run>
void in_child(const Run& body) {
  const pid_t child = fork();
  if (child < 0) violate("fork failed");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) violate("the forked child was ended by signal %d", WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) _exit(WEXITSTATUS(status));  // it has told what is wrong
}

}  // namespace trestle::conform
