// Writing past the end of a request, and what will be found of it.
#pragma once

#include "matrix.hpp"

// The first wrong byte that can be told: behind the request, unless all of a slot's pad is gone, which knew where that was.
struct Overflow {
  char* block;
  size_t size;
  size_t length;
  size_t served;

  [[nodiscard]] bool leaves_no_pad() const { return served <= LARGEST_SLOT && size + length >= served; }
  [[nodiscard]] char* first_wrong() const { return block + (leaves_no_pad() ? served - 1 : size); }

  // Zeros, which no canary has.
  void write() const {
    for (volatile char* at = block + size; at != block + size + length; ++at) *at = 0;
  }
  void say_and_write() const {
    if (!is_fast()) say();
    write();
  }
  // Says what a report of its pad has to say.
  void say() const {
    char* const wrong = first_wrong();
    if (!leaves_no_pad()) evidence((unsigned char)*wrong, 0);
    wrong_at(wrong);
    concerns(block, leaves_no_pad() && !is_debug() ? 0 : size, served);
  }
};

// Of a block with live neighbours of its size.
inline Overflow overflow_of(const Way& way, size_t size, const char* length) {
  must(made(way, size) != nullptr);
  char* const block = made(way, size);
  must(made(way, size) != block);
  return {block, size, bytes_of(length + 2), served_by(way, block, size)};  // by1B
}
