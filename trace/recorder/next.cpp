#include "trace/recorder/next.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

namespace trestle::trace {
namespace {

constinit Next found{};
constinit std::atomic<bool> is_looking{false};

constexpr auto& buffer = internal::first_memory;
constinit std::atomic<std::size_t> taken{0};

template <class Function>
void look_up(Function& function, const char* name) noexcept {
  function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void look_up_all() noexcept {
  look_up(found.malloc, "malloc");
  look_up(found.calloc, "calloc");
  look_up(found.realloc, "realloc");
  look_up(found.reallocarray, "reallocarray");
  look_up(found.free, "free");
  look_up(found.free_sized, "free_sized");
  look_up(found.free_aligned_sized, "free_aligned_sized");
  look_up(found.aligned_alloc, "aligned_alloc");
  look_up(found.posix_memalign, "posix_memalign");
  look_up(found.memalign, "memalign");
  look_up(found.valloc, "valloc");
  look_up(found.pvalloc, "pvalloc");
  look_up(found.exit_at_once, "_exit");
}

}  // namespace

[[gnu::cold]] const Next* internal::find_next() noexcept {
  if (is_looking.exchange(true)) return internal::next.load(std::memory_order_acquire);
  look_up_all();
  internal::next.store(&found, std::memory_order_release);
  return &found;
}

void* first_memory(std::size_t bytes) noexcept {
  const std::size_t whole = (std::max<std::size_t>(bytes, 1) + 15) / 16 * 16;
  const std::size_t at = whole < bytes || whole > buffer.size() ? buffer.size() : taken.fetch_add(whole);
  if (at > buffer.size() - std::min(whole, buffer.size())) {
    constexpr char kSpent[] = "trestle record: the loader asks for more memory than there is before malloc\n";
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kSpent, sizeof kSpent - 1);
    _exit(125);
  }
  return buffer.data() + at;
}

void* moved_first_memory(const void* block, std::size_t bytes) noexcept {
  const Next* const behind = next();
  void* const to = behind != nullptr ? behind->malloc(bytes) : first_memory(bytes);
  if (to == nullptr) return nullptr;
  const auto left = static_cast<std::size_t>(buffer.data() + buffer.size() - static_cast<const unsigned char*>(block));
  std::memcpy(to, block, std::min(bytes, left));  // what lies behind the block in the buffer does no harm
  return to;
}

}  // namespace trestle::trace
