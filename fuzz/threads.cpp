// Op programs of several threads at once over the whole heap, interrupted where the program says.
#include "run_or_abort.hpp"
#include "target.hpp"

using namespace trestle::ops;

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = &kThreadsVocabulary, .words = {}};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_or_abort(kThreadsVocabulary, data, size, run_on_threads);
  return 0;
}
