// Headers, footers and links under any key, at any place: each bit of what lies in a program's reach counts.
#include <gtest/gtest.h>

#include <array>

#include "block/header.hpp"
#include "faults.hpp"
#include "property.hpp"

namespace trestle {

static void showValue(Header header, std::ostream& out) {
  out << (header.is_live()      ? "live"
          : header.is_retired() ? "retired"
          : header.is_end()     ? "end"
                                : "free")
      << " header of " << header.size() << " bytes, pad " << header.pad() << ", word 0x" << std::hex << header.word()
      << std::dec;
}

namespace {

constexpr int kOften = 10;

rc::Gen<std::size_t> block_sizes() {
  return rc::gen::map(sizes_at_limits(), [](std::size_t size) {
    return std::max(kMinBlock, align_down(size % (kMaxBlockBytes + 1), kMinAlignment));
  });
}

rc::Gen<Header> headers() {
  const auto make = [](std::size_t size, unsigned sort, std::size_t pad, unsigned flags) {
    const bool previous_used = (flags & 1) != 0;
    if (sort == 0) return Header::end(previous_used);
    if (sort == 1) return Header::free(size, previous_used, (flags & 2) != 0, (flags & 4) != 0);
    const auto kind = static_cast<Kind>(flags >> 3 & 3);
    const Header live = Header::live(size, previous_used, kind, std::min(pad, size - kHeaderBytes));
    return sort == 2 ? live : live.retired();
  };
  return rc::gen::apply(make, block_sizes(), rc::gen::inRange(0U, 4U), rc::gen::inRange<std::size_t>(0, kMaxPad + 1),
                        rc::gen::inRange(0U, 32U));
}

struct Spot {
  Key key;
  std::uint64_t place;
  alignas(16) std::array<std::byte, 16> bytes{};
};
Spot any_spot() { return {key_from(*any<std::uint64_t>()), align_down(*any<std::uint64_t>(), kMinAlignment)}; }

template <class Loaded>
void refuse_each_flipped_bit(Spot& spot, Loaded loaded) {
  for (unsigned bit = 0; bit < 128; ++bit) {
    flip_bit(spot.bytes.data(), bit);
    RC_ASSERT(!loaded().has_value());
    flip_bit(spot.bytes.data(), bit);
  }
}

// I1: the tag is of the word, and below of the place.
TEST(HeaderProperty, ComesBackAndEachOfIts128BitsCounts) {
  EXPECT_TRUE(holds(
      "a stored header is loaded unchanged, and refused with any one bit flipped",
      [] {
        Spot spot = any_spot();
        const Header header = *headers();
        store_header(spot.key, spot.place, spot.bytes.data(), header);
        const auto loaded = [&] { return load_header(spot.key, spot.place, spot.bytes.data()); };
        RC_ASSERT(loaded().has_value());
        RC_ASSERT(loaded()->word() == header.word());
        refuse_each_flipped_bit(spot, loaded);
      },
      kOften));
}

TEST(HeaderProperty, IsRefusedAtAnyOtherPlace) {
  EXPECT_TRUE(holds(
      "a header copied elsewhere is none",
      [] {
        Spot spot = any_spot();
        store_header(spot.key, spot.place, spot.bytes.data(), *headers());
        for (unsigned bit = log2_floor(kMinAlignment); bit < 64; ++bit)
          RC_ASSERT(!load_header(spot.key, spot.place ^ std::uint64_t{1} << bit, spot.bytes.data()).has_value());
        const std::uint64_t distance = *rc::gen::inRange<std::uint64_t>(1, 1 << 16) * kMinAlignment;
        RC_ASSERT(!load_header(spot.key, spot.place + distance, spot.bytes.data()).has_value());
      },
      kOften));
}

// Whatever word carries a right tag, what is parsed of it lets a walk advance and keeps the pad inside the payload.
TEST(HeaderProperty, AParsedHeaderIsSafeToFollow) {
  EXPECT_TRUE(holds(
      "a word is refused, or is a header whose lengths can be followed",
      [] {
        const std::uint64_t word = *any<std::uint64_t>() & *any<std::uint64_t>() & ~(std::uint64_t{1} << 63);
        const std::optional<Header> header = Header::parse(word);
        if (!header) return;
        RC_ASSERT(header->word() == word);
        RC_ASSERT((header->is_end() ? header->is_used() : header->size() >= kMinBlock));
        RC_ASSERT((header->is_end() || header->requested() <= header->served()));
        RC_ASSERT(header->size() % kMinAlignment == 0);
        RC_ASSERT(int{header->is_live()} + int{header->is_retired()} + int{header->is_free()} + int{header->is_end()} ==
                  1);
      },
      100));
}

TEST(FooterProperty, ComesBackAndEachOfIts128BitsCounts) {
  EXPECT_TRUE(holds(
      "a stored footer is loaded unchanged, and refused with any one bit flipped",
      [] {
        Spot spot = any_spot();
        const std::size_t size = *block_sizes();
        store_footer(spot.key, spot.place, spot.bytes.data(), size);
        const auto loaded = [&] { return load_footer(spot.key, spot.place, spot.bytes.data()); };
        RC_ASSERT(loaded() == size);
        refuse_each_flipped_bit(spot, loaded);
      },
      kOften));
}

TEST(LinkProperty, ComesBackAndEachOfIts64BitsLeadsElsewhere) {
  EXPECT_TRUE(holds(
      "a stored link is loaded unchanged, and leads elsewhere with any one bit flipped or from another place",
      [] {
        Spot spot = any_spot();
        const std::uint64_t target = *any<std::uint64_t>();
        store_link(spot.key, spot.place, spot.bytes.data(), target);
        RC_ASSERT(load_link(spot.key, spot.place, spot.bytes.data()) == target);
        for (unsigned bit = 0; bit < 64; ++bit) {
          RC_ASSERT(load_link(spot.key, spot.place ^ std::uint64_t{1} << bit, spot.bytes.data()) != target);
          flip_bit(spot.bytes.data(), bit);
          RC_ASSERT(load_link(spot.key, spot.place, spot.bytes.data()) != target);
          flip_bit(spot.bytes.data(), bit);
        }
      },
      kOften));
}

}  // namespace
}  // namespace trestle
