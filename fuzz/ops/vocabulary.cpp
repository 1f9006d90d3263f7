// The vocabularies: what the bytes of a program mean to each kind of target.
#include <limits>

#include "ops/program.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kHuge = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
// Any size below 4 GiB can be written down, in one record of 32.
constexpr SizeRange kAnySize{0, UINT32_MAX};

template <class T, std::size_t I = 0>
consteval std::uint8_t op_index() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, Op>, T>)
    return I;
  else
    return op_index<T, I + 1>();
}

struct Share {
  std::uint8_t op;
  std::size_t records;  // of 32
};
template <std::size_t N>
consteval std::array<std::uint8_t, 32> shared_out(const Share (&shares)[N]) {
  std::array<std::uint8_t, 32> table{};
  std::size_t at = 0;
  for (const Share& share : shares)
    for (std::size_t i = 0; i < share.records; ++i) table.at(at++) = share.op;
  if (at != table.size()) throw "the shares do not add up";
  return table;
}

constexpr std::array<std::uint8_t, 32> kAlignments{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,  4,  4,
                                                   4, 4, 4, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 12, 16};

// The harness's block spans are the smallest there are, 64 KiB, so requests above 16 KiB are large.
constexpr std::array<SizeRange, 32> kHeapSizes = {{{0, 0},
                                                   {1, 1},
                                                   {2, 14},
                                                   {15, 17},
                                                   {18, 47},
                                                   {48, 80},
                                                   {48, 80},
                                                   {81, 256},
                                                   {81, 256},
                                                   {81, 256},
                                                   {257, 1000},
                                                   {257, 1000},
                                                   {257, 1000},
                                                   {1001, 1060},
                                                   {1001, 1060},
                                                   {1061, 4060},
                                                   {1061, 4060},
                                                   {1061, 4060},
                                                   {4061, 4120},
                                                   {4061, 4120},
                                                   {4121, 8000},
                                                   {8001, 16000},
                                                   {16001, 16400},
                                                   {16401, 32700},
                                                   {32701, 65600},
                                                   {65601, 100000},
                                                   {0, 20000},
                                                   {0, 64},
                                                   {0, 256},
                                                   {0, 1024},
                                                   {kHuge - 4096, SIZE_MAX},
                                                   kAnySize}};

constexpr std::array<std::uint8_t, 32> kHeapOps = shared_out({{op_index<Allocate>(), 9},
                                                              {op_index<Set>(), 1},
                                                              {op_index<AllocateZeroed>(), 3},
                                                              {op_index<Free>(), 6},
                                                              {op_index<SizedFree>(), 4},
                                                              {op_index<Reallocate>(), 4},
                                                              {op_index<Check>(), 1},
                                                              {op_index<Trim>(), 1},
                                                              {op_index<Wait>(), 1},
                                                              {op_index<RunOn>(), 1},
                                                              {op_index<EndThread>(), 1}});

}  // namespace

const Vocabulary kHeapVocabulary{
    .name = "heap",
    .ops = kHeapOps,
    .sizes = kHeapSizes,
    .alignment_shifts = kAlignments,
    .features = {.zeroed = true, .trim = true, .clock = true, .threads = true, .settings = true},
    .largest_first_buffer = 0,
};

const Vocabulary kBufferVocabulary{
    .name = "buffer",
    .ops = shared_out({{op_index<Allocate>(), 12},
                       {op_index<Free>(), 6},
                       {op_index<SizedFree>(), 3},
                       {op_index<Reallocate>(), 6},
                       {op_index<Grow>(), 1},
                       {op_index<Shrink>(), 2},
                       {op_index<Relocate>(), 1},
                       {op_index<Check>(), 1}}),
    .sizes = {{{0, 0},
               {1, 1},
               {2, 14},
               {15, 17},
               {15, 17},
               {18, 47},
               {18, 47},
               {48, 80},
               {48, 80},
               {48, 80},
               {81, 256},
               {81, 256},
               {81, 256},
               {81, 256},
               {257, 1000},
               {257, 1000},
               {257, 1000},
               {1001, 1060},
               {1001, 1060},
               {1061, 4060},
               {1061, 4060},
               {1061, 4060},
               {4061, 4120},
               {4061, 4120},
               {4121, 8000},
               {8001, 16000},
               {16001, 65600},
               {0, 64},
               {0, 256},
               {0, 1024},
               {kHuge - 4096, SIZE_MAX},
               kAnySize}},
    .alignment_shifts = kAlignments,
    .features = {.capacity = kLargestBuffer},
    .largest_first_buffer = kLargestBuffer / 2,
};

const Vocabulary kBitmapVocabulary{
    .name = "bitmap",
    .ops = shared_out({{op_index<Allocate>(), 10},
                       {op_index<Free>(), 4},
                       {op_index<SizedFree>(), 3},
                       {op_index<Reallocate>(), 5},
                       {op_index<Grow>(), 1},
                       {op_index<Shrink>(), 1},
                       {op_index<Relocate>(), 1},
                       {op_index<Check>(), 1},
                       {op_index<Misuse>(), 3},
                       {op_index<Corrupt>(), 3}}),
    .sizes = {{{0, 0},
               {1, 1},
               {2, 14},
               {2, 14},
               {15, 17},
               {15, 17},
               {15, 17},
               {18, 47},
               {18, 47},
               {18, 47},
               {18, 47},
               {48, 80},
               {48, 80},
               {48, 80},
               {81, 256},
               {81, 256},
               {81, 256},
               {81, 256},
               {150, 180},
               {190, 250},
               {257, 1000},
               {257, 1000},
               {430, 510},
               {940, 1030},
               {1900, 2050},
               {3900, 4100},
               {0, 64},
               {0, 256},
               {0, 1024},
               {1001, 4060},
               {kHuge - 4096, SIZE_MAX},
               kAnySize}},
    .alignment_shifts = kAlignments,
    .features = {.misuse = true, .corrupt = true, .capacity = kLargestBuffer},
    .largest_first_buffer = kLargestBuffer / 2,
    .pages = true,
};

