// The edges of an instrumented malloc: compiled by clang's -fsanitize-coverage=inline-8bit-counters,pc-table, a library has a
// byte for each of its edges, which counts how often it was taken, and tells where they lie as it is loaded. Its calls for that
// are looked for in the program that it is preloaded into, which therefore exports them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::conform {

// How many edges all instrumented objects of this process have; 0: there is none.
[[nodiscard]] std::size_t count_edges() noexcept;
// No edge was taken.
void forget_edges() noexcept;
// How often each edge was taken, one after the other; an edge behind the last of `bytes` shares a place, from the first on.
void copy_edges(std::uint8_t* to, std::size_t bytes) noexcept;

}  // namespace trestle::conform
