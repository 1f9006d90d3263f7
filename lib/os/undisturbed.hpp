// A stretch of work that nothing interrupts: no signal handler, that might leave by a jump or call in again, and no
// cancellation.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <initializer_list>

namespace trestle::os {

// The calling thread's signals wait, and its cancellation as well; but not those of what the stretch itself does: a fault, or a
// call of the system that a sandbox answers so. They would end the process.
class Undisturbed {
 public:
  Undisturbed() noexcept {
    sigset_t most;
    sigfillset(&most);
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&most, number);
    pthread_sigmask(SIG_BLOCK, &most, &signals_);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_);
  }
  ~Undisturbed() {
    pthread_setcancelstate(cancel_, nullptr);
    pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
  }
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

 private:
  sigset_t signals_{};
  int cancel_ = 0;
};

// The thread's cancellation waits, and nothing else.
class Uncancelled {
 public:
  Uncancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~Uncancelled() { pthread_setcancelstate(before_, nullptr); }
  Uncancelled(const Uncancelled&) = delete;
  Uncancelled& operator=(const Uncancelled&) = delete;

 private:
  int before_ = 0;
};

}  // namespace trestle::os
