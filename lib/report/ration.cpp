#include "report/ration.hpp"

#include "base/keyed.hpp"

namespace trestle {

bool ReportRation::knows(std::uint64_t site) noexcept {
  const std::uint64_t wanted = named(site);
  const std::atomic<std::uint64_t>* const place = place_of(wanted);
  const bool is_known = place != nullptr && place->load(std::memory_order_relaxed) == wanted;
  if (is_known) repeated_.fetch_add(1, std::memory_order_relaxed);
  return is_known;
}

auto ReportRation::ask(std::uint64_t site, std::uint64_t now_ns) noexcept -> Answer {
  if (knows(site)) return Answer::repeated;
  const std::uint64_t wanted = named(site);
  std::atomic<std::uint64_t>* const place = place_of(wanted);
  if (!is_within_minute(now_ns)) {
    too_many_.fetch_add(1, std::memory_order_relaxed);
    return Answer::too_many;
  }
  std::uint64_t nobody = 0;
  const bool is_second = place != nullptr &&
                         !place->compare_exchange_strong(nobody, wanted, std::memory_order_relaxed) &&
                         nobody == wanted;  // another thread was faster
  if (is_second) repeated_.fetch_add(1, std::memory_order_relaxed);
  return is_second ? Answer::repeated : Answer::print;
}

void ReportRation::take_back(Answer answer) noexcept {
  if (answer == Answer::repeated) repeated_.fetch_sub(1, std::memory_order_relaxed);
  if (answer == Answer::too_many) too_many_.fetch_sub(1, std::memory_order_relaxed);
}

// Where the site is, or the empty place that it may have. Null: there is none left.
std::atomic<std::uint64_t>* ReportRation::place_of(std::uint64_t site) noexcept {
  const std::uint64_t first = fold(site, kOdd1);
  for (std::size_t i = 0; i < kTries; ++i) {
    std::atomic<std::uint64_t>& place = sites_[(first + i) % kSites];
    const std::uint64_t there = place.load(std::memory_order_relaxed);
    if (there == site || there == 0) return &place;
  }
  return nullptr;
}

bool ReportRation::is_within_minute(std::uint64_t now_ns) noexcept {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  constexpr std::int32_t kMinute = 60;
  const std::uint32_t most = most_.load(std::memory_order_relaxed);
  if (most == 0) return true;
  const auto now = static_cast<std::uint32_t>(now_ns / kSecond);
  std::uint64_t was = minute_.load(std::memory_order_relaxed);
  for (;;) {
    const bool is_over = was == 0 || static_cast<std::int32_t>(now - static_cast<std::uint32_t>(was >> 32)) >= kMinute;
    const std::uint64_t counted = is_over ? std::uint64_t{now} << 32 : was;
    if (static_cast<std::uint32_t>(counted) >= most) return false;
    if (minute_.compare_exchange_weak(was, counted + 1, std::memory_order_relaxed)) return true;
  }
}

}  // namespace trestle
