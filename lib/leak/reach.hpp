// Which blocks some pointer leads to: a conservative mark. Each aligned word of a root that is an address in a live block,
// its first byte or any other, or that of its end where no other begins, makes that block reached, and its words roots in
// turn. Memory that others may close is copied before it is read. Out of band, in mappings of its own; one thread at a
// time, while nothing that is read changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "os/linux_os.hpp"

namespace trestle {

class Reach {
 public:
  enum class State : std::uint8_t {
    unreached,
    reached,
    leader,    // unreached, and no other such block leads to it but those that it leads to itself
    follower,  // unreached, and a leader leads to it
  };
  struct Block {
    const std::byte* at;
    std::size_t bytes;
    State state;
    bool is_followed;  // its words are roots when it is reached
  };
  // An unreached block, and how many others only it leads to.
  struct Leader {
    const std::byte* at;
    std::size_t bytes;
    std::size_t followers;
    std::size_t follower_bytes;
  };

  constexpr Reach() noexcept = default;
  ~Reach() { release(); }
  Reach(const Reach&) = delete;
  Reach& operator=(const Reach&) = delete;

  // Room for so many blocks. False: there is no memory.
  [[nodiscard]] bool make_room(std::size_t blocks) noexcept;
  // As long as there is room: blocks that do not overlap, of which some may lead nowhere.
  void add(const void* at, std::size_t bytes, bool is_followed = true) noexcept;
  // All are there.
  void begin() noexcept;
  // Marks from the words of a root, aligned or not at its ends, as far as they can be read. Cost: a search by halves for each
  // word that lies between the first block and the last.
  void mark_from(const std::byte* from, const std::byte* to) noexcept;
  void mark_from_word(std::uintptr_t word) noexcept;
  // Marks all blocks that are followed, and what they lead to.
  void mark_followed() noexcept;

  // After the marking: calls visit(leader, context) for blocks that were not reached, so few that each of the others is led
  // to by one of them. Of blocks that lead to one another in a ring, and that no other leads to, it is one. Once.
  void for_each_leader(void (*visit)(const Leader& leader, void* context), void* context) noexcept;

  // How many blocks were not reached.
  [[nodiscard]] std::size_t unreached() const noexcept;
  // Of roots and blocks, so far.
  [[nodiscard]] std::size_t bytes_read() const noexcept { return bytes_read_; }
  [[nodiscard]] std::span<const std::byte> memory() const noexcept { return {memory_, memory_bytes_}; }
  // The block that a pointer to the address leads to; null: none.
  [[nodiscard]] const Block* find(const void* at) const noexcept;

 private:
  void release() noexcept;
  void reach(std::uintptr_t word) noexcept;
  void touch(Block& block) noexcept;
  void read(const Block& block) noexcept;
  void lead(Block& block) noexcept;
  void scan(const std::byte* from, const std::byte* to) noexcept;
  void copy_and_scan(const std::byte* from, const std::byte* to) noexcept;
  void follow() noexcept;

  LinuxOs os_;
  std::byte* memory_ = nullptr;
  std::size_t memory_bytes_ = 0;
  std::byte* copy_ = nullptr;  // of what is being read
  Block* blocks_ = nullptr;
  std::uint32_t* pending_ = nullptr;  // reached, and not read yet: a stack, in which each block is once
  std::size_t room_ = 0;
  std::size_t count_ = 0;
  std::size_t pending_count_ = 0;
  std::size_t bytes_read_ = 0;
  std::uintptr_t end_ = 0;           // of the last block
  State becoming_ = State::reached;  // of what a word leads to now
  const Block* leading_ = nullptr;   // that is followed now
  Leader leader_{};                  // what was counted for it
};

}  // namespace trestle
