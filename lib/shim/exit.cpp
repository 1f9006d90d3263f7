// Programs that end by _exit run no destructors; in the preload library these take their check and summary along.
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/aftermath.hpp"

extern "C" {

TRESTLE_API __attribute__((noreturn)) void _exit(int status) {
  trestle::at_exit();
  for (;;) syscall(SYS_exit_group, status);
}
TRESTLE_API __attribute__((noreturn)) void _Exit(int status) noexcept { _exit(status); }

}  // extern "C"
