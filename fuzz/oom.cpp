// Programs whose system refuses the n-th call, and each k-th after it: null, and the heap and all contents are as they were.
#include "run_or_abort.hpp"
#include "target.hpp"

using namespace trestle::ops;

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = &kOomVocabulary, .words = {}};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_or_abort(kOomVocabulary, data, size, run_on_heap);
  return 0;
}
