// A value in a mapping of its own, for what is too long for the stack of a thread that asked for a short one.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>

#include "os/linux_os.hpp"

namespace trestle::os {

// All bytes are zero at first.
template <class T>
class Mapped {
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Mapped() noexcept : memory_(LinuxOs().reserve(kBytes, kOsPage)) {
    if (memory_ != nullptr && LinuxOs().commit(memory_, kBytes)) at_ = new (memory_) T{};
  }
  ~Mapped() {
    if (memory_ != nullptr) LinuxOs().release(memory_, kBytes);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  // Null iff memory is short.
  [[nodiscard]] T* get() const noexcept { return at_; }
  [[nodiscard]] std::span<const std::byte> memory() const noexcept { return {memory_, kBytes}; }

 private:
  static constexpr std::size_t kBytes = (sizeof(T) + kOsPage - 1) / kOsPage * kOsPage;

  std::byte* memory_;
  T* at_ = nullptr;
};

}  // namespace trestle::os
