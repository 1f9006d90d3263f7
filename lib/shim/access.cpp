#include "shim/access.hpp"

#include <signal.h>
#include <ucontext.h>

#include "shim/process_heap.hpp"

namespace trestle {
namespace {

constinit struct sigaction earlier{};

struct Access {
  const char* name;
  CallSite site;
};

// What the processor was about to do, and where.
Access access_of(const ucontext_t& context) noexcept {
#if defined(__x86_64__)
  constexpr greg_t kWrite = 2;  // of the page fault's error code
  const auto& registers = context.uc_mcontext.gregs;
  const auto pointer = [&](int which) { return reinterpret_cast<const std::byte*>(registers[which]); };
  const void* top = nullptr;
  if (!os::read_own_memory(pointer(REG_RSP), &top, sizeof top)) top = nullptr;
  return {(registers[REG_ERR] & kWrite) != 0 ? "a write" : "a read",
          {pointer(REG_RBP), pointer(REG_RIP) + 1, true, top}};
#else
  (void)context;
  return {"an access", {}};
#endif
}

// To whom it belongs that is not ours. Where that is nobody, the access is made again, and ends the process with all as it was.
void pass_on(int number, siginfo_t* info, void* context) noexcept {
  if ((earlier.sa_flags & SA_SIGINFO) != 0 && earlier.sa_sigaction != nullptr)
    return earlier.sa_sigaction(number, info, context);
  if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) return earlier.sa_handler(number);
  sigaction(number, &earlier, nullptr);
  if (info->si_code <= 0) raise(number);  // sent by somebody
}

void handle(int number, siginfo_t* info, void* context) noexcept {
  const int kept = errno;
  const bool by_access = info->si_code > 0;
  if (by_access && is_up() && !process_heap().is_entered_by_caller()) {
    const Fault fault = process_heap().explain_access(info->si_addr);
    const Access access = access_of(*static_cast<const ucontext_t*>(context));
    if (fault.is_fault()) die(fault, {access.name, nullptr, kPolicy.name, access.site});
  }
  errno = kept;
  pass_on(number, info, context);
}

}  // namespace

void handle_refused_accesses() noexcept {
  struct sigaction action{};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &earlier);
}

}  // namespace trestle
