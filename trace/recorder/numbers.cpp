#include "trace/recorder/numbers.hpp"

#include <sys/mman.h>

namespace trestle::trace {

// Address space; only those are resident that are asked about. A child after fork numbers nothing, but where a signal's handler
// forked in the midst of it, and there all are nobody's.
bool Numbers::begin() noexcept {
  constexpr std::size_t kBytes = kOwners * sizeof(std::atomic<std::uint32_t>);
  void* const at = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return false;
  madvise(at, kBytes, MADV_WIPEONFORK);
  owners_ = static_cast<std::atomic<std::uint32_t>*>(at);
  return true;
}

void Numbers::take_range() noexcept {
  last_ = latest_.fetch_add(kRange);
  end_ = last_ + kRange;
}

void Numbers::own(std::atomic<std::uint32_t>& owner) noexcept {
  std::uint32_t nobody = 0;
  if (owner.compare_exchange_strong(nobody, self_)) return;
  do {
    owner.store(self_);
    take_range();
  } while (owner.load() != self_);
}

}  // namespace trestle::trace
