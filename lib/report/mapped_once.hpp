// Tables out of band that are mapped, as zeros, when they are first needed, and stay. Thread-safe, without a lock.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/arith.hpp"
#include "os/linux_os.hpp"

namespace trestle {

// The table that the place leads to, of so many bytes; made if it leads nowhere yet. Null: there is no memory.
template <class Table>
[[nodiscard]] Table* mapped_once(std::atomic<Table*>& place, std::size_t bytes = sizeof(Table)) noexcept {
  Table* known = place.load(std::memory_order_acquire);
  if (known != nullptr) [[likely]]
    return known;
  LinuxOs os;
  const std::size_t pages = align_up(bytes, kOsPage);
  std::byte* const made = os.reserve(pages, kOsPage);
  if (made == nullptr) return nullptr;
  auto* const table = reinterpret_cast<Table*>(made);
  if (os.commit(made, pages) && place.compare_exchange_strong(known, table, std::memory_order_acq_rel)) return table;
  os.release(made, pages);
  return known;  // another thread's, or none
}

}  // namespace trestle
