// Op programs over the whole heap, under each policy, on an operating system of the harness's own.
#include "run_or_abort.hpp"
#include "target.hpp"

using namespace trestle::ops;

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = &kHeapVocabulary, .words = {}};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_or_abort(kHeapVocabulary, data, size, run_on_heap);
  return 0;
}
