#include "trace/recorder/modules.hpp"

#include <link.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "trace/encode.hpp"
#include "trace/recorder/trace_file.hpp"

namespace trestle::trace {
namespace {

constexpr std::uint32_t kChunk = 16 << 10;
constexpr std::size_t kLongestPath = 4000;

struct Range {
  std::uint64_t first;
  std::uint64_t last;  // the byte behind
};

constinit std::array<Range, 1024> known{};
constinit std::atomic<std::size_t> count{0};
constinit std::atomic<bool> has_begun{false};
constinit std::atomic_flag is_asking{};
constinit std::atomic<std::uint32_t> strange{0};  // sites that were in no module when they were looked at
constinit ChunkWriter chunk;

bool is_known(std::uint64_t address) noexcept {
  const Range* const end = known.data() + count.load(std::memory_order_acquire);
  return std::any_of(known.data(), const_cast<Range*>(end),
                     [&](const Range& one) { return one.first <= address && address < one.last; });
}

Range range_of(const dl_phdr_info& module) noexcept {
  Range range{UINT64_MAX, 0};
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    const std::uint64_t first = module.dlpi_addr + segment.p_vaddr;
    range = {std::min(range.first, first), std::max<std::uint64_t>(range.last, first + segment.p_memsz)};
  }
  return range;
}

bool have_room(std::uint32_t bytes) noexcept {
  if (chunk.chunk() != nullptr && chunk.has_room(bytes)) return true;
  const ChunkWriter taken = TraceFile::take(kChunk, ChunkKind::modules, 0, 0);
  if (taken.chunk() == nullptr) return false;
  if (chunk.chunk() != nullptr) munmap(chunk.chunk(), chunk.bytes());
  chunk = taken;
  return true;
}

void write(const Range& range, std::uint64_t base, const char* path) noexcept {
  const std::size_t length = std::min(std::strlen(path), kLongestPath);
  if (!have_room(static_cast<std::uint32_t>(length) + 40)) return;
  for (const std::uint64_t number : {base, range.first, range.last, std::uint64_t{length}}) chunk.put_number(number);
  for (std::size_t i = 0; i < length; ++i) chunk.put_byte(static_cast<unsigned char>(path[i]));
  chunk.publish();
}

int add(dl_phdr_info* module, std::size_t, void*) noexcept {
  const Range range = range_of(*module);
  const std::size_t at = count.load(std::memory_order_relaxed);
  if (range.first >= range.last || is_known(range.first) || at == known.size()) return 0;
  known[at] = range;
  count.store(at + 1, std::memory_order_release);
  write(range, module->dlpi_addr, module->dlpi_name);  // the program's own is empty: the file's header has it
  return 0;
}

void ask() noexcept {
  if (is_asking.test_and_set(std::memory_order_acquire)) return;
  dl_iterate_phdr(add, nullptr);
  is_asking.clear(std::memory_order_release);
}

}  // namespace

void Modules::begin() noexcept {
  has_begun.store(true);
  ask();
}

// Code that a program makes at run time is in no module, and never will be: the loader is asked ever more rarely.
void Modules::note(std::uint64_t site) noexcept {
  if (!has_begun.load(std::memory_order_relaxed) || is_known(site)) return;
  const std::uint32_t before = strange.fetch_add(1);
  if ((before & (before + 1)) == 0) ask();
}

}  // namespace trestle::trace
