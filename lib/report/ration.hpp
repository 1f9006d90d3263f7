// Which reports of a process that goes on after a fault are printed: the first of each site, and of these so many a minute.
// Thread-safe, without locks and allocation.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace trestle {

class ReportRation {
 public:
  enum class Answer { print, repeated, too_many };

  constexpr ReportRation() noexcept = default;

  // 0: as many as there are.
  void set_most_a_minute(std::uint32_t most) noexcept { most_.store(most, std::memory_order_relaxed); }
  // `site`: a hash of the kind of the fault and of where it was seen. `now_ns`: of a clock that never goes back. A report that
  // is not printed leaves its site as it was.
  [[nodiscard]] Answer ask(std::uint64_t site, std::uint64_t now_ns) noexcept;
  // Whether the answer is that it was printed before, which then counts as given.
  [[nodiscard]] bool knows(std::uint64_t site) noexcept;
  // It was printed though the answer was no.
  void take_back(Answer answer) noexcept;
  // How often the answers were no.
  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t too_many() const noexcept { return too_many_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kSites = 4096;  // of more, those that come later are told each time
  static constexpr std::size_t kTries = 16;

  // No site is 0, which is where none is.
  [[nodiscard]] static std::uint64_t named(std::uint64_t site) noexcept { return site != 0 ? site : 1; }
  [[nodiscard]] std::atomic<std::uint64_t>* place_of(std::uint64_t site) noexcept;
  [[nodiscard]] bool is_within_minute(std::uint64_t now_ns) noexcept;

  std::array<std::atomic<std::uint64_t>, kSites> sites_{};
  // When the minute began, in seconds, and in the low half how many reports it has seen. The next one begins with a report.
  std::atomic<std::uint64_t> minute_{0};
  std::atomic<std::uint32_t> most_{0};
  std::atomic<std::uint64_t> repeated_{0};
  std::atomic<std::uint64_t> too_many_{0};
};

}  // namespace trestle
