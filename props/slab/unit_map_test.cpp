// UnitMap against a plain row of codes: every map of a few units, and every pattern across the borders of words.
#include "slab/unit_map.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "base/keyed.hpp"

namespace trestle {
namespace {

using Codes = std::vector<unsigned>;

constexpr std::uint32_t kMost = 3 * UnitMap::kUnitsPerWord;

// The map of those codes, in words of its own; the words beyond the map's own are what must not be read as units.
class Mapped {
 public:
  explicit Mapped(const Codes& codes) : map_(words_.data(), static_cast<std::uint32_t>(codes.size())) {
    for (std::uint32_t i = 0; i < codes.size(); ++i) map_.set(i, 1, codes[i]);
  }
  [[nodiscard]] UnitMap& operator*() { return map_; }
  [[nodiscard]] UnitMap* operator->() { return &map_; }
  [[nodiscard]] Codes codes() const {
    Codes all;
    for (std::uint32_t i = 0; i < map_.units(); ++i) all.push_back(map_.code(i));
    return all;
  }
  // What the words hold beyond the units: a search counts on zeros there.
  [[nodiscard]] bool is_zero_beyond() const {
    for (std::size_t bit = std::size_t{2} * map_.units(); bit < words_.size() * 64; ++bit)
      if ((words_[bit / 64] >> (bit % 64) & 1) != 0) return false;
    return true;
  }

