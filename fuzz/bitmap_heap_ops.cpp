// Op programs over BitmapHeap, under each policy: pages of every size, growing, shrinking and relocated buffers, with mistakes
// and flipped bits between the ops.
#include "run_or_abort.hpp"
#include "target.hpp"

using namespace trestle::ops;

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = &kBitmapVocabulary, .words = {}};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_or_abort(kBitmapVocabulary, data, size, run_on_bitmap);
  return 0;
}
