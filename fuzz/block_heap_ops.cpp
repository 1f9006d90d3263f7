// Op programs over BufferHeap, under each policy: buffers of a fixed size, growing, shrinking and relocated ones.
#include "run_or_abort.hpp"
#include "target.hpp"

using namespace trestle::ops;

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = &kBufferVocabulary, .words = {}};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_or_abort(kBufferVocabulary, data, size, run_on_buffer);
  return 0;
}