const Vocabulary kMisuseVocabulary{
    .name = "misuse",
    .ops = shared_out({{op_index<Allocate>(), 9},
                       {op_index<Misuse>(), 7},
                       {op_index<Set>(), 1},
                       {op_index<Free>(), 3},
                       {op_index<SizedFree>(), 2},
                       {op_index<Reallocate>(), 3},
                       {op_index<AllocateZeroed>(), 1},
                       {op_index<Grow>(), 1},
                       {op_index<Shrink>(), 1},
                       {op_index<Relocate>(), 1},
                       {op_index<Trim>(), 1},
                       {op_index<Wait>(), 1},
                       {op_index<RunOn>(), 1}}),
    .sizes = kHeapSizes,
    .alignment_shifts = kAlignments,
    .features = {.zeroed = true,
                 .trim = true,
                 .clock = true,
                 .misuse = true,
                 .threads = true,
                 .settings = true,
                 .capacity = kLargestBuffer},
    .largest_first_buffer = kLargestBuffer / 2,
    .heap_too = true,
};

const Vocabulary kCorruptVocabulary{
    .name = "corrupt",
    .ops = shared_out({{op_index<Allocate>(), 11},
                       {op_index<Corrupt>(), 7},
                       {op_index<Set>(), 1},
                       {op_index<Free>(), 5},
                       {op_index<Reallocate>(), 2},
                       {op_index<Grow>(), 1},
                       {op_index<Shrink>(), 1},
                       {op_index<Relocate>(), 1},
                       {op_index<Trim>(), 1},
                       {op_index<Wait>(), 1},
                       {op_index<RunOn>(), 1}}),
    .sizes = kHeapSizes,
    .alignment_shifts = kAlignments,
    .features = {.zeroed = true,
                 .trim = true,
                 .clock = true,
                 .corrupt = true,
                 .threads = true,
                 .settings = true,
                 .capacity = kLargestBuffer},
    .largest_first_buffer = kLargestBuffer / 2,
    .heap_too = true,
};

const Vocabulary kOomVocabulary{
    .name = "oom",
    .ops = kHeapOps,
    .sizes = kHeapSizes,
    .alignment_shifts = kAlignments,
    .features = {.zeroed = true, .trim = true, .clock = true, .refusals = true, .threads = true, .settings = true},
    .largest_first_buffer = 0,
};

// Small requests, of few sizes, so that the threads meet in the same slabs and depots; and some of each tier. A preemption's
// steps are drawn from the same ranges.
const Vocabulary kThreadsVocabulary{
    .name = "threads",
    .ops = shared_out({{op_index<Allocate>(), 6},
                       {op_index<AllocateZeroed>(), 1},
                       {op_index<Free>(), 5},
                       {op_index<SizedFree>(), 1},
                       {op_index<Reallocate>(), 2},
                       {op_index<RunOn>(), 6},
                       {op_index<Preempt>(), 8},
                       {op_index<EndThread>(), 1},
                       {op_index<Check>(), 1},
                       {op_index<Trim>(), 1}}),
    .sizes = {{{0, 0},     {1, 1},       {1, 8},       {1, 8},       {1, 8},       {9, 24},        {9, 24},
               {9, 24},    {9, 24},      {25, 40},     {25, 40},     {90, 110},    {90, 110},      {500, 600},
               {500, 600}, {2000, 2100}, {2000, 2100}, {3900, 4100}, {8000, 8200}, {16001, 16400}, {30000, 34000},
               {0, 4},     {0, 4},       {0, 8},       {0, 8},       {0, 16},      {0, 16},        {0, 32},
               {0, 32},    {0, 64},      {0, 256},     kAnySize}},
    .alignment_shifts = kAlignments,
    .features = {.zeroed = true, .trim = true, .threads = true, .at_once = true},
    .largest_first_buffer = 0,
};

// Sizes that take the ways through any allocator, up to what a mapping serves, so that all bytes are filled.
const Vocabulary kForeignVocabulary{
    .name = "foreign",
    .ops = shared_out({{op_index<Allocate>(), 10},
                       {op_index<RunOn>(), 3},
                       {op_index<AllocateZeroed>(), 3},
                       {op_index<Free>(), 8},
                       {op_index<Reallocate>(), 6},
                       {op_index<EndThread>(), 1},
                       {op_index<Check>(), 1}}),
    .sizes = {{{0, 0},         {1, 1},         {2, 14},         {15, 17},
               {15, 17},       {18, 47},       {18, 47},        {48, 80},
               {48, 80},       {48, 80},       {81, 256},       {81, 256},
               {81, 256},      {81, 256},      {257, 1000},     {257, 1000},
               {257, 1000},    {1001, 1060},   {1001, 1060},    {1061, 4060},
               {1061, 4060},   {4061, 4120},   {4121, 8000},    {8001, 16000},
               {16001, 32700}, {32701, 65600}, {65601, 140000}, {140001, 300000},
               {0, 64},        {0, 256},       {0, 1024},       {kHuge - 4096, SIZE_MAX}}},
    .alignment_shifts = kAlignments,
    .features = {.zeroed = true, .threads = true, .kinds = false, .opaque = true},
    .largest_first_buffer = 0,
};

}  // namespace trestle::ops
