// What of the process's address space can be read, and which of its pages hold anything of its own, as the kernel tells it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trestle::os {

struct Mapping {
  std::uintptr_t begin;
  std::uintptr_t end;
  bool is_writable;
  bool is_shared;              // with other processes, or a file
  bool is_of_file;             // or has a name
  bool is_first_stack;         // of the thread that the process began with
  std::uintptr_t guard_begin;  // of memory that nobody can read and that ends where this begins; 0: there is none
};

// For lines, of which none is longer than a path and a little.
using MappingsRoom = std::array<char, 8192>;

// Calls visit(mapping, context) for each mapping that can be read, by address. False: they cannot be read, or not all of
// them. No allocation, no lock.
bool for_each_readable_mapping(MappingsRoom& room, void (*visit)(const Mapping& mapping, void* context),
                               void* context) noexcept;

// Which pages were ever written to. Of memory that is shared, which are there, whoever wrote to them.
class HeldPages {
 public:
  // What the kernel tells at once, in one of its ways or another.
  struct Run {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t categories;
  };
  static constexpr std::size_t kAtOnce = 512;
  struct Room {
    std::array<Run, 64> runs;
    std::array<std::uint64_t, kAtOnce> entries;
    std::array<unsigned char, kAtOnce> present;
    std::array<bool, kAtOnce> held;
  };

  explicit HeldPages(Room& room) noexcept;
  ~HeldPages();
  HeldPages(const HeldPages&) = delete;
  HeldPages& operator=(const HeldPages&) = delete;

  // Calls visit(begin, end, context) for each run of pages in the range, which begins and ends with pages of the mapping,
  // that hold more than zeros and what the mapping's file has. Of all that can be written or is no file's it is the whole
  // range where the system does not tell. Cost: 8 bytes read for a page.
  void for_each_run(const Mapping& mapping, std::uintptr_t begin, std::uintptr_t end,
                    void (*visit)(std::uintptr_t begin, std::uintptr_t end, void* context),
                    void* context) const noexcept;

 private:
  [[nodiscard]] bool scan_runs(std::uintptr_t begin, std::uintptr_t end,
                               void (*visit)(std::uintptr_t begin, std::uintptr_t end, void* context),
                               void* context) const noexcept;
  [[nodiscard]] std::size_t ask(bool is_shared, std::uintptr_t at, std::span<bool> held) const noexcept;

  Room& room_;
  int file_;
};

}  // namespace trestle::os
