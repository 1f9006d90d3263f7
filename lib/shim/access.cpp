#include "shim/access.hpp"

#include <signal.h>
#include <ucontext.h>

#include "base/marks.hpp"
#include "shim/aftermath.hpp"

namespace trestle {
namespace {

constinit struct sigaction earlier{};

void unblock(int number) noexcept {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

struct Access {
  const char* name;
  CallSite site;
};

// What the processor was about to do, and where.
Access access_of(const ucontext_t& context) noexcept {
#if defined(__x86_64__)
  constexpr greg_t kWrite = 2;  // of the page fault's error code
  constexpr greg_t kFetch = 16;
  const auto& registers = context.uc_mcontext.gregs;
  const auto pointer = [&](int which) { return reinterpret_cast<const std::byte*>(registers[which]); };
  const char* const read = (registers[REG_ERR] & kFetch) != 0 ? "a jump" : "a read";
  const void* top = nullptr;
  if (!os::read_own_memory(pointer(REG_RSP), &top, sizeof top)) top = nullptr;
  return {(registers[REG_ERR] & kWrite) != 0 ? "a write" : read,
          {pointer(REG_RBP), pointer(REG_RIP) + 1, true, top, pointer(REG_RSP)}};
#else
  (void)context;
  return {"an access", {}};
#endif
}

// As the kernel would have called the handler that was there before.
void call_earlier(int number, siginfo_t* info, void* context) noexcept {
  const struct sigaction action = earlier;
  const auto flags = static_cast<unsigned>(action.sa_flags);
  if ((flags & SA_RESETHAND) != 0) earlier = {};
  pthread_sigmask(SIG_BLOCK, &action.sa_mask, nullptr);  // until this handler returns
  if ((flags & SA_NODEFER) != 0 && sigismember(&action.sa_mask, number) == 0) unblock(number);
  if ((flags & SA_SIGINFO) != 0)
    action.sa_sigaction(number, info, context);
  else
    action.sa_handler(number);
}

// To whom it belongs that is not ours. Where that is nobody, the access is made again, and ends the process with all as it was.
void pass_on(int number, siginfo_t* info, void* context) noexcept {
  const bool is_sent = info->si_code <= 0;  // by somebody
  if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) return call_earlier(number, info, context);
  if (is_sent && earlier.sa_handler == SIG_IGN) return;
  sigaction(number, &earlier, nullptr);
  if (is_sent) raise(number);
}

// Nothing is asked of the heap, whose locks another thread may hold that was stopped, unless the address is its own.
Fault fault_of(const siginfo_t& info) noexcept {
  const OwnAccesses own;
  const bool by_page = info.si_code == SEGV_MAPERR || info.si_code == SEGV_ACCERR;
  if (!by_page || !is_started() || process_heap().offset_of(info.si_addr) == UINT64_MAX) return {};
  return process_heap().is_entered_by_caller() ? Fault{} : process_heap().explain_access(info.si_addr);
}

void handle(int number, siginfo_t* info, void* context) noexcept {
  const int kept = errno;
  if (const Fault fault = fault_of(*info); fault.is_fault()) {
    const Access access = access_of(*static_cast<const ucontext_t*>(context));
    unblock(number);  // a fault inside of the report has a line of its own
    die(fault, {access.name, nullptr, kPolicy.name, access.site});
  }
  errno = kept;
  pass_on(number, info, context);
}

}  // namespace

void handle_refused_accesses() noexcept {
  struct sigaction action{};
  action.sa_sigaction = handle;
  sigaction(SIGSEGV, nullptr, &earlier);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | (earlier.sa_flags & SA_RESTART);
  sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace trestle