 private:
  std::array<std::uint64_t, UnitMap::words_for(kMost)> words_{};
  UnitMap map_;
};

std::uint32_t first_where(const Codes& codes, std::uint32_t from, auto wanted) {
  while (from < codes.size() && !wanted(codes[from])) ++from;
  return std::min(from, static_cast<std::uint32_t>(codes.size()));
}
std::uint32_t start_of(const Codes& codes, std::uint32_t unit) {
  while (unit != 0 && codes[unit - 1] == codes[unit]) --unit;
  return unit;
}

// Every search, from every unit and from behind the last.
void expect_found(const Codes& codes, std::uint32_t from, std::uint32_t to) {
  Mapped map(codes);
  for (std::uint32_t unit = from; unit <= to; ++unit) {
    ASSERT_EQ(map->next_free(unit), first_where(codes, unit, [](unsigned code) { return code == 0; })) << unit;
    ASSERT_EQ(map->next_used(unit), first_where(codes, unit, [](unsigned code) { return code != 0; })) << unit;
    if (unit >= codes.size()) continue;
    ASSERT_EQ(map->code(unit), codes[unit]);
    ASSERT_EQ(map->run_start(unit), start_of(codes, unit)) << unit;
    ASSERT_EQ(map->run_end(unit), first_where(codes, unit, [&](unsigned code) { return code != codes[unit]; })) << unit;
  }
  ASSERT_EQ(map.codes(), codes);
}

// A code for those units: used, and neither neighbour's.
void expect_apart(Codes codes, std::uint32_t first, std::uint32_t count) {
  const unsigned code = Mapped(codes)->code_apart(first, count);
  ASSERT_TRUE(code == 1 || code == 2 || code == 3);
  ASSERT_TRUE(first == 0 || code != codes[first - 1]) << first;
  ASSERT_TRUE(first + count == codes.size() || code != codes[first + count]) << first << ", " << count;
}

void expect_set(Codes codes, std::uint32_t first, std::uint32_t count, unsigned code) {
  Mapped map(codes);
  map->set(first, count, code);
  std::fill_n(codes.begin() + first, count, code);
  ASSERT_EQ(map.codes(), codes) << first << ", " << count;
  ASSERT_TRUE(map.is_zero_beyond());
}

Codes nth(std::size_t number, std::size_t units) {
  Codes codes(units);
  for (unsigned& code : codes) {
    code = static_cast<unsigned>(number % 4);
    number /= 4;
  }
  return codes;
}

TEST(UnitMap, EveryMapOfAFewUnits) {
  for (std::uint32_t units = 1; units <= 6; ++units) {
    for (std::size_t number = 0; number < std::size_t{1} << (2 * units); ++number) {
      const Codes codes = nth(number, units);
      ASSERT_NO_FATAL_FAILURE(expect_found(codes, 0, units + 2)) << number;
      for (std::uint32_t first = 0; first < units; ++first)
        for (std::uint32_t count = 1; first + count <= units; ++count)
          ASSERT_NO_FATAL_FAILURE(expect_apart(codes, first, count)) << number;
    }
  }
}

// Four units of every pattern in a map of one code, wherever they lie about the end of a word or of the map.
TEST(UnitMap, EveryPatternAcrossTheBordersOfWords) {
  for (const std::uint32_t units : {31U, 32U, 33U, 64U, 65U, 96U}) {
    for (const std::uint32_t about : {0U, 32U, 64U, units}) {
      for (std::uint32_t at = about < 4 ? 0 : about - 4; at <= about && at + 4 <= units; ++at) {
        for (std::size_t number = 0; number < std::size_t{4} * 256; ++number) {
          Codes codes(units, static_cast<unsigned>(number / 256));
          const Codes pattern = nth(number % 256, 4);
          std::copy(pattern.begin(), pattern.end(), codes.begin() + at);
          ASSERT_NO_FATAL_FAILURE(expect_found(codes, at < 2 ? 0 : at - 2, at + 6))
              << units << ", " << at << ", " << number;
          ASSERT_NO_FATAL_FAILURE(expect_found(codes, 0, 1)) << units << ", " << at << ", " << number;
          ASSERT_NO_FATAL_FAILURE(expect_found(codes, units - 1, units)) << units << ", " << at << ", " << number;
          ASSERT_NO_FATAL_FAILURE(expect_apart(codes, at + 1, 2)) << units << ", " << at << ", " << number;
        }
      }
    }
  }
}

// Its words end where memory does.
TEST(UnitMap, ReadsNothingBehindItsWords) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const mapped = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  auto* const end = static_cast<std::byte*>(mapped) + page;
  ASSERT_EQ(mprotect(end, page, PROT_NONE), 0);
  for (const std::uint32_t units : {1U, 31U, 32U, 33U, 64U, 96U}) {
    for (const unsigned code : {0U, 3U}) {
      auto* const words = reinterpret_cast<std::uint64_t*>(end) - UnitMap::words_for(units);
      std::fill(words, reinterpret_cast<std::uint64_t*>(end), 0);
      UnitMap map(words, units);
      map.set(0, units, code);
      for (std::uint32_t from = 0; from <= units; ++from) {
        EXPECT_EQ(map.next_free(from), code == 0 ? from : units);
        EXPECT_EQ(map.next_used(from), code == 0 ? units : from);
      }
      EXPECT_EQ(map.run_end(0), units);
      EXPECT_EQ(map.run_start(units - 1), 0U);
    }
  }
  munmap(mapped, 2 * page);
}

TEST(UnitMap, SetsEveryRangeAndNothingElse) {
  for (const std::uint32_t units : {1U, 31U, 32U, 33U, 63U, 64U, 65U, 96U}) {
    for (unsigned code = 0; code < 4; ++code) {
      const Codes codes(units, 3 - code);
      for (std::uint32_t first = 0; first < units; ++first)
        for (std::uint32_t count = 1; first + count <= units; ++count)
          ASSERT_NO_FATAL_FAILURE(expect_set(codes, first, count, code)) << units;
    }
  }
}

TEST(UnitMap, RandomMapsOfRandomLengths) {
  std::uint64_t random = 7;
  for (int round = 0; round < 300; ++round) {
    Codes codes(1 + random_below(random, kMost));
    unsigned code = 0;
    for (unsigned& each : codes) {
      if (random_below(random, 5) == 0) code = static_cast<unsigned>(random_below(random, 4));
      each = code;
    }
    ASSERT_NO_FATAL_FAILURE(expect_found(codes, 0, static_cast<std::uint32_t>(codes.size()) + 1)) << round;
  }
}

// Who has overwritten a page's codes may have done so beyond its units.
TEST(UnitMap, NoSearchAnswersBeyondTheUnitsWhateverIsThere) {
  std::array<std::uint64_t, 2> words{};
  UnitMap whole(words.data(), 64);
  const UnitMap part(words.data(), 40);
  for (const unsigned within : {0U, 1U}) {
    for (const unsigned beyond : {0U, 1U, 2U}) {
      for (std::uint32_t from = 40; from <= 64; ++from) {
        whole.set(0, 64, within);
        if (from < 64) whole.set(from, 64 - from, beyond);
        ASSERT_EQ(part.next_free(1), within == 0 ? 1U : 40U) << from;
        ASSERT_EQ(part.next_used(1), within == 1 ? 1U : 40U) << from;
        ASSERT_EQ(part.run_end(39), 40U) << from;
      }
    }
  }
}

TEST(UnitMap, CountsTheWordsThatUnitsNeed) {
  EXPECT_EQ(UnitMap::words_for(1), 1U);
  EXPECT_EQ(UnitMap::words_for(32), 1U);
  EXPECT_EQ(UnitMap::words_for(33), 2U);
  EXPECT_EQ(UnitMap::words_for(256), 8U);
}

}  // namespace
}  // namespace trestle
