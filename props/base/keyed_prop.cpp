// Tags: under any key, a change of any bit of what is tagged changes the tag.
#include <gtest/gtest.h>

#include "base/keyed.hpp"
#include "property.hpp"

namespace trestle {
namespace {

// Words as they are tagged (sizes with flags, small numbers) and places as they are (distances), besides any.
rc::Gen<std::uint64_t> words() {
  return rc::gen::oneOf(any<std::uint64_t>(), rc::gen::inRange<std::uint64_t>(0, 1 << 20));
}

// The same word, or one that differs in few neighbouring bits.
rc::Gen<std::uint64_t> near(std::uint64_t word) {
  const auto differ = [word](std::uint64_t bits, unsigned shift) { return word ^ bits << shift; };
  return rc::gen::apply(differ, rc::gen::inRange<std::uint64_t>(0, 4), rc::gen::inRange(0U, 64U));
}

TEST(KeyedProperty, EachBitOfPlaceWordAndKeyCounts) {
  EXPECT_TRUE(holds(
      "a flipped bit of the place, the word or the key is another tag",
      [] {
        const Key key = key_from(*any<std::uint64_t>());
        const std::uint64_t place = *words();
        const std::uint64_t word = *words();
        const std::uint64_t tag = tag_of(key, place, word);
        for (unsigned shift = 0; shift < 64; ++shift) {
          const std::uint64_t bit = std::uint64_t{1} << shift;
          RC_ASSERT(tag_of(key, place ^ bit, word) != tag);
          RC_ASSERT(tag_of(key, place, word ^ bit) != tag);
          RC_ASSERT(tag_of({key.low ^ bit, key.high}, place, word) != tag);
          RC_ASSERT(tag_of({key.low, key.high ^ bit}, place, word) != tag);
        }
      },
      20));
}

TEST(KeyedProperty, AnotherPlaceOrWordIsAnotherTag) {
  EXPECT_TRUE(holds(
      "two tags of one key are the same for the same place and word alone",
      [] {
        const Key key = key_from(*any<std::uint64_t>());
        const std::uint64_t place = *words();
        const std::uint64_t word = *words();
        const std::uint64_t other_place = *near(place);
        const std::uint64_t other_word = *near(word);
        const bool same = place == other_place && word == other_word;
        RC_ASSERT((tag_of(key, place, word) == tag_of(key, other_place, other_word)) == same);
      },
      50));
}

TEST(KeyedProperty, RandomBelowStaysBelow) {
  EXPECT_TRUE(holds(
      "random_below(state, bound) < bound, whatever the bound",
      [] {
        std::uint64_t state = *any<std::uint64_t>();
        const std::uint64_t bound = *nonzero_sizes();
        const std::uint64_t before = state;
        RC_ASSERT(random_below(state, bound) < bound);
        RC_ASSERT(state != before);
      },
      50));
}

}  // namespace
}  // namespace trestle
