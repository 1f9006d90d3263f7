// Who allocated and freed the blocks of the process's heap, as far as the policy has that kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "report/history.hpp"
#include "shim/process_heap.hpp"

namespace trestle {

// Where no histories are kept.
struct NoHistories {
  static constexpr std::size_t kUnknownRequest = SIZE_MAX;

  constexpr explicit NoHistories(std::size_t, std::size_t) noexcept {}
  static void begin(const void*, std::size_t, const CallSite&) noexcept {}
  static bool end(const void*, const CallSite&) noexcept { return false; }
  static void revive(const void*) noexcept {}
  static History of(const void*) noexcept { return {}; }
  static void keep() noexcept {}
  static void let_go() noexcept {}
  static void reset() noexcept {}
};

inline constexpr bool kHistoriesOfAll = kPolicy.histories == HistoriesOf::all;
using ProcessHistories = std::conditional_t<kPolicy.histories != HistoriesOf::nothing, Histories, NoHistories>;
extern constinit ProcessHistories histories_of_process;

}  // namespace trestle
