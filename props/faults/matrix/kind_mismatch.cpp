//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned realloc
//: by to free delete delete[]
//: warning hardened [malloc aligned realloc delete delete[]]: kind mismatch in CALL(GIVEN)
//: warning hardened [new free delete[]]: kind mismatch in CALL(GIVEN)
//: warning hardened [new[] free delete]: kind mismatch in CALL(GIVEN)
//: fault debug [malloc aligned realloc delete delete[]]: kind mismatch in CALL(GIVEN)
//: fault debug [new free delete[]]: kind mismatch in CALL(GIVEN)
//: fault debug [new[] free delete]: kind mismatch in CALL(GIVEN)
// A block released by another family than gave it: said once of each place, and the block is free all the same.
// What is released by its own family is in order, and under fast nobody looks.
#include "calls.hpp"

int main(int, char** words) {
  const size_t size = bytes_of(words[1]);
  const Way& way = row_named(kWays, words[2]);
  const GivenTo& to = row_named(kGivenTo, words[3]);
  char* const block = made(way, size);
  about_live(way, block, size);
  print(STDOUT_FILENO, "call %s\n", to.reported);
  give(block);
  for (size_t i = 0; i < hidden_size(10); ++i) to.call(i == 0 ? hidden(block) : made(way, size));
  return ok();
}
