#include "base/fault.hpp"

#include <array>

namespace trestle {
namespace {

constexpr std::array<FaultTraits, TRESTLE_FAULT_KIND_COUNT> kTraits{{
    {"none", "no fault", 0},
    {"double free", "the block is already free", 0},
    {"interior pointer", "the pointer leads into a block, not to its start", 0},
    {"not a block", "the pointer leads into the heap, but no block starts there", 0},
    {"wild pointer", "the pointer leads to memory that is not the heap's", 0},
    {"stale pointer", "the block was freed before", 0},
    {"write past end", "bytes after the end of the request were overwritten", 5},
    {"write before start", "bytes before the start of the block were overwritten", 15},
    {"write after free", "the block was written to after it was freed", 6},
    {"size mismatch", "freed with another size than was requested", 0},
    {"alignment mismatch", "freed with an alignment that the block does not have", 0},
    {"kind mismatch", "freed by another family than allocated it (malloc, new, new[])", 0},
    {"header corrupt", "the header before the block was overwritten", 1},
    {"footer corrupt", "the footer of a free block was overwritten", 7},
    {"block overruns span", "the block's size leads out of its span", 2},
    {"boundary tag mismatch", "two neighbouring blocks disagree about one another", 3},
    {"uncoalesced neighbours", "two free blocks lie side by side", 4},
    {"free link corrupt", "a link between free blocks was overwritten", 8},
    {"bin mismatch", "the bins and the free blocks disagree", 8},
    {"accounting mismatch", "the counters and the heap's bytes disagree", 9},
    {"descriptor corrupt", "a span's descriptor was overwritten", 10},
    {"span tiling", "the spans overlap, leave a gap or are mapped wrongly", 13},
    {"uncoalesced spans", "two free spans lie side by side", 11},
    {"span bin mismatch", "the span bins and the free spans disagree", 12},
    {"quarantine corrupt", "the quarantine and the retired blocks disagree", 16},
    {"control corrupt", "the heap's own control record was overwritten", 17},
    {"access past end", "memory past the end of the block was accessed", 0},
    {"access after free", "the block was accessed after it was freed", 0},
    {"wild access", "memory of the heap's that belongs to no block was accessed", 0},
    {"leak", "no pointer leads to the block any more", 0},
    {"access before start", "memory before the start of the block was accessed", 0},
}};

}  // namespace

const FaultTraits& traits_of(FaultKind kind) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return kTraits[index < kTraits.size() ? index : 0];
}

}  // namespace trestle
