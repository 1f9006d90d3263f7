//: options symbolizer=none:handle_segv=0
//: unsymbolized
//: by size 8B 4KiB 256KiB-1 256KiB 8MiB-1 8MiB
//: by way malloc new new[] aligned realloc thread delayed
//: by length by1B by8B by32B by4KiB by1MiB
//: fault hardened debug [8B 4KiB 256KiB-1 256KiB by1B by8B by32B by4KiB]: write past end in CALL(GIVEN)
//: killed fast hardened debug [8B 4KiB 256KiB-1 256KiB by1MiB]: SEGV
//: fault hardened debug [8MiB-1 by1B]: write past end in CALL(GIVEN)
//: killed fast hardened debug [8MiB-1 by8B by32B by4KiB by1MiB]: SEGV
//: killed fast hardened debug [8MiB]: SEGV
//: without fast [256KiB-1 256KiB by8B by32B by4KiB]: the header behind it is hit, and seen when that is next looked at
// Bytes behind a request overwritten, seen when the block is released; or where a guard page lies, at once. Under fast
// nothing has a pad.
#include "overflow.hpp"

int main(int, char** words) {
  const Way& way = row_named(kWays, words[2]);
  const Overflow past = overflow_of(way, bytes_of(words[1]), words[3]);
  const bool on_pages_only = past.size + past.length > (past.size + 4095) / 4096 * 4096;
  if (past.length == 1 << 20 || (past.size > kLargestBlock && on_pages_only)) {
    ok();
    past.write();
    return 1;
  }
  print(STDOUT_FILENO, "call %s\n", way.released);
  give(past.block);
  past.say_and_write();
  way.release(hidden(past.block));
  return ok();
}
