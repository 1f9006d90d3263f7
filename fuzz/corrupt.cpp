// Programs between whose ops bytes of the heap's own are overwritten: heap_check stays in bounds, ends, and sees each flipped bit.
#include "run_or_abort.hpp"
#include "target.hpp"

using namespace trestle::ops;

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = &kCorruptVocabulary, .words = {}};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_or_abort(kCorruptVocabulary, data, size, run_on_either);
  return 0;
}
