// Programs with mistakes in them, over a heap or a buffer: the call or heap_check names exactly what was done, and nothing changes.
#include "run_or_abort.hpp"
#include "target.hpp"

using namespace trestle::ops;

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = &kMisuseVocabulary, .words = {}};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_or_abort(kMisuseVocabulary, data, size, run_on_either);
  return 0;
}
