// Os on Linux, and the few other calls of the kernel that the library makes. Nothing above this folder makes a system
// call but the mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/sync.hpp"
#include "os/os.hpp"

namespace trestle {

// Guards use MADV_GUARD_INSTALL where the kernel has it (6.13): it costs no mapping. Elsewhere they use mprotect, for as
// long as that takes no more than half of vm.max_map_count. Thread-safe.
class LinuxOs {
 public:
  [[nodiscard]] std::byte* reserve(std::size_t bytes, std::size_t alignment) noexcept;
  void release(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool commit(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool purge(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool guard(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool unguard(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool close(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool open(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool move(std::byte* from, std::byte* to, std::size_t bytes) noexcept;
  [[nodiscard]] std::uint64_t now_ms() noexcept;
  [[nodiscard]] std::uint64_t entropy() noexcept;
  [[nodiscard]] std::size_t processors() noexcept;
  [[nodiscard]] std::uint64_t thread() noexcept { return this_thread(); }
  [[nodiscard]] OwnCache& own_cache() noexcept { return own_cache_; }

 private:
  // In the storage that the loader sets aside for such as this, so that it is two instructions and no call that allocates.
  [[gnu::tls_model("initial-exec")]] static thread_local constinit inline OwnCache own_cache_{};
};
static_assert(Os<LinuxOs>);

namespace os {

[[nodiscard]] std::uint64_t now_ns() noexcept;
[[nodiscard]] int process_id() noexcept;
[[nodiscard]] int thread_id() noexcept;
// Whether this process has a thread of that id.
[[nodiscard]] bool is_thread(int id) noexcept;
// The most physical memory that the process has had at once.
[[nodiscard]] std::uint64_t peak_rss_bytes() noexcept;
void sleep_a_little() noexcept;  // about a millisecond
// Copies bytes of this process that may not be mapped. False iff not all of them could be read.
[[nodiscard]] bool read_own_memory(const void* from, void* to, std::size_t bytes) noexcept;

}  // namespace os
}  // namespace trestle
