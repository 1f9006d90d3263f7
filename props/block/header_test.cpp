// A header is a trusted value or nothing: every bit of its sixteen bytes counts, and so does its place.
#include "block/header.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "faults.hpp"

namespace trestle {
namespace {

constexpr std::uint64_t kPlace = 0x1240;
constexpr Kind kKinds[] = {Kind::none, Kind::by_malloc, Kind::by_new, Kind::by_new_array};

std::vector<Header> all_sorts() {
  std::vector<Header> headers;
  for (const bool previous_used : {false, true}) {
    headers.push_back(Header::end(previous_used));
    for (const std::size_t size : {kMinBlock, std::size_t{80}, std::size_t{1} << 20, std::size_t{kMaxBlockBytes}}) {
      for (const bool clean : {false, true}) headers.push_back(Header::free(size, previous_used, clean));
      for (const Kind kind : kKinds) {
        for (const std::size_t pad : {std::size_t{0}, std::size_t{1}, std::min(kMaxPad, size - kHeaderBytes)}) {
          headers.push_back(Header::live(size, previous_used, kind, pad));
          headers.push_back(headers.back().retired());
        }
      }
    }
  }
  return headers;
}

TEST(Header, SaysWhatItWasMadeOf) {
  const Header live = Header::live(160, true, Kind::by_new, 5);
  EXPECT_TRUE(live.is_live() && live.is_used() && live.is_previous_used());
  EXPECT_FALSE(live.is_free() || live.is_retired() || live.is_end() || live.is_clean());
  EXPECT_EQ(live.size(), 160U);
  EXPECT_EQ(live.served(), 144U);
  EXPECT_EQ(live.pad(), 5U);
  EXPECT_EQ(live.requested(), 139U);
  EXPECT_EQ(live.kind(), Kind::by_new);

  const Header retired = live.retired();
  EXPECT_TRUE(retired.is_retired() && retired.is_used() && !retired.is_live());
  EXPECT_EQ(retired.requested(), 139U);
  const Header free = Header::free(kMinBlock, false, true);
  EXPECT_TRUE(free.is_free() && free.is_clean() && !free.is_previous_used() && !free.is_live() && !free.is_end());
  EXPECT_TRUE(Header::end(false).is_end() && Header::end(false).is_used() && !Header::end(true).is_live());
  EXPECT_TRUE(free.with_previous_used(true).is_previous_used());
  EXPECT_EQ(free.with_previous_used(true).with_previous_used(false).word(), free.word());
}

TEST(Header, ComesBackFromItsWordUnchanged) {
  for (const Header header : all_sorts()) {
    const std::optional<Header> parsed = Header::parse(header.word());
    ASSERT_TRUE(parsed.has_value()) << std::hex << header.word();
    EXPECT_EQ(parsed->word(), header.word());
  }
}

TEST(Header, RefusesWordsThatNoHeaderHas) {
  EXPECT_FALSE(Header::parse(0)) << "an end header is used";
  EXPECT_FALSE(Header::parse(16 | 1)) << "smaller than any block";
  EXPECT_FALSE(Header::parse((kMinBlock - 16) | 1));
  EXPECT_FALSE(Header::parse(Header::live(kMinBlock, true, Kind::none, 0).word() | std::uint64_t{1} << 62));
  EXPECT_FALSE(Header::parse(Header::live(kMinBlock, true, Kind::none, 0).word() | std::uint64_t{1} << 63));
  EXPECT_FALSE(Header::parse(Header::live(kMinBlock, true, Kind::none, kMinBlock - kHeaderBytes + 1).word()))
      << "more pad than payload";
}

// As only a right tag over a wrong word would bring them: a block is live, retired or free, and an end is nothing else.
TEST(Header, RefusesFlagsThatContradictOneAnother) {
  constexpr std::uint64_t kUsed = 1;
  constexpr std::uint64_t kRetired = 4;
  constexpr std::uint64_t kClean = 8;
  const std::uint64_t free = Header::free(kMinBlock, true, true).word();
  EXPECT_TRUE(Header::parse(free));
  EXPECT_FALSE(Header::parse(free | kRetired)) << "free and retired";
  EXPECT_FALSE(Header::parse(free | std::uint64_t{1} << 48)) << "free, with a pad";
  EXPECT_FALSE(Header::parse(free | std::uint64_t{1} << 60)) << "free, of a kind";
  EXPECT_FALSE(Header::parse(free | kUsed)) << "live and clean";
  EXPECT_FALSE(Header::parse(Header::end(true).word() | kRetired)) << "an end that is retired";
  EXPECT_FALSE(Header::parse(Header::end(true).word() | kClean)) << "an end that is clean";
}

TEST(Header, EachOfIts128BitsCounts) {
  const Key key = key_from(3);
  alignas(16) std::array<std::byte, kHeaderBytes> bytes{};
  for (const Header header : all_sorts()) {
    store_header(key, kPlace, bytes.data(), header);
    ASSERT_TRUE(load_header(key, kPlace, bytes.data()).has_value());
    ASSERT_EQ(load_header(key, kPlace, bytes.data())->word(), header.word());
    for (unsigned bit = 0; bit < 128; ++bit) {
      flip_bit(bytes.data(), bit);
      ASSERT_FALSE(load_header(key, kPlace, bytes.data()).has_value()) << "bit " << bit;
      flip_bit(bytes.data(), bit);
    }
  }
}

TEST(Header, IsRefusedAtAnotherPlaceAndUnderAnotherKey) {
  alignas(16) std::array<std::byte, kHeaderBytes> bytes{};
  store_header(key_from(3), kPlace, bytes.data(), Header::live(96, true, Kind::by_malloc, 0));
  EXPECT_FALSE(load_header(key_from(4), kPlace, bytes.data()));
  for (unsigned bit = 0; bit < 64; ++bit)
    EXPECT_FALSE(load_header(key_from(3), kPlace ^ std::uint64_t{1} << bit, bytes.data()));
}

TEST(Footer, EachOfIts128BitsCounts) {
  const Key key = key_from(3);
  alignas(16) std::array<std::byte, kFooterBytes> bytes{};
  for (const std::size_t size : {kMinBlock, std::size_t{4096}, std::size_t{kMaxBlockBytes}}) {
    store_footer(key, kPlace, bytes.data(), size);
    ASSERT_EQ(load_footer(key, kPlace, bytes.data()), size);
    for (unsigned bit = 0; bit < 128; ++bit) {
      flip_bit(bytes.data(), bit);
      ASSERT_EQ(load_footer(key, kPlace, bytes.data()), std::nullopt) << "bit " << bit;
      flip_bit(bytes.data(), bit);
    }
  }
}

TEST(Footer, NeverPassesForAHeaderNorAHeaderForOne) {
  const Key key = key_from(3);
  alignas(16) std::array<std::byte, kHeaderBytes> bytes{};
  store_header(key, kPlace, bytes.data(), Header::free(256, false, false));
  EXPECT_EQ(load_footer(key, kPlace, bytes.data()), std::nullopt);
  store_footer(key, kPlace, bytes.data(), 256);
  EXPECT_FALSE(load_header(key, kPlace, bytes.data()).has_value());
}

TEST(Footer, RefusesSizesThatNoFreeBlockHas) {
  const Key key = key_from(3);
  alignas(16) std::array<std::byte, kFooterBytes> bytes{};
  for (const std::size_t size : {std::size_t{0}, kMinBlock - 16, std::size_t{kMaxBlockBytes} + 16}) {
    store_footer(key, kPlace, bytes.data(), size);
    EXPECT_EQ(load_footer(key, kPlace, bytes.data()), std::nullopt) << size;
  }
}

// A link has no tag of its own: it is vetted by following it there and back. A flipped bit must lead elsewhere.
TEST(Link, EachOfIts64BitsLeadsElsewhere) {
  const Key key = key_from(3);
  alignas(16) std::array<std::byte, 8> bytes{};
  for (const std::uint64_t target : {std::uint64_t{0}, kPlace, ~std::uint64_t{15}}) {
    store_link(key, kPlace, bytes.data(), target);
    ASSERT_EQ(load_link(key, kPlace, bytes.data()), target);
    EXPECT_NE(load_link(key, kPlace + 8, bytes.data()), target) << "masked by its place";
    for (unsigned bit = 0; bit < 64; ++bit) {
      flip_bit(bytes.data(), bit);
      ASSERT_EQ(load_link(key, kPlace, bytes.data()), target ^ std::uint64_t{1} << bit);
      flip_bit(bytes.data(), bit);
    }
  }
}

}  // namespace
}  // namespace trestle
